"""`cma-bench finish` and `card`: a chosen model trained on all rows, and what a saved model says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from benchmarks.commands.options import CommonOptions, Pairs, PlaceOption, pairs
from benchmarks.commands.results import suite_records
from benchmarks.processes import quiet

if TYPE_CHECKING:
    from benchmarks.records.record import Record
    from benchmarks.reporting.pick import Pick


def finish(
    suite: Positional[str],
    common: CommonOptions,
    dataset: str | None = None,
    model: str | None = None,
    option: Pairs = (),
    out: PlaceOption | None = None,
) -> None:
    """Train the model that was picked once more, on the rows of all splits, and save it with its thresholds and card.

    Args:
        suite: a folder below `results`, e.g. manifest.
        common: folders; --data NAME=DIR as the suite had it.
        dataset: which one, if the suite has several.
        model: a row of the tables, instead of the one that `cma-bench pick` takes.
        option: options of the data set that the records must have, if there are records of several.
        out: where to; by default RUNS/finished/SUITE-DATASET/model.
    """
    record = chosen(suite, common.results, dataset, model, pairs(option))
    name = f"{suite.replace('/', '-')}-{record.experiment.dataset}"
    print(finish_one(record, suite, common, out or common.runs / "finished" / name / "model"))


def finish_one(record: Record, suite: str, common: CommonOptions, folder: Path) -> str:
    """Train and save; returns where the model is and what to do with it."""
    place = common.place(suite)  # refuses unknown names before torch is imported
    from benchmarks.running.finish import finish

    quiet()
    finished = finish(record, suite, place, folder)
    rows = ", ".join(f"{split} {count:,}" for split, count in finished.rows.items())
    return "\n".join(
        [
            f"{record.experiment.label()} was trained once more on all rows ({rows}) in {finished.seconds:.0f} s.",
            "Its thresholds are those of the model before, trained on fewer rows: they hold as far as it is no less "
            "accurate. They are not measured again, since no row is left.",
            f"{folder} holds the model; its card: cma-bench card {quote(str(folder))}",
            f"Next: cma-bench fill TABLE --model {quote(str(folder))} --out FILE",
        ]
    )


def chosen(
    suite: str,
    results: Path,
    dataset: str | None,
    row: str | None,
    options: Mapping[str, Any],
    way_out: str = "name one with --dataset or --option",
) -> Record:
    """The record of the picked model, or of the named row, with the first of its seeds.

    Raises:
        ValueError: nothing can be chosen, or a choice between several is left to the user.
    """
    from benchmarks.names import choose
    from benchmarks.records.record import MEAN
    from benchmarks.reporting.outputs import measured
    from benchmarks.reporting.pick import picks, too_few_rows

    records = suite_records(results, suite)
    if dataset is not None:
        choose(dataset, sorted({record.experiment.dataset for record in records}), f"data set of {suite}")
    asked = [record for record in records if _is_asked(record, dataset, options)]
    found = [pick for pick in picks(asked, measured(asked)) if pick.task == MEAN]
    pick = _only(found, suite, way_out)
    if row is None and not pick.can_be_made:
        raise ValueError(f"{pick.title}: {too_few_rows(pick)}")
    if row is None and pick.beats_floor is False:
        raise ValueError(
            f"no model of {pick.title} is better than always the largest class, see `cma-bench pick {suite}`; to "
            "finish one nevertheless, name its row with --model"
        )
    if row is None:
        return pick.record
    rows = {candidate.row: candidate.records[0] for candidate in pick.candidates}
    return rows[choose(row, rows, "row")]


def _is_asked(record: Record, dataset: str | None, options: Mapping[str, Any]) -> bool:
    own = record.experiment.dataset_options
    return dataset in (None, record.experiment.dataset) and all(own.get(name) == options[name] for name in options)


def _only(found: list[Pick], suite: str, way_out: str) -> Pick:
    if not found:
        raise ValueError(
            f"no record of {suite} can be chosen by: none of this data set and options, or they were made before "
            f"records held validation results; run `cma-bench suite --suite {suite}` again"
        )
    if len(found) > 1:
        names = [f"{pick.title} {pick.record.experiment.dataset_options or ''}".strip() for pick in found]
        raise ValueError(f"{suite} has a choice for each of {'; '.join(names)}: {way_out}")
    return found[0]


def card(folder: Positional[PlaceOption]) -> None:
    """Print the model card of a saved model.

    Args:
        folder: e.g. runs/experiments/KEY/model, or what `cma-bench finish` wrote.
    """
    from benchmarks.models import describe
    from benchmarks.reporting.card import card
    from cma_clip.places.copies import local_folder

    quiet()
    print(card(describe(local_folder(folder))), end="")
