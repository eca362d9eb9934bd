"""open_clip models as token sequences and embeddings."""
