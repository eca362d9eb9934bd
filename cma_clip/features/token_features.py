"""Token features of a frozen backbone, computed once and memory-mapped: heads train on them, not on pixels.

Texts cost what they are long. Further windows of long texts stand in arrays of their own: texts that fit cost nothing
more, and have the same bits whatever the number of windows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache, cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from tqdm import tqdm

from cma_clip.backbone.backbone import Backbone
from cma_clip.backbone.windows import AFTER_MEAN, join, mean_of_windows
from cma_clip.classifier import Workspace
from cma_clip.features.arrays import ArrayFolder, features_folder, filled, items_of, joined
from cma_clip.features.computing import Photos, Texts, batches, on_device
from cma_clip.features.processing import Arrays, Processor
from cma_clip.tensors import Features
from cma_clip.types import Examples, Joined

NAMES = tuple(item.name for item in fields(Features))
SIDES = {
    "image": ("image_tokens", "image_cls", "image_embedding"),
    "text": ("text_tokens", "word_embeddings", "text_mask", "text_cls", "text_embedding"),
}
"""What `Features` say of each modality, but for whether it is there."""
TEXT_ARRAYS = ("word_starts", "word_ids", "text_tokens", "text_cls", "text_embedding")
LAYOUT = "float16, words one after the other"
"""Of what is cached; another layout is never read as this one."""

Rows = Sequence[int] | slice | npt.NDArray[np.int64]


@dataclass(frozen=True)
class FeatureTable:
    """`Features` of N examples as arrays, floats in half precision (our choice: halves the disk and the reading).

    Attributes:
        arrays: those of `Features` for photos, `text_cls` and `text_embedding`, N rows. The W words of all texts one
            after the other: `text_tokens` Float[W Dt] and `word_ids` Int[W], of text n from `word_starts[n]` to
            `word_starts[n + 1]`. All that is said of the first windows; with M further windows in all, the text side
            again under `further_text_tokens` ..., and `further_starts` Int[N+1] as in `cma_clip.features.encoded`.
        embed: word embeddings by ids, Int[W] -> Float[W Dw].
    """

    arrays: Mapping[str, npt.NDArray[Any]]
    embed: Callable[[Tensor], Tensor]

    def __len__(self) -> int:
        return len(self.arrays["text_present"])

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Int[N], words of each text, of all of its windows together; 0 where it is missing."""
        starts = self.arrays.get("further_word_starts", np.zeros(1, dtype=np.int64))[self.arrays["further_starts"]]
        words = np.diff(self.arrays["word_starts"]) + np.diff(starts)
        return np.where(self.arrays["text_present"], words, 0)

    def batch(self, rows: Sequence[int] | slice) -> Features:
        """The given rows in single precision, texts cut to the longest among them; zeros for a missing modality."""
        image = {name: _single(self.arrays[name][rows]) for name in SIDES["image"]}
        text = self._texts("", rows)
        windows, of = items_of(self.arrays["further_starts"], rows)
        if len(windows):
            text = join(text, self._texts("further_", windows), torch.from_numpy(of))
        present = {}
        for side, values in (("image", image), ("text", text)):
            present[f"{side}_present"] = torch.from_numpy(np.array(self.arrays[f"{side}_present"][rows]))
            missing = ~present[f"{side}_present"]
            for value in values.values() if missing.any() else ():
                value[missing] = 0
        return Features(**image, **text, **present).trimmed()

    def pooled(self, name: str) -> npt.NDArray[np.float32]:
        """Float[N D]: `image_cls`, `text_embedding` and the like of all rows, of a text over all of its windows.

        A row whose modality is missing has what its source has, as in `arrays`.
        """
        values = np.asarray(self.arrays[name], dtype=np.float32)
        windows, of = items_of(self.arrays["further_starts"], slice(None))
        if name not in AFTER_MEAN or not len(windows):
            return values
        further = np.asarray(self.arrays[f"further_{name}"], dtype=np.float32)
        words = [torch.from_numpy(np.diff(self.arrays[starts])) for starts in ("word_starts", "further_word_starts")]
        both = torch.from_numpy(values), torch.from_numpy(further)
        return mean_of_windows(name, both, (words[0], words[1]), torch.from_numpy(of)).numpy()

    def _texts(self, prefix: str, rows: Rows) -> dict[str, Tensor]:
        """The text side of `Features`, of first windows or of those whose arrays have a prefix."""
        arrays = {name: self.arrays[f"{prefix}{name}"] for name in TEXT_ARRAYS}
        words, of = items_of(arrays["word_starts"], rows)
        text_cls = _single(arrays["text_cls"][rows])
        counts = torch.from_numpy(np.bincount(of, minlength=len(text_cls)))
        mask = torch.arange(max(1, int(counts.max()))) < counts[:, None]
        ids = torch.from_numpy(arrays["word_ids"][words].astype(np.int64))
        return {
            "text_tokens": _padded(_single(arrays["text_tokens"][words]), mask),
            "word_embeddings": _padded(self.embed(ids), mask),
            "text_mask": mask,
            "text_cls": text_cls,
            "text_embedding": _single(arrays["text_embedding"][rows]),
        }


