"""The paper's tables, with what was measured here beside what was published."""

from benchmarks.reporting.paper.reported import Reported, load_reported
from benchmarks.reporting.paper.tables import paper_tables

__all__ = ["Reported", "load_reported", "paper_tables"]
