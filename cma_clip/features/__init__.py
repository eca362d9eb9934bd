"""Examples as arrays and features, cached."""
