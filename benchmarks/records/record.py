"""What is asked and what was answered: the two things on disk that every table is made of.

Imports no torch: the table commands and `--help` start in well under a second.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from benchmarks.records.details import Details
from benchmarks.records.groups import Groups

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

CLEAN = "clean"
MEAN = "mean"
"""The pseudo-task that holds the plain mean over tasks; no task may be called so."""
VALIDATION = "validation"
"""What is said of the validation split, beside the conditions of the test split."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Experiment(_Frozen):
    """One cell of a table: this model on these data with this seed.

    `dataset_options` and `hparams` hold only what differs from the defaults; both are validated by the
    data set's and the model's own classes. `seed` drives the model, never the data. `variant` names a row of its own
    in tables for a model with other hyper-parameters than its neighbours, as in an ablation. `tuned` says on what, and
    with which budget, hyper-parameters were tuned; empty for defaults.
    """

    dataset: str
    model: str
    seed: int
    dataset_options: dict[str, Any] = Field(default_factory=dict)
    hparams: dict[str, Any] = Field(default_factory=dict)
    protocol: str = CLEAN
    variant: str = ""
    tuned: str = ""

    @property
    def row(self) -> str:
        """How tables and figures call what is measured: the model, and its variant if it is one."""
        return f"{self.model}, {self.variant}" if self.variant else self.model

    def label(self) -> str:
        """How the experiment is called in logs, run names and folders."""
        return f"{self.dataset}/{self.row}/seed-{self.seed}"


class Estimate(_Frozen):
    """A metric on the rows of a split with its 95 % bootstrap interval over their groups.

    NaN marks a metric that is undefined there (no labelled example); never a plausible number.
    """

    value: float
    low: float
    high: float
    n: int

    def __eq__(self, other: object) -> bool:
        """Equal numbers; unlike floats, two undefined ones are equal."""
        return isinstance(other, Estimate) and self.model_dump_json() == other.model_dump_json()

    def __hash__(self) -> int:
        return hash(self.model_dump_json())


class Outcomes(_Frozen):
    """Which test examples a model got right, so that models can be compared pair by pair from records.

    Attributes:
        examples: hash of the ids of the labelled test examples, in order; equal hashes may be paired.
        correct: base64 of the packed bits, most significant bit first, one per labelled example.
        n: number of labelled examples.
    """

    examples: str
    correct: str
    n: int

    @classmethod
    def of(cls, ids: Sequence[str], correct: npt.NDArray[np.bool_]) -> Self:
        """Of N labelled examples: their `ids` in order, and Bool[N], whether each was answered correctly."""
        import numpy as np

        examples = hashlib.sha256("\x1f".join(ids).encode()).hexdigest()[:16]
        bits = base64.b64encode(np.packbits(correct).tobytes()).decode()
        return cls(examples=examples, correct=bits, n=len(correct))

    def bits(self) -> npt.NDArray[np.bool_]:
        """Bool[n], what `of` was given."""
        import numpy as np

        packed = np.frombuffer(base64.b64decode(self.correct), dtype=np.uint8)
        return np.unpackbits(packed, count=self.n).astype(bool)


class Validation(_Frozen):
    """What a choice between models may look at: their answers on the validation split, as the protocol has it.

    Attributes:
        metrics: task -> metric -> estimate: accuracy, macro-F1, and the share answered at 90 % precision.
        outcomes: task -> per-example outcomes.
    """

    metrics: dict[str, dict[str, Estimate]]
    outcomes: dict[str, Outcomes]


class Cost(_Frozen):
    """What an answer takes once the model is trained.

    Attributes:
        seconds: a product from its file to its answers (decode, encode, heads), without a cache, on the machine and
            the one thread of the experiment.
        megabytes: files that answering needs, in millions of bytes: the saved model, and the weights of its backbone.
        reads: of a product: image, text or both, sorted; nothing for the largest class.
    """

    seconds: float
    megabytes: float
    reads: tuple[str, ...]


