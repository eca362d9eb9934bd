"""How long the rest of a suite takes, from how long experiments took before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from statistics import median

from benchmarks.records.record import Experiment, Record


class Estimate:
    """Knows the seconds of records; of an experiment it expects those of its model on its data, else of its model."""

    def __init__(self, earlier: Iterable[Record] = ()):
        self._of_data: dict[tuple[str, str], list[float]] = defaultdict(list)
        self._of_model: dict[str, list[float]] = defaultdict(list)
        for record in earlier:
            self.add(record)

    def add(self, record: Record) -> None:
        """Learn from a record."""
        seconds = sum(record.seconds.values())
        self._of_data[record.experiment.dataset, record.experiment.row].append(seconds)
        self._of_model[record.experiment.row].append(seconds)

    def seconds(self, experiment: Experiment) -> float | None:
        """Of one experiment; None where nothing like it has run."""
        known = self._of_data.get((experiment.dataset, experiment.row)) or self._of_model.get(experiment.row)
        return median(known) if known else None

    def rest(self, experiments: Collection[Experiment], at_once: int) -> float | None:
        """Seconds until all of these are done; those unlike any before count as the mean of the others.

        None where nothing is left, or nothing is known.
        """
        known = [found for found in map(self.seconds, experiments) if found is not None]
        if not known:
            return None
        return max(*known, sum(known) / len(known) * len(experiments) / max(1, at_once))

    def told(self, experiments: Collection[Experiment], at_once: int) -> str:
        """Of the rest, in words; nothing where nobody knows."""
        rest = self.rest(experiments, at_once)
        if rest is None:
            return ""
        return f", about {rest / 60:.0f} min left" if rest >= 90 else f", about {rest:.0f} s left"
