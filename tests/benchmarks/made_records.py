"""Records as a suite of 16 models, 3 seeds and 3 tasks would leave them, without training anything."""

import numpy as np

from benchmarks.records.record import CLEAN, Cost, Estimate, Experiment, Outcomes, Record, Validation, key_of
from benchmarks.seeding import seed_of
from benchmarks.suites import MODEL_ORDER

ORDER = MODEL_ORDER
TASKS = ("color", "pattern", "style")
RELEVANCE = {"color": (0.5, 0.5), "pattern": (0.1, 0.9), "style": (0.85, 0.15)}
N = 400


def suite(models=ORDER, seeds=(0, 1, 2), dataset="catalog"):
    return [record(model, seed, dataset) for seed in seeds for model in models]


def record(model="cma_clip", seed=0, dataset="catalog", n=N, **changes):
    """Accuracy rises along the order of the models; `changes` replace fields of the record."""
    skill = 0.3 + 0.6 * ORDER.index(model) / len(ORDER)
    experiment = Experiment(dataset=dataset, model=model, seed=seed)
    fingerprints = {"data": dataset, "weights": None}
    versions = {model: 1, dataset: 1, "training": 1}
    correct = {task: _correct(model, seed, task, n, skill) for task in TASKS}
    metrics = {task: _estimates(answers) for task, answers in correct.items()}
    metrics["mean"] = {name: _mean([metrics[task][name] for task in TASKS]) for name in metrics[TASKS[0]]}
    network = model == "mmbt" or model.startswith("cma_clip")
    facts = {"epochs": 12 + seed, "best_epoch": 8, "trainable_parameters": 1_234_567} if network else {}
    fields = {
        "experiment": experiment,
        "key": key_of(experiment, fingerprints, versions),
        "metrics": {CLEAN: metrics},
        "outcomes": {CLEAN: {task: Outcomes.of([f"{i}" for i in range(n)], right) for task, right in correct.items()}},
        "modality_weights": {CLEAN: _weights(seed) if model == "cma_clip" else {}},
        "relevance": RELEVANCE if dataset == "catalog" else {},
        "sizes": {"train": 3000, "val": 600, "test": n},
        "config": {"backbone": "tiny-product-clip", "freeze": "all"} if network else {},
        "trained_rows": 0 if network else None,
        "facts": facts,
        "fingerprints": fingerprints,
        "versions": versions,
        "data_report": {"rows": 4000, "bad_samples": [], "dropped_classes": {}, "notes": []},
        "seconds": {"load": 0.2, "fit": round(0.004 * 1.7 ** ORDER.index(model), 3), "predict": 0.3, "evaluate": 0.1},
        "environment": {"cpu": "A Processor", "python": "3.11.2", "libraries": {"torch": "2.14"}},
    }
    fields["validation"] = validation(dict.fromkeys(TASKS, skill))
    fields["cost"] = Cost(seconds=0.001, megabytes=12.5, reads=("image", "text"))
    return Record(**{**fields, **changes})


def validation(shares, n=N, answered=0.5):
    """Task -> share of n rows that is right: a better model is right wherever a worse one is."""
    correct = {
        task: np.random.default_rng(seed_of("order", task)).permutation(n) < share * n for task, share in shares.items()
    }
    metrics = {
        task: {
            "accuracy": _estimates(right)["accuracy"],
            "macro_f1": estimate(0.5),
            "answered_at_90_precision": estimate(answered),
        }
        for task, right in correct.items()
    }
    metrics["mean"] = {name: _mean([metrics[task][name] for task in shares]) for name in metrics[next(iter(shares))]}
    return Validation(
        metrics=metrics,
        outcomes={task: Outcomes.of([f"{i}" for i in range(n)], right) for task, right in correct.items()},
    )


def estimate(value, spread=0.02, n=N):
    return Estimate(value=value, low=value - spread, high=value + spread, n=n)


def with_accuracy(original, **accuracies):
    """The record with other accuracies of the named tasks."""
    tasks = dict(original.metrics[CLEAN])
    for task, value in accuracies.items():
        tasks[task] = {**tasks[task], "accuracy": estimate(value)}
    return original.model_copy(update={"metrics": {CLEAN: tasks}})


def with_condition(original, condition, n):
    """The record with the metrics of the clean condition under another one too, over n examples."""
    clean = original.metrics[CLEAN]
    other = {task: {name: e.model_copy(update={"n": n}) for name, e in found.items()} for task, found in clean.items()}
    return original.model_copy(update={"metrics": {**original.metrics, condition: other}})


def with_tasks(original, *names):
    """The record with its three tasks called otherwise, clean condition only."""
    new = dict(zip(TASKS, names, strict=True))
    metrics = {new.get(task, task): by_name for task, by_name in original.metrics[CLEAN].items()}
    return original.model_copy(
        update={
            "metrics": {CLEAN: metrics},
            "outcomes": {CLEAN: {new[task]: found for task, found in original.outcomes[CLEAN].items()}},
            "modality_weights": {CLEAN: {new[task]: w for task, w in original.modality_weights[CLEAN].items()}},
            "relevance": {new[task]: shares for task, shares in original.relevance.items()},
        }
    )


def _correct(model, seed, task, n, skill):
    """Seeds of a model and models of a task mostly agree on what is hard, as real ones do."""
    hard = np.random.default_rng(seed_of("hard", task)).random(n)
    noise = np.random.default_rng(seed_of(model, seed, task)).normal(scale=0.05, size=n)
    return hard + noise < skill


def _estimates(correct):
    accuracy = float(correct.mean())
    spread = 1.96 * float(np.sqrt(accuracy * (1 - accuracy) / len(correct)))
    values = {
        "accuracy": accuracy,
        "macro_f1": accuracy * 0.97,
        "recall_at_90_precision": accuracy * 0.8,
        "recall_at_95_precision": accuracy * 0.6,
        "recall_at_90_precision_macro": accuracy * 0.7,
        "recall_at_95_precision_macro": accuracy * 0.5,
        "ece": 0.3 * (1 - accuracy),
        "log_loss": 2 * (1 - accuracy),
    }
    return {name: estimate(value, spread, len(correct)) for name, value in values.items()}


def _mean(estimates):
    value, low, high = (float(np.mean([getattr(e, part) for e in estimates])) for part in ("value", "low", "high"))
    return Estimate(value=value, low=low, high=high, n=estimates[0].n)


def _weights(seed):
    return {
        task: (0.5 + 0.4 * (text - 0.5) + 0.01 * seed, 0.5 - 0.4 * (text - 0.5) - 0.01 * seed)
        for task, (text, _) in RELEVANCE.items()
    }