class Record(_Frozen):
    """The answer to one experiment: small, self-describing, the only source of a table.

    Attributes:
        key: hash of everything that decides the numbers (experiment, data, weights, versions).
        metrics: condition -> task -> metric -> estimate; "clean", what follows from its predictions, and the conditions
            of the experiment's protocol.
        outcomes: condition -> task -> per-example outcomes.
        modality_weights: condition -> task -> mean weight of (text, image); empty without such weights.
        relevance: task -> (text, image): the known share of the evidence, where the data set knows it.
        sizes: examples per split.
        config: the model's complete configuration, defaults included.
        facts: what the training reports of itself (epochs, selected epoch, trainable parameters ...); of a model that
            reads texts through a backbone also `text_tokens`, the most it reads of a text, and `cut_texts`, the share
            of longer texts by split; `evidence`, the shares of examples with a text and with a photo by split.
        fingerprints: data and weights.
        versions: name -> version of everything that took part; empty in records made before there were any.
        data_report: what the loader left out (bad samples, dropped classes).
        trained_rows: test examples whose text the backbone was pretrained on; None where nobody knows, and for models
            without a backbone.
        seconds: wall time of each stage.
        environment: machine, library versions, commit.
        validation: on which a model is chosen; None in records made before there was a choice.
        cost: likewise.
        answer_curve: task -> precision on the test split if the most confident 1/20, 2/20 ... of its labelled examples
            are answered; empty without a labelled example, and in records made before.
        groups: condition (or VALIDATION) -> the groups of its rows; once for conditions with the same labelled rows.
            Empty where every row is a group of its own, and in records whose intervals are over rows.
        details: task -> confusions, reliability and, of seed 0, the most confident mistakes on the clean test split;
            empty without a labelled example, and in records made before.
    """

    experiment: Experiment
    key: str
    metrics: dict[str, dict[str, dict[str, Estimate]]]
    outcomes: dict[str, dict[str, Outcomes]] = Field(default_factory=dict)
    modality_weights: dict[str, dict[str, tuple[float, float]]] = Field(default_factory=dict)
    relevance: dict[str, tuple[float, float]] = Field(default_factory=dict)
    sizes: dict[str, int]
    config: dict[str, Any]
    facts: dict[str, Any] = Field(default_factory=dict)
    fingerprints: dict[str, str | None]
    versions: dict[str, int] = Field(default_factory=dict)
    data_report: dict[str, Any] = Field(default_factory=dict)
    trained_rows: int | None = None
    seconds: dict[str, float]
    environment: dict[str, Any]
    validation: Validation | None = None
    cost: Cost | None = None
    answer_curve: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    groups: dict[str, Groups] = Field(default_factory=dict)
    details: dict[str, Details] = Field(default_factory=dict)

    def frame(self) -> pd.DataFrame:
        """One row a condition, task and metric.

        Columns: dataset, model, seed, condition, task (one is the `mean` over all), metric, value, its 95 % interval
        from low to high over n labelled test rows, key.
        """
        import pandas as pd

        said = {"dataset": self.experiment.dataset, "model": self.experiment.row, "seed": self.experiment.seed}
        rows = [
            {**said, "condition": condition, "task": task, "metric": metric, **estimate.model_dump(), "key": self.key}
            for condition, tasks in self.metrics.items()
            for task, metrics in tasks.items()
            for metric, estimate in metrics.items()
        ]
        return pd.DataFrame(rows)

    @property
    def can_be_chosen(self) -> bool:
        """Whether it holds what `benchmarks.reporting.pick` needs."""
        return self.validation is not None and self.cost is not None


class Finished(_Frozen):
    """A model that was trained once more, on the rows of all splits, after it was chosen.

    Attributes:
        key: of the record by which it was chosen.
        suite: where that record is.
        rows: examples per split; it has seen all of them.
        facts: what the training reports of itself, as in `Record`.
        seconds: wall time of the training; after a kill, of what was left.
        versions: as in `Record`, of what takes part in training.
        environment: machine, library versions, commit, when.
    """

    key: str
    suite: str
    rows: dict[str, int]
    facts: dict[str, Any] = Field(default_factory=dict)
    seconds: float
    versions: dict[str, int]
    environment: dict[str, Any]


def key_of(experiment: Experiment, fingerprints: Mapping[str, str | None], versions: Mapping[str, int]) -> str:
    """The name of a result: 16 hex digits over the experiment, the hashes of data and weights, and the versions.

    What an experiment leaves at its default is no part of it, so that a field, an option or a hyper-parameter may be
    added without a new key.
    """
    asked = experiment.model_dump(mode="json", exclude_defaults=True)
    identity = {"experiment": asked, "fingerprints": dict(fingerprints), "versions": dict(versions)}
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
