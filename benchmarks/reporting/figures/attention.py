"""Where a network looks: its attention drawn over the photo, after figure 2 of the paper.

The paper shows "the attention between the image patches and the embedding of the most relevant text token" and, in the
sources available to us, no more. Our reading, on the weights of the last sequence-wise layer, averaged over heads:

- the most relevant word is the one that the two CLS tokens, which alone are classified, attend to most;
- its map is the attention of that word to the patches, as shares of all patches;
- beside it stands the attention of the two CLS tokens to the patches: the paper's map is of a row that the last layer
  computes but no classification reads, this one is read.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.reporting.figures.style import STYLE, lay_out

if TYPE_CHECKING:
    from PIL import Image

    from cma_clip.neural_classifier import NeuralClassifier
    from cma_clip.types import Example

Map = npt.NDArray[np.float32]
Box = tuple[float, float, float, float]


class AttentionError(ValueError):
    """A model or an example that has no attention between photo and text."""


@dataclass(frozen=True)
class Attended:
    """What a network attends to in one example.

    Attributes:
        image: the photo.
        text: the words.
        word: the most relevant one.
        share: its part, between 0 and 1, of the attention of the two CLS tokens to all words.
        from_word: Float[rows columns], attention of that word to the patches; sums to 1.
        from_cls: Float[rows columns], mean attention of the two CLS tokens to the patches; sums to 1.
        box: (left, right, bottom, top) of the patches in pixels of the photo; beyond it where the photo was padded.
        predictions: task -> (class, probability).
        weights: task -> (text, image); empty for a network without modality-wise attention.
    """

    image: Image.Image
    text: str
    word: str
    share: float
    from_word: Map
    from_cls: Map
    box: Box
    predictions: dict[str, tuple[str, float]]
    weights: dict[str, tuple[float, float]]


def attend(model: NeuralClassifier, example: Example) -> Attended:
    """Run one example through a network and keep what it attends to.

    Raises:
        AttentionError: a network without sequence-wise attention over both modalities, or an example without a photo
            or a word.
    """
    import torch

    from cma_clip.examples import ExampleList
    from cma_clip.features.processing import example_batch

    network = _attentive(model)
    if example.image is None or not (example.text or "").strip():
        raise AttentionError(f"example {example.id!r} lacks a photo or a text: there is no attention between them")
    unlabelled = replace(example, labels={})  # its classes may be those of another data set
    model.backbone.eval()
    network.eval()
    batch = example_batch(model.processor, [unlabelled], model.tasks)
    with torch.inference_mode():
        features = model.backbone(batch)
        last = network.sequence.attention(features)[-1, 0].mean(dim=0).numpy()
    length, patches = features.text_tokens.shape[1], features.image_tokens.shape[1]
    image_cls, rows = 1 + length, _grid(patches, model.backbone.image_size)
    words = _words(
        model.processor.tokenizer, model.backbone.text_ids(batch)[0].tolist(), features.text_mask[0].tolist()
    )
    if not words:
        raise AttentionError(f"example {example.id!r}: the tokeniser finds no word in {example.text!r}")
    both_cls = last[[0, image_cls]].mean(axis=0)
    position = max(words, key=lambda index: both_cls[1 + index])
    predictions = model.predict(ExampleList([unlabelled]))
    weights = predictions.modality_weights or {}
    return Attended(
        image=example.image,
        text=example.text or "",
        word=words[position],
        share=float(both_cls[1 + position] / sum(both_cls[1 + index] for index in words)),
        from_word=_shares(last[1 + position, image_cls + 1 :]).reshape(rows),
        from_cls=_shares(both_cls[image_cls + 1 :]).reshape(rows),
        box=seen_box(example.image.size, model.backbone.image_size, model.backbone.preprocess_cfg["resize_mode"]),
        predictions={
            task.name: (task.classes[p.argmax()], float(p.max()))
            for task in model.tasks
            for p in [predictions.probabilities[task.name][0]]
        },
        weights={task: (float(w[0, 0]), float(w[0, 1])) for task, w in weights.items()},
    )


def seen_box(photo: tuple[int, int], seen: tuple[int, int], resize_mode: str) -> Box:
    """Where the network's input lies on the photo: (left, right, bottom, top) in pixels, y downwards.

    Args:
        photo: (width, height) of the photo.
        seen: (height, width) of the network's input.
        resize_mode: of open_clip: `shortest` crops the longer side, `longest` pads the shorter one, `squash` does
            neither and distorts.
    """
    width, height = photo
    if resize_mode == "squash":
        return 0.0, float(width), float(height), 0.0
    scales = (width / seen[1], height / seen[0])
    scale = max(scales) if resize_mode == "longest" else min(scales)
    across, down = seen[1] * scale, seen[0] * scale
    return (width - across) / 2, (width + across) / 2, (height + down) / 2, (height - down) / 2


def draw(attended: Sequence[Attended]) -> Figure:
    """A row per example: photo, the word's attention, the CLS tokens' attention, predictions and modality weights."""
    with mpl.rc_context({**STYLE, "axes.grid": False}):
        figure = Figure(figsize=(11.5, 3.1 * len(attended)), layout="constrained")
        FigureCanvasAgg(figure)
        rows = figure.subplots(len(attended), 4, squeeze=False, width_ratios=(1, 1.15, 1.15, 1.3))
        for (photo, word, cls, bars), one in zip(rows, attended, strict=True):
            _photo(photo, one)
            share = f"{100 * one.share:.0f} % of the attention to words"
            _overlay(word, one, one.from_word, f'from the token "{one.word}"\n({share})')
            _overlay(cls, one, one.from_cls, "from the CLS tokens\n(what is classified)")
            _bars(bars, one)
        lay_out(figure)
    figure.set_label(
        "Attention of the last sequence-wise layer to the patches of each photo, mean over heads, as shares of all "
        "patches: from the word that the two CLS tokens attend to most, and from the CLS tokens themselves."
    )
    return figure


def _attentive(model: NeuralClassifier) -> Any:  # noqa: ANN401 - a network whose parts torch types as tensors
    from cma_clip.model import CMAClipNetwork

    network = getattr(model, "network", None)
    if not isinstance(network, CMAClipNetwork) or not len(network.sequence.layers) or network.reads != "both":
        raise AttentionError(
            f"{type(model).__name__} has no sequence-wise attention over photo and text; "
            "choose a model saved by cma_clip or cma_clip_wo_ma"
        )
    return network


def _grid(patches: int, seen: tuple[int, int]) -> tuple[int, int]:
    """(rows, columns) of square patches over an input of (height, width)."""
    rows = round((patches * seen[0] / seen[1]) ** 0.5)
    if rows * (patches // rows) != patches:
        raise AttentionError(f"{patches} image tokens form no grid over {seen[0]} x {seen[1]} pixels")
    return rows, patches // rows


def _words(tokenizer: Any, ids: Sequence[int], is_word: Sequence[bool]) -> dict[int, str]:  # noqa: ANN401 - open_clip's
    """Position -> how it reads, without marks of begin and end and without punctuation."""
    inner = getattr(tokenizer, "tokenizer", tokenizer)  # Hugging Face tokenisers are wrapped
    special = set(inner.all_special_ids)
    read = {i: inner.decode([token]).strip() for i, token in enumerate(ids) if is_word[i] and token not in special}
    return {position: word for position, word in read.items() if any(map(str.isalnum, word))}


def _shares(weights: Map) -> Map:
    return np.asarray(weights / weights.sum())


def _photo(axes: Axes, one: Attended) -> None:
    axes.imshow(one.image)
    axes.set_title("\n".join(textwrap.wrap(one.text, 34)[:3]), fontsize="small", loc="left")
    axes.set_axis_off()


def _overlay(axes: Axes, one: Attended, shares: Map, title: str) -> None:
    axes.imshow(one.image.convert("L"), cmap="gray", vmin=0, vmax=255)
    heat = axes.imshow(100 * shares, extent=one.box, cmap="viridis", alpha=0.6, vmin=0, interpolation="nearest")
    axes.set_xlim(0, one.image.width)
    axes.set_ylim(one.image.height, 0)
    axes.set_title(title, fontsize="small", loc="left")
    axes.set_axis_off()
    bar = axes.figure.colorbar(heat, ax=axes, fraction=0.06, pad=0.03)
    bar.set_label(f"% per patch ({100 / shares.size:.1f} if even)", fontsize="small")


def _bars(axes: Axes, one: Attended) -> None:
    """Per task the prediction, and how much it listened to text and photo."""
    text_color, image_color = (sns.color_palette("colorblind")[index] for index in (0, 1))
    for row, task in enumerate(one.predictions):
        text, image = one.weights.get(task, (0.0, 0.0))
        axes.barh(row, 100 * text, color=text_color, height=0.5, label="text" if row == 0 else None)
        axes.barh(row, 100 * image, left=100 * text, color=image_color, height=0.5, label="image" if row == 0 else None)
    for row, (task, (name, probability)) in enumerate(one.predictions.items()):
        axes.text(1, row - 0.32, f"{task}: {name} ({100 * probability:.0f} %)", fontsize="small", va="bottom")
    axes.set_yticks([])
    axes.set_ylim(len(one.predictions) - 0.6, -0.75)
    axes.set_xlim(0, 100)
    axes.set_xlabel("modality weight in %" if one.weights else "no modality weights: both count the same")
    if one.weights:
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize="small")
