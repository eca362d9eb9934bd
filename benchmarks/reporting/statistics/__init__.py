"""From records to numbers: arranged, tested against each other, ranked."""
