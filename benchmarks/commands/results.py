"""What the commands for the paper's tables and figures, and for rankings, do; each returns the text to print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.records import store
from benchmarks.records.record import Record
from benchmarks.reporting.outputs import StaleError
from benchmarks.reporting.ranking import Unit
from benchmarks.reporting.table import in_all_formats, to_markdown
from benchmarks.suites import MODEL_ORDER

if TYPE_CHECKING:
    from benchmarks.commands.options import Shown, Where
    from cma_clip.types import Example

NO_EVIDENCE = ("single", "smoke", "twins")
"""Suites that only show that everything runs: taken for the paper's tables where they are named, never by default."""

REFERENCE = "reference"

EXAMPLES = 3
"""Shown of a data set where none are named."""


def write_paper_tables(results: Path, names: Sequence[str], check: bool) -> str:
    """Write the paper's tables from the records of the named suites, or of all below `results`.

    They go to results/paper/, or to results/reference/paper/ where all named suites are reference suites.

    Raises:
        FileNotFoundError: a named suite has no records.
        StaleError: with `check`, names the files that differ.
    """
    from benchmarks.reporting.paper import load_reported, paper_tables

    suites = {name: _records(results, name) for name in names or _all_suites(results)}
    folder = results / (f"{REFERENCE}/paper" if names and all(_is_reference(name) for name in names) else "paper")
    tables = paper_tables(load_reported(), suites)
    texts = in_all_formats(tables)
    if check:
        stale = store.stale(folder, texts)
        if stale:
            raise StaleError(f"{folder}: stale tables: {', '.join(stale)}; run `cma-bench tables --paper`")
        return f"{folder}: {len(texts)} tables are what the records of {', '.join(suites) or 'no suite'} say"
    store.save_texts(folder, texts)
    shown = [to_markdown(table) for table in tables.values()]
    return "\n\n".join([*shown, f"{folder} holds them; records of {', '.join(suites) or 'no suite'}"])


def write_ranking(results: Path, names: Sequence[str], metric: str, unit: Unit, out: str) -> str:
    """Rank models over the data sets and tasks of several suites: a table and a critical-difference figure.

    Raises:
        RankingError: fewer than three blocks or models in common, or the same data twice.
    """
    from benchmarks.metrics import METRICS
    from benchmarks.names import choose
    from benchmarks.reporting.figures.ranking import critical_difference
    from benchmarks.reporting.figures.style import to_png, to_svg
    from benchmarks.reporting.ranking import ranking, ranks_table

    suites = {name: _records(results, name) for name in dict.fromkeys(names)}
    found = ranking(suites, MODEL_ORDER, choose(metric, METRICS, "metric"), unit)
    table, figure = ranks_table(found, metric, unit), critical_difference(found, MODEL_ORDER)
    store.save_texts(results / out / "tables", in_all_formats({"ranks": table}))
    store.write_bytes(results / out / "figures" / "ranks.svg", to_svg(figure))
    store.write_bytes(results / out / "figures" / "ranks.png", to_png(figure))
    return f"{to_markdown(table)}\n\ntables and figures are in {results / out}"


def draw_attention(folder: Path, shown: Shown, options: Mapping[str, Any], out: Path, where: Where) -> str:
    """Draw where a saved model looks in the chosen examples; returns the words it looked from.

    Raises:
        ValueError: neither a data set nor a photo, or both; an example or a model without such attention.
    """
    from benchmarks.models import load
    from benchmarks.names import choose
    from benchmarks.processes import quiet
    from benchmarks.reporting.figures.attention import attend, draw
    from benchmarks.reporting.figures.style import to_png, to_svg

    writers = {".png": to_png, ".svg": to_svg}
    write = writers[choose(out.suffix, writers, "kind of figure")]
    quiet()
    classifier: Any = load(folder)
    examples = _examples(shown, options, where)
    attended = [attend(classifier, example) for example in examples]
    store.write_bytes(out, write(draw(attended)))
    lines = [f"{example.id}: {one.word!r} in {one.text!r}" for example, one in zip(examples, attended, strict=True)]
    return "\n".join([*lines, f"{out} shows where the model looks"])


def _examples(shown: Shown, options: Mapping[str, Any], where: Where) -> list[Example]:
    from benchmarks import datasets
    from benchmarks.commands.options import place_of
    from benchmarks.datasets.loading.images import decode
    from cma_clip.types import Example

    if (shown.dataset is None) == (shown.image is None):
        raise ValueError(
            "name either examples of a data set (--dataset NAME --ids ...) or a photo (--image FILE --text T)"
        )
    if shown.image is not None:
        return [Example(shown.image.name, shown.image.name, decode(shown.image, str(shown.image)), shown.text)]
    name = str(shown.dataset)
    splits = datasets.load(name, place_of(where, "none").source(name), options)
    if not shown.ids:
        texts = splits.test.texts()
        complete = (i for i, present in enumerate(splits.test.image_present()) if present and texts[i])
        return [splits.test[index] for index in islice(complete, EXAMPLES)]
    places = {id: (part, i) for part in splits.parts().values() for i, id in enumerate(part.ids())}
    if unknown := [id for id in shown.ids if id not in places]:
        some = ", ".join(islice(splits.test.ids(), EXAMPLES))
        raise ValueError(f"{name} has no examples {', '.join(unknown)}; its test split begins with {some}")
    return [part[index] for part, index in map(places.__getitem__, shown.ids)]


def _records(results: Path, name: str) -> list[Record]:
    records = store.load_records(results / name)
    if not records:
        raise FileNotFoundError(f"{results / name / 'records'} holds no records; run `cma-bench suite` first")
    return records


def _all_suites(results: Path) -> list[str]:
    """Every folder with records, the user's own and the reference's."""
    folders = [*results.glob("*/records"), *results.glob(f"{REFERENCE}/*/records")]
    names = sorted(folder.parent.relative_to(results).as_posix() for folder in folders)
    return [name for name in names if name.removeprefix(f"{REFERENCE}/") not in NO_EVIDENCE]


def _is_reference(name: str) -> bool:
    return name.startswith(f"{REFERENCE}/")
