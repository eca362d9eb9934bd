"""Training a backbone, and scoring one."""
