"""The one table of a data set that can be sorted and filtered: how good, how much of it answered, at what cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.records.record import MEAN, Record
from benchmarks.reporting.figures.style import family
from benchmarks.reporting.statistics.aggregate import Models, over_seeds, records_of
from benchmarks.reporting.statistics.leading import ranked
from benchmarks.reporting.table import MISSING, Cell
from benchmarks.reporting.tables.comparison import column, number

ANSWERED = "answered_at_90_precision"


@dataclass(frozen=True)
class Row:
    """A model; `kind` is the family by which rows can be filtered."""

    model: str
    kind: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Overview:
    """Rows by accuracy, the best first; `notes` say in a few words what the columns are."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Those that occur, in the order of the rows."""
        return tuple(dict.fromkeys(row.kind for row in self.rows))


def overview(models: Models) -> Overview:
    """Of the clean test split; a column that no record has a number for is left out."""
    columns = {
        "accuracy, %": column(models, MEAN, "accuracy"),
        "answered at 90 %, %": column(models, MEAN, ANSWERED),
        "training, s": _cost(models, lambda record: record.seconds.get("fit"), 1),
        "a product, ms": _cost(models, lambda record: 1000 * record.cost.seconds if record.cost else None, 1),
        "files, MB": _cost(models, lambda record: record.cost.megabytes if record.cost else None, 1),
    }
    known = {head: cells for head, cells in columns.items() if any(cell.value is not None for cell in cells)}
    place = {model: index for index, model in enumerate(models)}
    first = list(ranked(models))
    return Overview(
        header=tuple(known),
        rows=tuple(
            Row(model, family(model), tuple(cells[place[model]] for cells in known.values()))
            for model in [*first, *(model for model in models if model not in first and models[model])]
        ),
        notes=tuple(_notes(models, known)),
    )


def _cost(models: Models, of: Callable[[Record], float | None], digits: int) -> list[Cell]:
    found = [number(over_seeds(records, of), 1, digits) for records in models.values()]
    return [Cell(cell.text.partition(" ±")[0], cell.value) for cell in found]


def _notes(models: Models, columns: dict[str, list[Cell]]) -> Sequence[str]:
    accuracy, *rest = columns
    notes = [
        f"{accuracy.capitalize()}: mean over tasks of the test split, ± over seeds, [95 % interval]. Bold is the best, "
        "≈ what does not differ from it significantly."
    ]
    if "answered at 90 %, %" in rest:
        notes.append("Answered: the share of test rows that it answers if 90 % of its answers must be right.")
    machines = sorted({str(record.environment.get("cpu")) for record in records_of(models)})
    notes.append(f"Cost: one thread of {' and '.join(machines)}. {MISSING}: not measured.")
    return notes
