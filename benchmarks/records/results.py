"""The records of a suite as one table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.records.record import Record
from benchmarks.records.store import StoreError, load_records

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Results:
    """Records, the newest of each experiment, in a fixed order."""

    records: tuple[Record, ...]

    def frame(self) -> pd.DataFrame:
        """The rows of `Record.frame`, one record after the other."""
        import pandas as pd

        return pd.concat([record.frame() for record in self.records], ignore_index=True)


def read(suite_dir: Path) -> Results:
    """Those of a folder results/<suite>.

    Raises:
        StoreError: it has no records, or one that is damaged.
    """
    records = load_records(suite_dir)
    if not records:
        raise StoreError(f"{suite_dir} has no records; the folder of a suite has them in {suite_dir / 'records'}")
    return Results(tuple(records))
