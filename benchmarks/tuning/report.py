"""From a finished study to what is kept of it, and from that to a table and figures."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import optuna
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from optuna.distributions import json_to_distribution
from optuna.trial import FrozenTrial, TrialState, create_trial
from pydantic_core import to_json

from benchmarks.reporting.figures.style import STYLE, axes_of, lay_out, markers, palette
from benchmarks.reporting.table import MISSING, Cell, Table
from benchmarks.suites import MODEL_ORDER
from benchmarks.tuning.budget import Budget, seconds_of
from benchmarks.tuning.chosen import Tried, Tuned
from benchmarks.tuning.studies import StudySpec

FEWEST = 4
"""Complete trials below which importances would be noise."""

STATES = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned"}


def tuned_of(spec: StudySpec, trials: Sequence[FrozenTrial], budget: Budget) -> Tuned:
    """The best complete trial within the budget; of equals the first.

    Raises:
        ValueError: not one is complete.
    """
    counted = budget.counted(trials)
    complete = [trial for trial in counted if trial.state == TrialState.COMPLETE]
    if not complete:
        raise ValueError(f"{spec.label}: none of {len(counted)} trials was completed; give it a larger budget")
    best = max(complete, key=lambda trial: (trial.value or 0.0, -trial.number))
    default = next((trial.value for trial in complete if trial.params == dict(spec.defaults)), None)
    return Tuned.model_validate(
        {
            "dataset": spec.dataset,
            "dataset_options": dict(spec.dataset_options),
            "model": spec.model,
            "params": best.params,
            "score": best.value,
            "default_score": default,
            "number": best.number,
            "fixed": dict(spec.fixed),
            "budget": budget.as_json(),
            "trials": [_tried(trial) for trial in counted],
            "space": spec.space_as_json(),
            "fingerprints": dict(spec.fingerprints),
            "versions": {name: int(version) for name, version in spec.versions.items()},
        }
    )


def _tried(trial: FrozenTrial) -> Tried:
    complete = trial.state == TrialState.COMPLETE
    return Tried.model_validate(
        {
            "number": trial.number,
            "state": STATES[trial.state],
            "score": trial.value if complete else None,
            "seconds": round(seconds_of(trial), 3),
            "params": trial.params,
        }
    )


def table(found: Sequence[Tuned], suite: str) -> Table:
    """Defaults against the chosen configuration, by data set and model."""
    rows = []
    for tuned in _ordered(found):
        pruned = sum(trial.state == "pruned" for trial in tuned.trials)
        seconds = sum(trial.seconds for trial in tuned.trials)
        rows.append(
            (
                Cell(tuned.dataset),
                Cell(tuned.model),
                Cell(", ".join(f"{name}={_short(value)}" for name, value in tuned.params.items())),
                _percent(tuned.default_score),
                _percent(tuned.score),
                Cell(str(len(tuned.trials)), len(tuned.trials)),
                Cell(str(pruned), pruned),
                Cell(f"{seconds:.0f}", seconds),
            )
        )
    header = ("data set", "model", "chosen", "defaults", "tuned", "trials", "pruned", "seconds")
    title = f"{suite}, tuned: accuracy on the validation split in %, mean over tasks"
    budgets = sorted({" ".join(f"{value:g} {name}" for name, value in tuned.budget.items()) for tuned in found})
    equal = f"the same budget for every model: {budgets[0]}" if len(budgets) == 1 else f"budgets differ: {budgets}"
    return Table(title, header, tuple(rows), footnotes=(equal,), labels=3)


def figures(found: Sequence[Tuned]) -> dict[str, Figure]:
    """Name -> figure: per data set the history of all models, and what their hyper-parameters weigh."""
    drawn = {}
    with mpl.rc_context(STYLE):
        for dataset in sorted({tuned.dataset for tuned in found}):
            here = [tuned for tuned in _ordered(found) if tuned.dataset == dataset]
            drawn[f"{dataset}-history"] = _history(dataset, here)
            weighed = {tuned.model: weights for tuned in here if (weights := importances(tuned))}
            if weighed:
                drawn[f"{dataset}-importance"] = _importance(dataset, weighed)
        for figure in drawn.values():
            lay_out(figure)
    return drawn


def importances(tuned: Tuned) -> dict[str, float]:
    """Hyper-parameter -> its share in the variation of scores (PED-ANOVA, Optuna's default).

    Empty where there is nothing to share: few trials, or one hyper-parameter.
    """
    complete = [trial for trial in tuned.trials if trial.state == "complete"]
    if len(complete) < FEWEST or len(tuned.space) < 2:
        return {}
    space = {name: json_to_distribution(to_json(found).decode()) for name, found in tuned.space.items()}
    study = optuna.create_study(direction="maximize")
    study.add_trials([create_trial(value=t.score, params=t.params, distributions=space) for t in complete])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.importance.get_param_importances(study)


def _history(dataset: str, found: Sequence[Tuned]) -> Figure:
    figure, axes = axes_of(7.4, 4.6, f"{dataset}: best validation accuracy so far")
    colors, shapes = palette(MODEL_ORDER), markers(MODEL_ORDER)
    for tuned in found:
        best = np.fmax.accumulate([np.nan if trial.score is None else 100 * trial.score for trial in tuned.trials])
        axes.plot(
            range(1, len(best) + 1),
            best,
            marker=shapes[tuned.model],
            color=colors[tuned.model],
            label=tuned.model,
            markersize=5,
            linewidth=1.2,
            drawstyle="steps-post",
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("finished trials; the first is the default configuration")
    axes.set_ylabel("accuracy in %, mean over tasks")
    figure.legend(loc="outside right upper", frameon=False)
    figure.set_label(f"Tuning on {dataset}: the best validation accuracy of every model so far, by finished trials.")
    return figure


def _importance(dataset: str, weighed: dict[str, dict[str, float]]) -> Figure:
    names = list(dict.fromkeys(name for weights in weighed.values() for name in weights))
    values = np.array([[100 * weights.get(name, np.nan) for name in names] for weights in weighed.values()])
    title = f"{dataset}: what hyper-parameters weigh, in %"
    figure, axes = axes_of(2.0 + 0.75 * len(names), 1.6 + 0.27 * len(weighed), title)
    sns.heatmap(
        values,
        ax=axes,
        annot=True,
        fmt=".0f",
        cmap="Blues",
        vmin=0,
        vmax=100,
        linewidths=1,
        xticklabels=names,
        yticklabels=list(weighed),
        cbar=False,
    )
    axes.grid(visible=False)
    axes.tick_params(axis="x", rotation=30)
    figure.set_label(
        f"Tuning on {dataset}: share of each hyper-parameter in the variation of the validation accuracy over the "
        "complete trials (PED-ANOVA), in %. Empty: the model has no such hyper-parameter."
    )
    return figure


def _ordered(found: Sequence[Tuned]) -> list[Tuned]:
    return sorted(found, key=lambda tuned: (tuned.dataset, MODEL_ORDER.index(tuned.model)))


def _percent(score: float | None) -> Cell:
    return Cell(MISSING, None) if score is None else Cell(f"{100 * score:.2f}", 100 * score)


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
