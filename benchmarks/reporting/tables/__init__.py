"""What each kind of table shows, and what stands below it."""
