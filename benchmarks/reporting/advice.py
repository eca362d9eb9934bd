"""The choice of a model in plain English, the answer first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from benchmarks.records.record import CLEAN, MEAN, Estimate, Record
from benchmarks.reporting.pick import FLOOR, PRODUCTS, Candidate, Pick, picks, too_few_rows
from benchmarks.reporting.statistics.paired import difference, groups_of
from benchmarks.reporting.statistics.significance import LEVEL, corrected

NAMES_IN_TEXT = "class_name_match"
"""The model whose accuracy says how far texts state the answers."""

UNITS = ((86_400, "days"), (3_600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"))
"""Seconds of each, longest first."""


@dataclass(frozen=True)
class Advice:
    """What to take for a data set.

    Attributes:
        title: the data set, with options and protocol.
        sentences: the answer, then what it rests on and costs.
        pick: the choice for all tasks; None where no record allows one.
        folder: of the saved model to take; None where none is good enough.
    """

    title: str
    sentences: tuple[str, ...]
    pick: Pick | None = None
    folder: Path | None = None

    def __str__(self) -> str:
        return "\n".join([f"{self.title}: {self.sentences[0]}", *(f"  {line}" for line in self.sentences[1:])])


def advice(records: Sequence[Record], order: Sequence[str], suite: str, runs: Path) -> list[Advice]:
    """One for every data set with its options and protocol, and one for records by which nothing can be chosen.

    Args:
        records: of a suite.
        order: of the rows of its tables.
        suite: its name, for the command that makes better records.
        runs: the folder that holds experiments/KEY/model.
    """
    found = picks(records, order)
    made = [
        _advice(pick, [one for one in found if one.title == pick.title and one.task != MEAN], runs)
        for pick in found
        if pick.task == MEAN
    ]
    return [*made, *_without_choice(records, suite)]


def _without_choice(records: Sequence[Record], suite: str) -> Iterable[Advice]:
    old = [record for record in records if not record.can_be_chosen]
    if old:
        yield Advice(
            suite,
            (
                f"No model can be chosen by {len(old)} of {len(records)} records: they hold no validation results. "
                f"`cma-bench suite --suite {suite}` computes them again.",
            ),
        )


def _advice(pick: Pick, by_task: Sequence[Pick], runs: Path) -> Advice:
    if not pick.can_be_made:
        return Advice(pick.title, (too_few_rows(pick),), pick)
    if pick.beats_floor is False:
        return Advice(pick.title, (_none_good_enough(pick), *_alone(pick, by_task), *_reasons(pick)), pick)
    folder = runs / "experiments" / pick.record.key / "model"
    sentences = (
        _answer(pick),
        *_rivals(pick),
        *([f"Whether it beats the largest class is not known: {FLOOR} was not run."] * (pick.beats_floor is None)),
        _will_answer(pick),
        *_costs(pick.chosen),
        *_alone(pick, by_task),
        *_reasons(pick),
        *_flattered(pick),
        _on_test(pick),
        f"Model: {folder}",
        f"Next: cma-bench fill TABLE --model {quote(str(folder))} --out FILE",
    )
    return Advice(pick.title, sentences, pick, folder)


def _answer(pick: Pick) -> str:
    found, seeds = pick.chosen.accuracy(pick.task), len(pick.chosen.records)
    over = [f"{found.n:,} rows", *([f"{seeds} seeds"] if seeds > 1 else [])]
    tasks = pick.chosen.tasks
    mean = f", mean over {', '.join(tasks)}" if len(tasks) > 1 else f" of {tasks[0]}"
    return (
        f"Take {pick.chosen.row}: {_with_interval(found)} accuracy on the validation split ({', '.join(over)}){mean}."
    )


def _none_good_enough(pick: Pick) -> str:
    return (
        "No model is good enough: none is significantly better on the validation split than always answering the most "
        f"frequent class. The best, {pick.best.row}, has {_with_interval(pick.best.accuracy(pick.task))} there."
    )


def _rivals(pick: Pick) -> Iterable[str]:
    chosen, best = pick.chosen, pick.best
    others = [one.row for one in pick.rivals if one is not best]
    are, take = ("are", "take") if len(others) > 1 else ("is", "takes")
    if chosen is not best:
        yield (
            f"No significant difference to the best there, {best.row} ({_percent(best.accuracy(pick.task).value)}), "
            f"which takes {_times(best.seconds, chosen.seconds)} for training and {PRODUCTS:,} products"
            + (f"; nor of that one to {', '.join(others)}, which {take} longer too." if others else ".")
        )
    elif others:
        yield f"It is the best there; {', '.join(others)} {are} not significantly worse, but {take} longer."
    elif len(pick.candidates) > 1:
        yield f"It is the best there, significantly better than {_count(len(pick.candidates) - 1, 'other model')}."


def _will_answer(pick: Pick) -> str:
    some = [f"{_share(e)} of {task}" for task, e in pick.answered.items() if e.value > 0]
    none = [task for task, e in pick.answered.items() if not e.value > 0]
    if not some:
        return f"At 90 % precision it will answer nothing of {_listed(none)}: a person has to look at every answer."
    return f"At 90 % precision it will answer {_listed(some)}" + (f", none of {_listed(none)}." if none else ".")


def _costs(one: Candidate) -> Iterable[str]:
    cost, record = one.records[0].cost, one.records[0]
    assert cost is not None
    yield (
        f"Training took {duration(one.training)}; a product takes {duration(one.answering)}, {PRODUCTS:,} take "
        f"{duration(PRODUCTS * one.answering)} (one thread of {record.environment.get('cpu')}); "
        f"its files have {cost.megabytes:,.1f} MB."
    )
    reads = {(): "no part of a product", ("text",): "texts, no photos", ("image",): "photos, no texts"}
    yield f"It reads {reads.get(one.reads, 'texts and photos')}. {_training(record)}"


def _training(record: Record) -> str:
    if "backbone" not in record.config:
        return "A GPU would be of no use."
    if record.config.get("freeze", "all") == "all":
        return "Its backbone is not trained: it needs no GPU, one encodes photos faster."
    return "It trains its backbone: a GPU pays."


def _alone(pick: Pick, by_task: Sequence[Pick]) -> Iterable[str]:
    if any(one.chosen.row != pick.chosen.row or not one.beats_floor for one in by_task):
        told = [
            f"{one.task} no model, none is better than the most frequent class"
            if one.beats_floor is False
            else f"{one.task} {one.chosen.row} ({_percent(one.chosen.accuracy(one.task).value)})"
            for one in by_task
        ]
        yield f"For one task by itself: {'; '.join(told)}."


def _reasons(pick: Pick) -> Iterable[str]:
    """Task by task: how far texts go, and whether photos add to it; Holm's correction over the tasks."""
    if 0 in pick.record.facts.get("evidence", {}).get("val", {}).values():  # no photo or no text at all
        return
    pairs = {task: pair for task in pick.chosen.tasks if (pair := _text_and_photo(pick.candidates, task))}
    groups = groups_of(record for one in pick.candidates for record in one.records)
    p_values = corrected(
        {task: difference(text.outcomes, photo.outcomes, [task], groups) for task, (text, photo) in pairs.items()}
    )
    for task, (text, photo) in pairs.items():
        values = text.accuracy(task).value, photo.accuracy(task).value
        differ = p_values.get(task, 1.0) <= LEVEL
        verdict = ("the photo helps" if values[1] > values[0] else "the text alone does better") if differ else ""
        yield (
            f"{task}: {_stated(pick.candidates, task)}reading texts only reaches {_percent(values[0])} ({text.row}), "
            f"seeing photos {_percent(values[1])} ({photo.row}): {verdict or 'no significant difference'}."
        )


