"""The same results drawn; apart from the tables, which need no matplotlib."""
