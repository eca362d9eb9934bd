"""One page on which a person checks a filled table."""
