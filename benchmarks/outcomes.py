"""Which test examples a model got right: packed into a record, compared pair by pair between models."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from benchmarks.experiment import Outcomes
from benchmarks.seeding import seed_of

RESAMPLES = 10_000

Vector = npt.NDArray[np.float64]


def pack(ids: Sequence[str], correct: npt.NDArray[np.bool_]) -> Outcomes:
    """The outcomes of N labelled examples: `ids` in order and Bool[N], whether each was answered correctly."""
    bits = np.packbits(correct).tobytes()
    examples = hashlib.sha256("\x1f".join(ids).encode()).hexdigest()[:16]
    return Outcomes(examples=examples, correct=base64.b64encode(bits).decode(), n=len(correct))


def unpack(outcomes: Outcomes) -> npt.NDArray[np.bool_]:
    """Bool[n], the inverse of `pack`."""
    bits = np.frombuffer(base64.b64decode(outcomes.correct), dtype=np.uint8)
    return np.unpackbits(bits, count=outcomes.n).astype(bool)


def p_value(
    one: Sequence[Mapping[str, Outcomes]], other: Sequence[Mapping[str, Outcomes]], tasks: Sequence[str]
) -> float | None:
    """Two-sided p-value of the difference in accuracy between two models; None where nothing can be paired.

    Paired bootstrap over test examples: every example counts with its difference in correctness, averaged
    over the seeds of each model. It tells what other test examples could change, not what other seeds could.
    Several `tasks` are compared by the mean of their accuracies: examples are resampled jointly where all
    tasks label the same ones, and task by task otherwise, since outcomes of different sets cannot be aligned.
    p is twice the smaller tail of the resampled differences beyond 0, so p > 0.05 says that their 95 %
    percentile interval holds 0; it is never below 2 / (RESAMPLES + 1) (Davison & Hinkley 1997, section 4.2.5).

    Args:
        one: one mapping of task to outcomes per seed.
        other: the same for the other model; the seeds need not be as many.
        tasks: one, or those whose mean is compared.
    """
    if not one or not other:
        return None
    examples = {task: {_examples(seed, task) for seed in (*one, *other)} for task in tasks}
    if any(len(hashes) != 1 or None in hashes for hashes in examples.values()):
        return None
    differences = [_rate(one, task) - _rate(other, task) for task in tasks]
    if any(len(difference) == 0 for difference in differences):
        return None
    if len(set.union(*examples.values())) == 1:
        differences = [np.mean(differences, axis=0)]
    generator = np.random.default_rng(seed_of("paired bootstrap"))
    resampled = np.mean([_resampled_means(d, generator) for d in differences], axis=0).round(12)
    beyond = 1 + min(int((resampled <= 0).sum()), int((resampled >= 0).sum()))
    return min(1.0, 2 * beyond / (RESAMPLES + 1))


def _examples(seed: Mapping[str, Outcomes], task: str) -> str | None:
    return seed[task].examples if task in seed else None


def _rate(seeds: Sequence[Mapping[str, Outcomes]], task: str) -> Vector:
    return np.asarray(np.mean([unpack(seed[task]) for seed in seeds], axis=0))


def _resampled_means(values: Vector, generator: np.random.Generator) -> Vector:
    """Float[RESAMPLES]. Few values are distinct, so drawing how often each occurs is the same and far cheaper."""
    distinct, counts = np.unique(values, return_counts=True)
    n = len(values)
    return np.asarray(generator.multinomial(n, counts / n, size=RESAMPLES) @ distinct / n)
