"""Procedural copies of data sets, written in their official layout: what the loaders read in tests and in CI."""
