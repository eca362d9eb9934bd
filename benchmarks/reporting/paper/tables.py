"""Tables 2, 3, 4 and 6 of the paper: published columns, then ours, each marked as what it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.records.record import Record
from benchmarks.reporting.notes import footnotes
from benchmarks.reporting.paper.layouts import LAYOUTS, Layout, Measured
from benchmarks.reporting.paper.reported import Reported, ReportedRow, ReportedTable
from benchmarks.reporting.statistics.aggregate import Models, by_dataset, num_test, records_of
from benchmarks.reporting.table import MISSING, Cell, Table
from benchmarks.reporting.tables.comparison import column, legend

NOT_RUN = "not run"


@dataclass(frozen=True)
class _Column:
    head: str
    cells: list[Cell]


@dataclass(frozen=True)
class _Source:
    """The suite whose records fill the columns of one data set."""

    suite: str
    others: tuple[str, ...]
    models: Models


def paper_tables(reported: Reported, suites: Mapping[str, Sequence[Record]]) -> dict[str, Table]:
    """Name -> table, for every table of `LAYOUTS`.

    The columns of a data set come from one suite, which a footnote names: the one with the most records of the
    table's models on it, then the most training rows, then the fewest changed options, then the first by name.

    Args:
        reported: the published numbers.
        suites: name -> records; only their clean test splits are shown. Variants, as of an ablation, are no rows of
            the paper's tables: neither shown nor counted.
    """
    return {name: _table(name, reported, layout, suites) for name, layout in LAYOUTS.items()}


def _table(name: str, reported: Reported, layout: Layout, suites: Mapping[str, Sequence[Record]]) -> Table:
    published = reported.tables[name]
    models = [*(layout.counterparts.get(row.method) for row in published.rows), *layout.also]
    ours = [model for model in models if model is not None]
    sources = {measured: _source(measured, ours, suites) for measured in layout.measured}
    measured_columns = [
        _Column(made.head, _spread_over(models, ours, made.cells))
        for measured, source in sources.items()
        for made in _measured(measured, source, ours, published.metric)
    ]
    columns = [*_published(published, len(layout.also)), *measured_columns]
    methods = [*(row.method for row in published.rows), *(MISSING for _ in layout.also)]
    return Table(
        title=f"Table {name.removeprefix('table_')}. {published.caption}: published, and measured here",
        header=("published method", "our model", *(made.head for made in columns)),
        rows=tuple(
            (Cell(method), Cell(model or MISSING), *(made.cells[row] for made in columns))
            for row, (method, model) in enumerate(zip(methods, models, strict=True))
        ),
        footnotes=tuple(_footnotes(reported.source, published, layout, sources, measured_columns)),
        labels=2,
    )


def _spread_over(models: Sequence[str | None], ours: Sequence[str], cells: Sequence[Cell]) -> list[Cell]:
    """One cell per row of the table; rows without a model of ours get none."""
    by_model = dict(zip(ours, cells, strict=True))
    return [Cell(MISSING) if model is None else by_model[model] for model in models]


def _published(table: ReportedTable, further_rows: int) -> Iterator[_Column]:
    nothing = [Cell(MISSING)] * further_rows
    if any(row.training_data for row in table.rows):
        yield _Column("published: trained on", [*(Cell(row.training_data or MISSING) for row in table.rows), *nothing])
    if any(row.classes for row in table.rows):
        yield _Column("published: classes", [*map(_classes, table.rows), *nothing])
    for index, name in enumerate(table.columns):
        cells = [Cell(f"{row.values[index]:.1f}", row.values[index]) for row in table.rows]
        yield _Column(f"published: {name}", [*cells, *nothing])


def _classes(row: ReportedRow) -> Cell:
    return Cell(MISSING) if row.classes is None else Cell(str(row.classes), float(row.classes))


def _measured(measured: Measured, source: _Source | None, ours: Sequence[str], metric: str) -> Iterator[_Column]:
    if source is None:
        yield _Column(f"ours on {measured.dataset}", [Cell(f"needs {measured.source}")] * len(ours))
        return
    for task, name in measured.tasks:
        cells = column(source.models, task, metric)
        shown = [replace(cell, text=NOT_RUN) if cell.text == MISSING else cell for cell in cells]
        yield _Column(f"ours on {measured.dataset}: {name}", shown)


def _source(measured: Measured, ours: Sequence[str], suites: Mapping[str, Sequence[Record]]) -> _Source | None:
    candidates: dict[str, Models] = {}
    for suite, records in suites.items():
        rows = [record for record in records if record.experiment.row in ours]  # a variant's row is no model's name
        models = by_dataset(rows, ours).get(measured.dataset)
        if models is not None:
            candidates[suite] = models
    if not candidates:
        return None
    suite, *others = sorted(candidates, key=lambda suite: _preference(suite, candidates[suite]))
    return _Source(suite, tuple(others), candidates[suite])


def _preference(suite: str, models: Models) -> tuple[int, int, int, str]:
    """Sorts the suite to take first."""
    records = records_of(models)
    first = records[0]
    return -len(records), -first.sizes.get("train", 0), len(first.experiment.dataset_options), suite


def _footnotes(
    reported_in: str,
    published: ReportedTable,
    layout: Layout,
    sources: Mapping[Measured, _Source | None],
    measured_columns: Sequence[_Column],
) -> Iterable[str]:
    yield f"Published: {reported_in}."
    if published.footnote:
        yield published.footnote
    yield from layout.notes
    yield f"{MISSING}: no such row or value in the paper, or no counterpart of it here."
    for measured, source in sources.items():
        if source is not None:
            yield from _provenance(measured.dataset, source)
        else:
            yield f"{measured.dataset} has no results here; `cma-bench suite` with {measured.source} measures it."
    if any(sources.values()):
        marks = legend([published.metric], [made.cells for made in measured_columns])
        yield from (mark for mark in marks if not mark.startswith(MISSING))


def _provenance(dataset: str, source: _Source) -> Iterable[str]:
    experiment = records_of(source.models)[0].experiment
    options = ", ".join(f"{name}={value}" for name, value in sorted(experiment.dataset_options.items()))
    seeds = max(map(len, source.models.values()))
    yield (
        f"{dataset}: suite {source.suite}{f' ({options})' if options else ''}, "
        f"{f'mean ± std over {seeds} seeds' if seeds > 1 else '1 seed'}, {num_test(source.models):,} test examples"
        + (f"; also measured by {', '.join(source.others)}." if source.others else ".")
    )
    yield from (f"{dataset}: {note}" for note in footnotes(source.models))
