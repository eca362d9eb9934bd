"""A data set's result in three sentences: what came out, how sure it is, what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from shlex import quote

from benchmarks.records.record import CLEAN
from benchmarks.reporting.advice import Advice
from benchmarks.reporting.statistics.aggregate import Models, num_test, over_seeds, records_of, tasks_of
from benchmarks.reporting.statistics.families import Family, families, loss
from benchmarks.reporting.statistics.leading import CMA_CLIP, ranked
from benchmarks.reporting.statistics.paired import Difference, difference, groups_of
from benchmarks.reporting.tables.robustness import losses_against_cma_clip
from benchmarks.reporting.tables.verdicts import AHEAD, BEHIND, LEVEL_WITH, standing

OWN_TABLE = "cma-bench suite --suite manifest --data manifest=TABLE"


@dataclass(frozen=True)
class Verdict:
    """Three sentences, and the command that the last one names."""

    answer: str
    certainty: str
    next: str
    command: str


def verdict(models: Models, advised: Advice | None, yes_or_no: bool = False) -> Verdict:
    """Of the clean test split, and of damage where the records have met some.

    Args:
        models: the records of one data set.
        advised: what to take there.
        yes_or_no: whether it is asked if CMA-CLIP is ahead.
    """
    present = {row: records for row, records in models.items() if records}
    damage = families(present)
    values = ranked(present)
    followed, command = _next(advised)
    if not values:
        return Verdict("No accuracy is defined: no test row has a label.", "Nothing can be said.", followed, command)
    lost = _lost(present, damage) if damage else {}
    if CMA_CLIP in lost and len(lost) > 1:
        return Verdict(_damage(values, lost), _certainty_of_damage(present, damage), followed, command)
    return Verdict(_answer(present, values, yes_or_no), _certainty(present, values), followed, command)


def _answer(models: Models, values: dict[str, float], yes_or_no: bool) -> str:
    """Who is the best, and how far CMA-CLIP is from it."""
    best, *others = values
    if CMA_CLIP not in values or not others:
        among = f" It is the best of {len(values)} models." if others else ""
        return f"{best} gets {_percent(values[best])} of the test rows right.{among}"
    against = standing(models, CLEAN)
    word, told = _told(models, values, against)
    return f"{word}: {told}" if yes_or_no else told


def _told(models: Models, values: dict[str, float], against: dict[str, list[str]]) -> tuple[str, str]:
    """Yes, no or not shown; and what is so."""
    best, second, *_ = values
    ours = _percent(values[CMA_CLIP])
    if best == CMA_CLIP:
        equals = against[LEVEL_WITH]
        if equals:
            return "Not shown", f"CMA-CLIP has the best mean, {ours}, but {_some(equals, values)} may be as good."
        return "Yes", f"CMA-CLIP is ahead of all others with {ours}; {_named(second, values)} follows."
    gap, leads = _difference(models, best, CMA_CLIP), f"{_named(best, values)} leads, CMA-CLIP has {ours}"
    if gap is None:
        return "Not shown", f"{leads}; they were not measured on the same rows."
    if best in against[AHEAD]:
        return "No", f"{leads}, {_points(gap)} less."
    chance = "are not significant among so many comparisons" if gap.low > 0 else "may be chance"
    return "Not shown", f"{leads}; the {_points(gap)} between them {chance}."


def _certainty(models: Models, values: dict[str, float]) -> str:
    if CMA_CLIP not in values or len(values) < 2:
        return _measured_on(models)
    against = standing(models, CLEAN)
    return f"CMA-CLIP is {_counts(against, 'better than', 'level with', 'worse than')}. {_measured_on(models)}"


def _measured_on(models: Models) -> str:
    seeds = max(map(len, models.values()))
    over = f"{seeds} seeds" if seeds > 1 else "one seed: another may move the numbers"
    return f"Measured on {num_test(models):,} test rows, {over}; 95 % intervals, tests with Holm's correction."


def _counts(against: dict[str, list[str]], better: str, level: str, worse: str) -> str:
    """Of `standing`, in which `ahead` are the others."""
    told = [(better, len(against[BEHIND])), (level, len(against[LEVEL_WITH])), (worse, len(against[AHEAD]))]
    total = sum(count for _, count in told)
    some = [f"{words} {count}" for words, count in told if count]
    return f"{', '.join(some)} of {total} others" if total > 1 else f"{some[0].rpartition(' ')[0]} the other"


def _lost(models: Models, damage: Sequence[Family]) -> dict[str, float]:
    scores = {row: over_seeds(records, partial(loss, chosen=damage)) for row, records in models.items()}
    return {row: 100 * found.value for row, found in scores.items() if found is not None}


def _damage(values: dict[str, float], lost: dict[str, float]) -> str:
    least = min(lost, key=lost.__getitem__)
    return (
        f"Damage costs CMA-CLIP {lost[CMA_CLIP]:.1f} points of its {_percent(values[CMA_CLIP])} on average; "
        f"{least} loses least, {lost[least]:.1f} of {_percent(values[least])}."
    )


def _certainty_of_damage(models: Models, damage: Sequence[Family]) -> str:
    against = losses_against_cma_clip(models, damage)
    if not any(against.values()):
        return _measured_on(models)
    counts = _counts(against, "less than", "about as much as", "more than")
    return f"CMA-CLIP loses {counts}, under the same noise. {_measured_on(models)}"


def _next(advised: Advice | None) -> tuple[str, str]:
    """In words, and as a command."""
    pick = advised.pick if advised is not None else None
    if pick is None or not pick.can_be_made:
        return "Try the models on a table of your own.", OWN_TABLE
    if advised is None or advised.folder is None:
        return "No model is good enough yet: label more rows, or check the ones there are.", "cma-bench data check"
    why = (
        "the best on validation"
        if pick.chosen is pick.best
        else f"as good on validation as {pick.best.row}, and cheaper"
    )
    folder = quote(str(advised.folder))
    return f"Take {pick.chosen.row}, {why}; fill a table with it.", f"cma-bench fill TABLE --model {folder} --out FILE"


def _difference(models: Models, one: str, other: str) -> Difference | None:
    first, second = ([record.outcomes.get(CLEAN, {}) for record in models[row]] for row in (one, other))
    return difference(first, second, tasks_of(models), groups_of(records_of(models)))


def _points(gap: Difference) -> str:
    return f"{100 * gap.value:.1f} points [{100 * gap.low:.1f}, {100 * gap.high:.1f}]"


def _named(row: str, values: dict[str, float]) -> str:
    return f"{row} ({_percent(values[row])})"


def _some(rows: Sequence[str], values: dict[str, float]) -> str:
    """The best of them by name, the others counted."""
    best = max(rows, key=lambda row: values[row])
    return _named(best, values) + (f" and {len(rows) - 1} more" if len(rows) > 1 else "")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
