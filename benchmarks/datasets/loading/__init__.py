"""What every loader uses: rows in, checked splits out."""
