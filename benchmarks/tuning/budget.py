"""How much every model may try, whatever it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from optuna.trial import FrozenTrial, TrialState

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True)
class Budget:
    """Finished trials, seconds that finished trials took, or whichever of both is reached first.

    Pruned trials are finished, failed ones cost nothing. A trial that has begun within its seconds is finished, so the
    default configuration always is.

    Raises:
        ValueError: neither is given, or not a positive number.
    """

    trials: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if not self.as_json() or min(self.as_json().values()) <= 0:
            raise ValueError(
                "give every model --trials N, --seconds S, or both, positive numbers; "
                f"found trials={self.trials}, seconds={self.seconds}"
            )

    def is_spent(self, trials: Sequence[FrozenTrial]) -> bool:
        """Whether the finished trials of a study reach it."""
        return not self._is_left(trials, FINISHED)

    def is_open(self, trials: Sequence[FrozenTrial]) -> bool:
        """Whether another trial may begin, if those that are running finish."""
        return self._is_left(trials, (*FINISHED, TrialState.RUNNING))

    def counted(self, trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
        """The finished trials that are looked at, in order.

        Machines that share a database can begin a trial too many between them; it would be an advantage.
        """
        found = sorted((trial for trial in trials if trial.state in FINISHED), key=lambda trial: trial.number)
        return found[: self.trials]

    def as_json(self) -> dict[str, float]:
        """What is given of the two, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def _is_left(self, trials: Sequence[FrozenTrial], states: tuple[TrialState, ...]) -> bool:
        found = [trial for trial in trials if trial.state in states]
        few = self.trials is None or len(found) < self.trials
        return few and (self.seconds is None or sum(seconds_of(trial) for trial in found) < self.seconds)


def seconds_of(trial: FrozenTrial) -> float:
    """Wall time of a finished trial; 0 for one that is running."""
    return trial.duration.total_seconds() if trial.duration is not None else 0.0
