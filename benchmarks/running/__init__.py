"""One experiment from its description to its record; many of them side by side."""