def _single(values: npt.NDArray[np.float16]) -> Tensor:
    return torch.from_numpy(np.array(values)).float()


def _padded(words: Tensor, mask: Tensor) -> Tensor:
    """Float[W D] -> Float[B L D]: each word where the mask Bool[B L] shows one, zeros elsewhere."""
    padded = words.new_zeros(*mask.shape, words.shape[1])
    padded[mask] = words
    return padded


def token_features(backbone: Backbone, processor: Processor, examples: Examples, workspace: Workspace) -> FeatureTable:
    """Features of all examples; of each modality from the cache if this backbone has seen its source before.

    The cache's name is a hash of weights, preprocessing, images or texts, and this file's precision and layout; of
    further windows also of their number. The arrays of an example whose modality is missing here, but not in the
    source, hold the source's: the `*_present` arrays tell.
    """
    embed = partial(_embedded, backbone)
    if isinstance(examples, Joined):
        tables = [token_features(backbone, processor, part, workspace) for part in examples.parts]
        return FeatureTable(joined([table.arrays for table in tables]), embed)
    texts = examples.text_source
    further = processor.encode_further(texts, workspace)
    arrays = image_features(backbone, processor, examples, workspace)
    arrays |= {
        "text_present": np.array([bool(text and text.strip()) for text in examples.texts()], dtype=np.bool_),
        "further_starts": further["further_starts"],
    }
    for prefix, rows, name in text_rows(backbone, processor, texts, workspace):
        arrays |= {f"{prefix}{kind}": array for kind, array in _computed(rows, name, workspace).items()}
    return FeatureTable(arrays, embed)


def text_rows(
    backbone: Backbone, processor: Processor, texts: Examples, workspace: Workspace
) -> list[tuple[str, Texts, str | None]]:
    """(Prefix of their arrays, windows of text, what names them): all first ones, and the further ones there are."""
    encoded, further = processor.encode_texts(texts, workspace), processor.encode_further(texts, workspace)
    first = Texts(backbone, encoded["input_ids"], encoded["text_present"], processor.ends)
    found: list[tuple[str, Texts, str | None]] = [("", first, processor.name(texts))]
    if count := len(further["further_ids"]):
        more = Texts(backbone, further["further_ids"], np.ones(count, dtype=np.bool_), processor.ends)
        found.append(("further_", more, processor.further_name(texts)))
    return found


def image_features(
    backbone: Backbone, processor: Processor, examples: Examples, workspace: Workspace
) -> dict[str, npt.NDArray[Any]]:
    """The arrays of `token_features` that are about photos, for whoever reads no text through the backbone."""
    if isinstance(examples, Joined):
        return joined([image_features(backbone, processor, part, workspace) for part in examples.parts])
    backbone.eval().to(accelerator())
    images = examples.image_source
    pixels = cache(lambda: processor.encode_images(images, workspace))  # not decoded for features that are there
    photos = Photos(backbone, len(images), lambda rows: {name: of_all[rows] for name, of_all in pixels().items()})
    return {"image_present": examples.image_present(), **_computed(photos, processor.name(images), workspace)}


def _embedded(backbone: Backbone, ids: Tensor) -> Tensor:
    with torch.no_grad():
        return backbone.text_tower.embed(on_device(backbone, ids.numpy())).float().cpu()


def _computed(rows: Photos | Texts, fingerprint: str | None, workspace: Workspace) -> Arrays:
    """What there is of one modality, from the cache if it was computed before, whole or by the shard."""
    label = f"{rows.side} features of {rows.backbone.id}" if workspace.progress else None
    folder = feature_folder(rows, fingerprint, workspace)
    return filled(folder, lambda: rows.shapes(folder.shard(0) if folder else None), partial(_fill, rows, label, folder))


def feature_folder(rows: Photos | Texts, fingerprint: str | None, workspace: Workspace) -> ArrayFolder | None:
    """Where the features of some rows are kept; None where nothing is."""
    if fingerprint is None:
        return None
    return features_folder(workspace, f"{rows.backbone.fingerprint} {fingerprint} {rows.side} {LAYOUT}")


def _fill(
    rows: Photos | Texts, label: str | None, folder: ArrayFolder | None, arrays: Mapping[str, npt.NDArray[Any]]
) -> None:
    shown = tqdm(batches(rows.order), label, disable=label is None, delay=2, leave=False)
    for number, batch in enumerate(shown):
        for name, places, values in (folder and folder.shard(number)) or rows.computed(batch):
            arrays[name][places] = values


def accelerator() -> torch.device:
    """The machine's GPU or the like; the CPU where there is none."""
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
