"""The paper's tables and claims, with what was measured here beside what was published."""

from benchmarks.reporting.paper.claims import claims_table
from benchmarks.reporting.paper.reported import Reported, load_reported
from benchmarks.reporting.paper.tables import paper_tables

__all__ = ["Reported", "claims_table", "load_reported", "paper_tables"]
