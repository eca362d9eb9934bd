"""A suite's tables, figures and report: all of them made from records, and from nothing else."""
