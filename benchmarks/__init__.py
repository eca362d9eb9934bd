"""Experiments: data sets, protocols, runs, records, tables and figures."""
