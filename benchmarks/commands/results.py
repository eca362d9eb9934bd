"""`cma-bench tables`, `rank` and `compare`: from records to tables, figures, rankings and differences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tyro.conf import Positional

from benchmarks.commands.options import RESULTS, RUNS, Names, PlaceOption

if TYPE_CHECKING:
    from benchmarks.records.record import Record

NO_EVIDENCE = ("single", "smoke", "twins", "learning-curve")
"""Suites that only show that everything runs, or measure again what another one does: taken for the paper's tables
where they are named, never by default."""

REFERENCE = "reference"


def tables(
    suite: Names = (),
    results: PlaceOption = RESULTS,
    runs: PlaceOption = RUNS,
    check: bool = False,
    paper: bool = False,
) -> None:
    """Write the tables, figures and report of suites again from their records.

    Args:
        suite: folders below `results`, e.g. reference/default; `default` without any, all of them with --paper.
        results: where the suites are.
        runs: where their models are; the report names the one to take.
        check: write nothing; fail if a table on disk is not what the records say.
        paper: write instead what became of the paper's claims, and its tables 2, 3, 4 and 6, ours beside the published
            numbers.
    """
    if paper:
        print(write_paper_tables(results, suite, check))
        return
    for name in suite or ("default",):
        print(rebuild_tables(results, name, check, runs))


def rebuild_tables(results: Path, name: str, check: bool, runs: Path = RUNS) -> str:
    """Write a suite's outputs from its records, or fail if they are not what the records say."""
    from benchmarks.reporting import outputs

    records, folder = suite_records(results, name), results / name
    if check:
        return outputs.check(folder, records)
    advised = outputs.advised(records, folder.name, runs)
    chosen = [one for one in advised if one.pick is not None]  # older records cannot tell; the page has no word of it
    return outputs.write(folder, records, folder.name, chosen)


def write_paper_tables(results: Path, names: Sequence[str], check: bool) -> str:
    """Write the paper's tables from the records of the named suites, or of every suite below `results`.

    A suite that has both the user's own and committed records is taken once, without names: with the records that are
    more, and the user's own where they are as many.

    They go to results/paper/, or to results/reference/paper/ where all named suites are reference suites.

    Raises:
        FileNotFoundError: a named suite has no records.
        StaleError: with `check`, names the files that differ.
    """
    from benchmarks.records import store
    from benchmarks.reporting.outputs import StaleError
    from benchmarks.reporting.paper import claims_table, load_reported, paper_tables
    from benchmarks.reporting.statistics.curves import largest
    from benchmarks.reporting.table import in_all_formats, to_markdown

    suites = {name: largest(suite_records(results, name)) for name in names} if names else _every_suite(results)
    folder = results / (f"{REFERENCE}/paper" if names and all(_is_reference(name) for name in names) else "paper")
    reported = load_reported()
    made = {"claims": claims_table(reported, suites), **paper_tables(reported, suites)}
    texts = in_all_formats(made)
    if check:
        stale = store.stale(folder, texts)
        if stale:
            raise StaleError(f"{folder}: stale tables: {', '.join(stale)}; run `cma-bench tables --paper`")
        return f"{folder}: {len(texts)} tables are what the records of {', '.join(suites) or 'no suite'} say"
    store.save_texts(folder, texts)
    shown = [to_markdown(table) for table in made.values()]
    return "\n\n".join([*shown, f"{folder} holds them; records of {', '.join(suites) or 'no suite'}"])


def rank(
    suite: Positional[Names],
    metric: str = "accuracy",
    unit: Literal["task", "dataset"] = "task",
    out: str = "ranking",
    results: PlaceOption = RESULTS,
) -> None:
    """Rank models over the data sets of several suites: average ranks and a critical-difference figure.

    Args:
        suite: folders below `results`, e.g. reference/default reference/fashion-products.
        metric: e.g. accuracy or macro_f1.
        unit: what one rank is over, a task of a data set or a data set by the mean over its tasks.
        out: the folder below `results` to write.
        results: where the suites are.
    """
    from benchmarks.metrics import METRICS
    from benchmarks.names import choose
    from benchmarks.records import store
    from benchmarks.reporting.figures.ranking import critical_difference
    from benchmarks.reporting.figures.style import to_png, to_svg
    from benchmarks.reporting.statistics.curves import largest
    from benchmarks.reporting.statistics.ranking import average_over_datasets, ranking, ranks_table
    from benchmarks.reporting.table import in_all_formats, to_markdown
    from benchmarks.suites import MODEL_ORDER

    suites = {name: largest(suite_records(results, name)) for name in dict.fromkeys(suite)}
    ranks = ranking(suites, MODEL_ORDER, choose(metric, METRICS, "metric"), unit)
    over_datasets = average_over_datasets(suites, ranks.models, metric)
    table, figure = ranks_table(ranks, metric, unit, over_datasets), critical_difference(ranks, MODEL_ORDER)
    store.save_texts(results / out / "tables", in_all_formats({"ranks": table}))
    store.write_bytes(results / out / "figures" / "ranks.svg", to_svg(figure))
    store.write_bytes(results / out / "figures" / "ranks.png", to_png(figure))
    print(f"{to_markdown(table)}\n\ntables and figures are in {results / out}")


def compare(first: Positional[Path], second: Positional[Path]) -> None:
    """Compare the records of two folders, paired answer by answer: differences with intervals and p-values.

    Args:
        first: a suite's folder, e.g. results/reference/default.
        second: another one with records of the same models on the same test rows, e.g. results/default.
    """
    from benchmarks.reporting.statistics.curves import largest
    from benchmarks.reporting.table import to_markdown
    from benchmarks.reporting.tables.folders import folder_tables
    from benchmarks.suites import MODEL_ORDER

    one, other = (largest(suite_records(folder.parent, folder.name)) for folder in (first, second))
    print("\n".join(map(to_markdown, folder_tables(one, other, MODEL_ORDER))))


def suite_records(results: Path, name: str) -> list[Record]:
    """The records of a folder below `results`.

    Raises:
        FileNotFoundError: it has none.
    """
    from benchmarks.records.store import load_records

    records = load_records(results / name)
    if not records:
        raise FileNotFoundError(f"{results / name / 'records'} holds no records; run `cma-bench suite` first")
    return records


def _every_suite(results: Path) -> dict[str, list[Record]]:
    """Folder below `results` -> records, one folder for each suite."""
    from benchmarks.records.store import load_records

    folders = [*results.glob("*/records"), *results.glob(f"{REFERENCE}/*/records")]
    chosen: dict[str, list[Record]] = {}
    for suite in sorted({folder.parent.name for folder in folders} - set(NO_EVIDENCE)):
        records = {name: load_records(results / name) for name in (suite, f"{REFERENCE}/{suite}")}
        name = max(records, key=lambda name: len(records[name]))  # the first of equals
        chosen[name] = records[name]
    return dict(sorted(chosen.items()))


def _is_reference(name: str) -> bool:
    return name.startswith(f"{REFERENCE}/")