def _text_and_photo(candidates: Sequence[Candidate], task: str) -> tuple[Candidate, Candidate] | None:
    """The best that reads texts only, and the best that sees photos."""
    text = [one for one in candidates if one.reads == ("text",)]
    photo = [one for one in candidates if "image" in one.reads]
    if not text or not photo:
        return None
    return _best(text, task), _best(photo, task)


def _best(candidates: Sequence[Candidate], task: str) -> Candidate:
    return max(candidates, key=lambda one: one.accuracy(task).value)


def _stated(candidates: Sequence[Candidate], task: str) -> str:
    found = next((one for one in candidates if one.row == NAMES_IN_TEXT), None)
    if found is None:
        return ""
    return f"looking class names up in texts gets {_percent(found.accuracy(task).value)} right; "


def _flattered(pick: Pick) -> Iterable[str]:
    compared = [pick.chosen, *pick.rivals]
    rows = [one.row for one in compared if one.records[0].experiment.tuned or "epochs" in one.records[0].facts]
    if rows:
        yield f"The validation split flatters {_listed(rows)} a little: epochs or hyper-parameters were chosen on it."


def _on_test(pick: Pick) -> str:
    found = pick.record.metrics[CLEAN][pick.task]["accuracy"]
    return f"On the test split, which had no part in the choice, it has {_with_interval(found)} accuracy."


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _with_interval(found: Estimate) -> str:
    return f"{_percent(found.value)} [{100 * found.low:.0f}, {100 * found.high:.0f}]"


def _share(found: Estimate) -> str:
    return f"{100 * found.value:.0f} % [{100 * found.low:.0f}, {100 * found.high:.0f}]"


def _times(longer: float, shorter: float) -> str:
    told = f"{duration(longer)} instead of {duration(shorter)}"
    return f"{longer / shorter:.0f} times as long ({told})" if longer >= 1.5 * shorter > 0 else told


def duration(seconds: float) -> str:
    """In the largest unit of which there is one, to two digits: 52 s, 1.5 min, 0.4 ms."""
    size, unit = next(((size, unit) for size, unit in UNITS if seconds >= size), UNITS[-1])
    amount = seconds / size
    return f"{amount:.0f} {unit}" if amount >= 10 else f"{amount:.2g} {unit}"


def _count(number: int, what: str) -> str:
    return f"the {what}" if number == 1 else f"all {number} {what}s"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
