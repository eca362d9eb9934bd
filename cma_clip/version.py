"""Versions of what decides numbers."""

from __future__ import annotations

from typing import Self


class Version(int):
    """How many states of one thing have given different numbers, and what told each from the one before.

    Records name the versions that took part in them, and their keys hash these instead of the code: refactoring keeps
    every record, and a raised version invalidates those it took part in. Models, data sets, perturbations, protocols
    and metrics have one each; so do the parts that several of them share: `training` (learner, trainer, batching,
    augmentation), `contrastive training`, `features` (backbone, processing), `loading` (the way from rows to splits),
    `masking`, `evaluation` (bootstrap, seeds of a run) and `group intervals` (the bootstrap over groups of rows).

    Which one to raise, tests/golden tells: a change that alters the numbers of one model raises that model's version;
    one in shared code raises the version of the part if it has one, and otherwise (task heads, attention layers, the
    logistic regression) those of all the entries that the test names.

        version = Version(1)
        version = Version(2, "its sigma is a share of the shorter side")
        version = Version(3, "its sigma is a share of the shorter side", "edges are mirrored")

    Raises:
        ValueError: not one reason for every version after the first.
    """

    reasons: tuple[str, ...]

    def __new__(cls, number: int, *reasons: str) -> Self:
        """The `reasons` of versions 2, 3, ... in order."""
        if number < 1 or len(reasons) != number - 1 or not all(reason.strip() for reason in reasons):
            raise ValueError(f"version {number} needs {number - 1} reasons, one for each time it was raised")
        version = super().__new__(cls, number)
        version.reasons = reasons
        return version

    def __getnewargs__(self) -> tuple[int | str, ...]:  # type: ignore[override]  # copies and pickles keep the reasons
        return int(self), *self.reasons

    def since(self, before: int) -> str:
        """Why it was raised after version `before`; empty where it was not."""
        return "; ".join(self.reasons[before - 1 :])
