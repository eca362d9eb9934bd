"""Experiments and records, and how they are kept."""
