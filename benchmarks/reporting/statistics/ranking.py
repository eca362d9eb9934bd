"""Average ranks of models over data sets and tasks, from the records of one or several suites."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from benchmarks.metrics import METRICS
from benchmarks.records.record import MEAN, Record
from benchmarks.reporting.statistics.aggregate import by_dataset, score, tasks_of
from benchmarks.reporting.statistics.significance import LEVEL
from benchmarks.reporting.table import Cell, Table

Unit = Literal["task", "dataset"]
"""What one block is: a task of a data set, or a data set by the mean over its tasks."""

Scores = dict[str, dict[str, float]]

FEWEST_BLOCKS = 3
FEWEST_MODELS = 3


class RankingError(ValueError):
    """Scores from which no ranking can be made; the message says what is missing."""


@dataclass(frozen=True)
class Ranking:
    """Models by average rank over blocks (Demsar 2006); rank 1 is the best, ties share their mean.

    Attributes:
        models: K names, the best average rank first; ties in the order they were given.
        blocks: N names.
        ranks: Float[N K], columns in the order of `models`.
        friedman: p-value of Friedman's test that all models are alike.
        critical_difference: of average ranks, by Nemenyi's test at LEVEL.
        pairwise: Float[K K], Nemenyi's p-values; all 1 where Friedman's test does not reject, as nothing may
            then be compared pair by pair.
    """

    models: tuple[str, ...]
    blocks: tuple[str, ...]
    ranks: npt.NDArray[np.float64]
    friedman: float
    critical_difference: float
    pairwise: npt.NDArray[np.float64]

    @property
    def average(self) -> dict[str, float]:
        """Model -> average rank."""
        return dict(zip(self.models, map(float, self.ranks.mean(axis=0)), strict=True))


def rank(scores: Mapping[str, Mapping[str, float]], higher_is_better: bool = True) -> Ranking:
    """Rank models over blocks.

    Args:
        scores: block -> model -> score; every block has the same models.
        higher_is_better: the direction of the best.

    Raises:
        RankingError: fewer than FEWEST_BLOCKS blocks or FEWEST_MODELS models.
    """
    from scipy.stats import friedmanchisquare, rankdata, studentized_range

    blocks, names = tuple(scores), tuple(next(iter(scores.values()), {}))
    if len(blocks) < FEWEST_BLOCKS or len(names) < FEWEST_MODELS:
        raise RankingError(
            f"average ranks need at least {FEWEST_BLOCKS} blocks and {FEWEST_MODELS} models with a score in all of "
            f"them; found {len(blocks)} blocks ({', '.join(blocks) or 'none'}) and {len(names)} models "
            f"({', '.join(names) or 'none'})"
        )
    values = np.array([[scores[block][model] for model in names] for block in blocks])
    ranks = rankdata(-values if higher_is_better else values, axis=1)
    order = np.argsort(ranks.mean(axis=0), kind="stable")
    ranks = ranks[:, order]
    all_tied = bool((ranks == ranks[0, 0]).all())  # the statistic would be 0 / 0
    p = 1.0 if all_tied else float(friedmanchisquare(*ranks.T).pvalue)
    n, k = ranks.shape
    quantile = studentized_range.ppf(1 - LEVEL, k, np.inf) / math.sqrt(2)
    return Ranking(
        models=tuple(names[index] for index in order),
        blocks=blocks,
        ranks=ranks,
        friedman=p,
        critical_difference=float(quantile * math.sqrt(k * (k + 1) / (6 * n))),
        pairwise=_nemenyi(ranks) if p <= LEVEL else np.ones((k, k)),
    )


def _nemenyi(ranks: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    from scikit_posthocs import posthoc_nemenyi_friedman  # imports pyplot

    return np.asarray(posthoc_nemenyi_friedman(ranks), dtype=np.float64)


def ranking(
    suites: Mapping[str, Sequence[Record]], order: Sequence[str], metric: str = "accuracy", unit: Unit = "task"
) -> Ranking:
    """Rank the models that have a defined score in every block; clean test split, means over seeds.

    Args:
        suites: name -> records.
        order: of models whose average ranks are equal.
        metric: a name of METRICS.
        unit: what one block is.

    Raises:
        RankingError: too few blocks or models, or the same data in two suites.
    """
    scores = _scores(suites, order, metric, unit)
    common = [model for model in _models(scores) if all(model in found for found in scores.values())]
    complete = {block: {model: found[model] for model in common} for block, found in scores.items()}
    return rank(complete, METRICS[metric].higher_is_better)


def average_over_datasets(
    suites: Mapping[str, Sequence[Record]], models: Sequence[str], metric: str = "accuracy"
) -> dict[str, float]:
    """Model -> average rank among these over data sets, each of which counts once, by the mean over its tasks."""
    from scipy.stats import rankdata

    scores = _scores(suites, models, metric, "dataset")
    values = np.array([[found[model] for model in models] for found in scores.values()])
    ranks = rankdata(-values if METRICS[metric].higher_is_better else values, axis=1)
    return dict(zip(models, map(float, ranks.mean(axis=0)), strict=True))


def ranks_table(
    found: Ranking, metric: str = "accuracy", unit: Unit = "task", over_datasets: Mapping[str, float] | None = None
) -> Table:
    """Average rank, that `over_datasets` beside it, then the rank in every block; the best average first."""
    beside = over_datasets if unit == "task" and over_datasets else {}
    rows = [
        (
            Cell(model),
            _cell(average, 2),
            *([_cell(beside[model], 2)] if beside else []),
            *(_cell(value, 1) for value in found.ranks[:, column]),
        )
        for column, (model, average) in enumerate(found.average.items())
    ]
    significant = found.friedman <= LEVEL
    notes = [
        "Rank 1 is the best; ties share the mean of their ranks. Models without a score in every column are left out.",
        f"Friedman's test that all models are alike: p = {found.friedman:.2g}. "
        + (
            f"By Nemenyi's test at {LEVEL:.0%} average ranks differ significantly if they are "
            f"{found.critical_difference:.2f} apart."
            if significant
            else "It does not reject that, so there is no significant difference between any two models."
        ),
    ]
    if unit == "task":
        notes.append(
            "The tasks of one data set are not independent, since they share their examples: the p-values are too "
            "small, and a data set counts as often as it has tasks."
            + (" Over data sets each counts once, by the mean over its tasks." if beside else "")
        )
    title = f"Average rank of {len(found.models)} models by {METRICS[metric].title} over {len(found.blocks)} {unit}s"
    header = ("model", "average rank", *(["over data sets"] if beside else []), *found.blocks)
    return Table(title, header, tuple(rows), tuple(notes))


def suite_ranking(records: Sequence[Record], order: Sequence[str]) -> Ranking | None:
    """Of a suite with several data sets; None where it has one, or too few blocks or models in common."""
    if len({record.experiment.dataset for record in records}) < 2:
        return None
    try:
        return ranking({"": records}, order)
    except RankingError:
        return None


def _cell(value: float, digits: int) -> Cell:
    return Cell(f"{value:.{digits}f}", float(value))


def _scores(suites: Mapping[str, Sequence[Record]], order: Sequence[str], metric: str, unit: Unit) -> Scores:
    _refuse_same_data(suites)
    datasets = [
        (name, dataset, models) for name, r in suites.items() for dataset, models in by_dataset(r, order).items()
    ]
    names = [dataset for _, dataset, _ in datasets]
    scores: Scores = {}
    for suite, dataset, models in datasets:
        block = dataset if names.count(dataset) == 1 else f"{dataset} ({suite})"
        for task in tasks_of(models) if unit == "task" else (MEAN,):
            found = {model: score(records, task, metric) for model, records in models.items()}
            scores[block if task == MEAN else f"{block}: {task}"] = {
                model: value.value
                for model, value in found.items()
                if value is not None and not math.isnan(value.value)
            }
    return scores


def _models(scores: Scores) -> Iterable[str]:
    return dict.fromkeys(model for found in scores.values() for model in found)


def _refuse_same_data(suites: Mapping[str, Sequence[Record]]) -> None:
    seen: dict[object, str] = {}
    for suite, records in suites.items():
        for record in records:
            data = (record.experiment.dataset, record.fingerprints.get("data"))
            if seen.setdefault(data, suite) != suite:
                raise RankingError(
                    f"{seen[data]} and {suite} both hold results on the same {record.experiment.dataset}, "
                    "which would count twice; name one of them"
                )
