"""What whoever trains a model gives it: an ear for its epochs, and a trial to draw hyper-parameters from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Report(Protocol):
    """Hears of every finished epoch: tracking logs it, tuning may raise `optuna.TrialPruned` from it."""

    def __call__(self, epoch: int, values: Mapping[str, float]) -> None:
        """`values` holds at least `val/score`, higher is better."""
        ...


class Trial(Protocol):
    """The part of `optuna.Trial` that search spaces use; keeps optuna out of the model packages."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float: ...  # noqa: D102
    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int: ...  # noqa: D102
    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any: ...  # noqa: ANN401, D102


def silent(epoch: int, values: Mapping[str, float]) -> None:
    """The report that nobody reads."""
