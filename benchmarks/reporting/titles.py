"""What the titles of tables and figures say of the records they are made from."""

from __future__ import annotations

from benchmarks.records.record import CLEAN
from benchmarks.reporting.aggregate import Models, num_test, records_of

SELECTION = "epoch chosen on validation, never on test"


def named(dataset: str, models: Models) -> str:
    """The data set, and whether labels were taken out of its titles."""
    titles = {record.experiment.dataset_options.get("titles") for record in records_of(models)}
    return f"{dataset} with masked titles" if titles == {"masked"} else dataset


def table_title(shown: str, models: Models, condition: str = CLEAN) -> str:
    """`shown`, then what a reader must know of the numbers: seeds, test examples, selection."""
    counts = sorted({len(records) for records in models.values() if records})
    seeds = f"{counts[0]} to {counts[-1]} seeds" if len(counts) > 1 else f"{counts[0]} seed{'s' * (counts[0] > 1)}"
    over = f"mean ± std over {seeds}" if counts[-1] > 1 else seeds
    return f"{shown}; {over}; {num_test(models, condition):,} test examples; {SELECTION}"
