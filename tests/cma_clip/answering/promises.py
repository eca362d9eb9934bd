"""How often a promise is broken: one set of predictions, split many times into validation and new rows."""

import numpy as np

from cma_clip.answering import Answering
from cma_clip.types import Predictions

TASK = "color"


def predictions_of(logits, labels):
    odds = np.exp(logits - logits.max(1, keepdims=True))
    ids = tuple(map(str, range(len(labels))))
    return Predictions(ids, {TASK: labels}, {TASK: (odds / odds.sum(1, keepdims=True)).astype(np.float32)})


def miscalibrated(rows, generator):
    """Eight classes, logits three times too large."""
    labels = generator.integers(8, size=rows)
    logits = generator.normal(size=(rows, 8)) + 2.2 * np.eye(8)[labels]
    return predictions_of(3 * 2.2 * logits, labels), None


def rare(rows, generator):
    """Twenty classes of which the rarest has one row in a thousand, 3 % wrong labels."""
    shares = np.geomspace(1, 1e-3, 20)
    labels = generator.choice(20, size=rows, p=shares / shares.sum())
    logits = generator.normal(size=(rows, 20)) + 2.5 * np.eye(20)[labels] + 0.3 * np.log(shares)
    labels = np.where(generator.random(rows) < 0.03, generator.integers(20, size=rows), labels)
    return predictions_of(2.5 * logits, labels), None


def grouped(rows, generator):
    """Four photos a product, nearly the same logits: right and wrong together."""
    products = rows // 4
    labels = generator.integers(6, size=products).repeat(4)
    logits = (generator.normal(size=(products, 6))).repeat(4, axis=0) + 2.2 * np.eye(6)[labels]
    logits += 0.1 * generator.normal(size=logits.shape)
    return predictions_of(2.2 * logits, labels), np.arange(products).repeat(4)


POPULATIONS = {"miscalibrated": miscalibrated, "rare": rare, "grouped": grouped}


def rows_of(predictions, rows):
    return Predictions(
        tuple(predictions.ids[row] for row in rows),
        {TASK: predictions.labels[TASK][rows]},
        {TASK: predictions.probabilities[TASK][rows]},
    )


def share_broken(population, validation, target, splits, *, use_groups=True, rows=40_000, new=None):
    """(share of splits with precision below the target on all rows, mean share answered, share without a promise).

    `new`: predictions of the same rows as they come after validation; by default as they came to it.
    """
    generator = np.random.default_rng(0)
    predictions, groups = population(rows, generator)
    met = predictions if new is None else new
    right = met.probabilities[TASK].argmax(1) == met.labels[TASK]
    units = np.arange(rows) if groups is None else groups
    broken, answered = [], []
    for _ in range(splits):
        drawn = generator.choice(units.max() + 1, size=validation, replace=False)
        chosen = np.flatnonzero(np.isin(units, drawn))
        named = [str(units[row]) for row in chosen] if use_groups else None
        answering = Answering.of(rows_of(predictions, chosen), named)
        mask = answering.answer(TASK, met.probabilities[TASK], target).answered
        broken.append(mask.any() and right[mask].mean() < target)
        answered.append(mask.mean())
    return float(np.mean(broken)), float(np.mean(answered)), float(np.mean(np.array(answered) == 0))
