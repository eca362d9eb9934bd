"""Fill the empty cells of a table with answers that can be trusted."""
