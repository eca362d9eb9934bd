"""What each command of `cma-bench` takes and does."""
