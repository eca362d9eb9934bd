"""A suite's tables, figures and report: all of them made from records, and from nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.records import store
from benchmarks.records.record import CLEAN, MEAN, Record
from benchmarks.reporting import notes
from benchmarks.reporting import reference as comparisons
from benchmarks.reporting.advice import Advice, advice
from benchmarks.reporting.statistics.aggregate import by_dataset, compared, records_of, score
from benchmarks.reporting.statistics.curves import largest
from benchmarks.reporting.statistics.ranking import average_over_datasets, ranks_table, suite_ranking
from benchmarks.reporting.table import Table, file_stem, in_all_formats, to_markdown
from benchmarks.reporting.tables.comparison import comparison_table, cost_table, modality_weights_table
from benchmarks.reporting.tables.differences import differences_table
from benchmarks.reporting.tables.learning_curve import learning_tables
from benchmarks.reporting.tables.robustness import robustness_tables
from benchmarks.suites import MODEL_ORDER

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ANSWERED, REACHED = "answered_at_90_precision", "precision_reached_at_90"
"""Shown for records that have them: those made before have no thresholds."""


class StaleError(ValueError):
    """Tables on disk that are not what the records say."""


def advised(records: Sequence[Record], suite: str, runs: Path) -> list[Advice]:
    """What to take, for every data set of a suite; see `advice.advice`."""
    return advice(records, measured(records), suite, runs)


def write(suite_dir: Path, records: Sequence[Record], suite: str, advised: Sequence[Advice] = ()) -> str:
    """Write tables (md, csv, tex), figures (svg, png) and report.html; returns the accuracy tables to print.

    The page begins with what was `advised`.
    """
    from benchmarks.reporting.figures.style import to_png, to_svg
    from benchmarks.reporting.page import Drawing, render

    order = measured(records)
    tables = all_tables(records, order)
    store.save_texts(suite_dir / "tables", in_all_formats(tables))
    figures: dict[str, Drawing] = {}
    for name, figure in all_figures(records, MODEL_ORDER).items():
        figures[name] = to_svg(figure), str(figure.get_label())
        store.write_bytes(suite_dir / "figures" / f"{file_stem(name)}.svg", figures[name][0])
        store.write_bytes(suite_dir / "figures" / f"{file_stem(name)}.png", to_png(figure))
    page = render(Path(suite).name, records, order, tables, figures, _agreement(suite_dir, records), advised)
    store.write_text(suite_dir / "report.html", page)
    shown = [to_markdown(table) for name, table in tables.items() if "accuracy" in name]
    return "\n\n".join([*shown, f"{len(records)} records; tables, figures and report.html are in {suite_dir}"])


def measured(records: Sequence[Record]) -> list[str]:
    """The models that have a record, in the order of all tables: a suite narrowed to three shows three."""
    found = {record.experiment.model for record in records}
    return [*(name for name in MODEL_ORDER if name in found), *sorted(found - set(MODEL_ORDER))]


def all_tables(records: Iterable[Record], order: Sequence[str]) -> dict[str, Table]:
    """Name -> table.

    For every data set and condition of `aggregate.COMPARED` three comparisons, differences, calibration and modality
    weights; for every data set training cost and what the conditions of its protocol cost; for a suite of several data
    sets average ranks. Names of conditions other than the clean one hold the condition. Of a learning curve they are
    about the most training rows; two tables tell the others.
    """
    everything = list(records)
    tables: dict[str, Table] = learning_tables(everything, order)
    listed = largest(everything)
    for (dataset, condition), models in compared(listed, order).items():
        prefix = dataset if condition == CLEAN else f"{dataset}-{condition}"
        for metric in ("accuracy", "macro_f1", "recall_at_90_precision"):
            tables[f"{prefix}-{metric}"] = comparison_table(dataset, models, [metric], condition)
        differences = differences_table(dataset, models, condition)
        tables |= {} if differences is None else {f"{prefix}-differences": differences}
        tables[f"{prefix}-calibration"] = comparison_table(dataset, models, ["ece", "log_loss"], condition)
        if any(score(records, MEAN, ANSWERED, condition) for records in models.values()):
            tables[f"{prefix}-answers"] = comparison_table(dataset, models, [ANSWERED, REACHED], condition)
        if condition == CLEAN:
            tables[f"{prefix}-cost"] = cost_table(dataset, models)
        if any(record.modality_weights.get(condition) for record in records_of(models)):
            tables[f"{prefix}-modality_weights"] = modality_weights_table(dataset, models, condition)
    tables |= robustness_tables(listed, order)
    ranks = suite_ranking(listed, order)
    if ranks is None:
        return tables
    return {**tables, "ranks": ranks_table(ranks, over_datasets=average_over_datasets({"": listed}, ranks.models))}


def all_figures(records: Iterable[Record], order: Sequence[str]) -> dict[str, Figure]:
    """Name -> figure, `get_label()` its caption.

    For every data set and condition of `aggregate.COMPARED` accuracy, accuracy by task and modality weights; for every
    data set accuracy against cost, precision against the share answered, reliability, and what damage costs; for a
    suite of several data sets average ranks.
    """
    import matplotlib as mpl

    from benchmarks.reporting.figures.answered import answered_figures
    from benchmarks.reporting.figures.comparison import comparison_figures
    from benchmarks.reporting.figures.learning_curve import learning_figures
    from benchmarks.reporting.figures.ranking import critical_difference
    from benchmarks.reporting.figures.reliability import reliability_figure
    from benchmarks.reporting.figures.robustness import robustness_figures
    from benchmarks.reporting.figures.style import STYLE, lay_out

    everything = list(records)
    listed = largest(everything)
    with mpl.rc_context(STYLE):
        figures: dict[str, Figure] = learning_figures(everything, order)
        for (dataset, condition), models in compared(listed, order).items():
            figures |= comparison_figures(dataset, condition, models)
            if condition == CLEAN:
                figures |= answered_figures(dataset, models)
                reliability = reliability_figure(dataset, models)
                figures |= {} if reliability is None else {f"{dataset}-reliability": reliability}
        figures |= robustness_figures(listed, order)
        ranks = suite_ranking(listed, order)
        if ranks is not None:
            figures["ranks"] = critical_difference(ranks, order)
        for figure in figures.values():
            lay_out(figure)
    return figures


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
    """How many cells of the records fall inside its reference's interval; nothing where there is no reference."""
    if not (reference_dir / "records").is_dir():
        return ""
    found = comparisons.against_reference(largest(records), largest(store.load_records(reference_dir)))
    return found.summary(str(reference_dir))


def cut_texts(records: Sequence[Record]) -> list[str]:
    """A line for every data set and limit: the share of the texts that models do not read to their end."""
    found = by_dataset(largest(records), ())
    return [f"{dataset}: {note}" for dataset, models in found.items() for note in notes.cut_texts(models)]


def headline(records: Sequence[Record]) -> dict[str, float]:
    """Accuracy, mean over tasks and seeds, by `suite/data set/accuracy/model`; undefined ones left out.

    MLflow shows the charts of one prefix together, in the order of the alphabet: those of the experiments come first.
    """
    scores = {
        f"suite/{dataset}/accuracy/{model}": score(found, MEAN, "accuracy")
        for dataset, models in by_dataset(largest(records), ()).items()
        for model, found in models.items()
    }
    return {name: found.value for name, found in scores.items() if found is not None and not isnan(found.value)}


def _agreement(suite_dir: Path, records: Sequence[Record]) -> str:
    """Empty for a suite without a reference, and for the reference itself."""
    reference_dir = suite_dir.parent / "reference" / suite_dir.name
    return compare(records, reference_dir) if (reference_dir / "records").is_dir() else ""
