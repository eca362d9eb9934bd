"""A suite's tables, figures and report: all of them made from records, and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isnan
from pathlib import Path

from benchmarks.records import store
from benchmarks.records.record import MEAN, Record
from benchmarks.reporting import reference as comparisons
from benchmarks.reporting import reproduce
from benchmarks.reporting.aggregate import by_dataset, score
from benchmarks.reporting.comparison import all_tables
from benchmarks.reporting.table import in_all_formats, to_markdown
from benchmarks.suites import MODEL_ORDER


class StaleError(ValueError):
    """Tables on disk that are not what the records say."""


def write(suite_dir: Path, records: Sequence[Record], suite: str) -> str:
    """Write tables (md, csv, tex), figures (svg, png) and report.html; returns the accuracy tables to print."""
    from benchmarks.reporting import figure_style as drawing
    from benchmarks.reporting import figures
    from benchmarks.reporting import page as report

    tables = all_tables(records, measured(records))
    store.save_texts(suite_dir / "tables", table_texts(records))
    drawn = figures.all_figures(records, MODEL_ORDER)
    for name, figure in drawn.items():
        store.write_bytes(suite_dir / "figures" / f"{name}.svg", drawing.to_svg(figure))
        store.write_bytes(suite_dir / "figures" / f"{name}.png", drawing.to_png(figure))
    agreement = _agreement(suite_dir, records)
    page = report.render(suite, tables, drawn, records, _how_to_reproduce(suite, records), _cards(records), agreement)
    store.write_text(suite_dir / "report.html", page)
    shown = [to_markdown(table) for name, table in tables.items() if "accuracy" in name]
    return "\n\n".join([*shown, f"{len(records)} records; tables, figures and report.html are in {suite_dir}"])


def measured(records: Sequence[Record]) -> list[str]:
    """The models that have a record, in the order of all tables: a suite narrowed to three shows three."""
    found = {record.experiment.model for record in records}
    return [*(name for name in MODEL_ORDER if name in found), *sorted(found - set(MODEL_ORDER))]


def table_texts(records: Sequence[Record]) -> dict[str, str]:
    """File name -> content of every table in every format."""
    return in_all_formats(all_tables(records, measured(records)))


def check(suite_dir: Path, records: Sequence[Record]) -> str:
    """Compare the tables on disk with the records, byte by byte.

    Raises:
        StaleError: names the files that differ.
    """
    texts = table_texts(records)
    stale = store.stale(suite_dir / "tables", texts)
    if stale:
        raise StaleError(f"{suite_dir}: stale tables: {', '.join(stale)}; run `cma-bench tables` and commit them")
    return f"{suite_dir}: {len(texts)} tables are what {len(records)} records say"


def compare(records: Sequence[Record], reference_dir: Path) -> str:
    """How many cells of the records fall inside its reference's interval."""
    if not (reference_dir / "records").is_dir():
        return f"no reference results at {reference_dir} to compare with"
    found = comparisons.against_reference(records, store.load_records(reference_dir))
    return found.summary(str(reference_dir))


def headline(records: Sequence[Record]) -> dict[str, float]:
    """Accuracy, mean over tasks and seeds, by `suite/data set/accuracy/model`; undefined ones left out.

    MLflow shows the charts of one prefix together, in the order of the alphabet: those of the experiments come first.
    """
    scores = {
        f"suite/{dataset}/accuracy/{model}": score(found, MEAN, "accuracy")
        for dataset, models in by_dataset(records, ()).items()
        for model, found in models.items()
    }
    return {name: found.value for name, found in scores.items() if found is not None and not isnan(found.value)}


def _agreement(suite_dir: Path, records: Sequence[Record]) -> str:
    """Empty for a suite without a reference, and for the reference itself."""
    reference_dir = suite_dir.parent / "reference" / suite_dir.name
    return compare(records, reference_dir) if (reference_dir / "records").is_dir() else ""


def _how_to_reproduce(suite: str, records: Sequence[Record]) -> str:
    from benchmarks.datasets import DATASETS

    needed = sorted({r.experiment.dataset for r in records if DATASETS[r.experiment.dataset].needs_root})
    return reproduce.command(Path(suite).name, [record.experiment for record in records], needed)


def _cards(records: Sequence[Record]) -> Mapping[str, Mapping[str, str]]:
    from benchmarks.datasets import DATASETS

    return {name: asdict(DATASETS[name].card) for name in sorted({r.experiment.dataset for r in records})}
