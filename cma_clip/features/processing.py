"""Examples -> arrays, once: images decoded and resized, texts tokenised and trimmed, kept under a hash."""

from __future__ import annotations

import hashlib
import json
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from tqdm import tqdm

from cma_clip.backbone.backbone import Backbone
from cma_clip.backbone.windows import PROBE, WindowCutter
from cma_clip.classifier import Workspace
from cma_clip.examples import ExampleList
from cma_clip.features.arrays import ArrayFolder, filled, joined
from cma_clip.features.encoded import Encoded
from cma_clip.tensors import Batch
from cma_clip.types import Example, Examples, Joined, Task
from cma_clip.version import Version

FEATURES = {
    "features": Version(
        3,
        "long texts are read in up to four windows unless text_windows says otherwise",
        "texts of similar length are encoded together, word embeddings are exact",
    )
}
"""Of what a backbone reads and of the features it gives; caches of both are named by it."""

Arrays = Mapping[str, npt.NDArray[Any]]


class Processor:
    """Turns examples into what a backbone reads, by that backbone's own preprocessing and tokeniser.

    Of a text longer than the context, up to `windows` windows are read. Photos and the first windows are the same
    whatever their number, and so are their names in the cache.

    Attributes:
        text_tokens: the most tokens that are read of a text, its begin and end marks counted once.
    """

    def __init__(self, backbone: Backbone, windows: int = 1):
        self.image_size = backbone.image_size
        self.tokenizer: Any = backbone.tokenizer
        self.context_length = backbone.context_length
        self.windows = windows
        self._cutter = WindowCutter(self.tokenizer, self.context_length) if windows > 1 else None
        self.text_tokens = self.context_length + (windows - 1) * (self._cutter.words if self._cutter else 0)
        self._text_ends = backbone.text_tower.ends if backbone.trims_text else None
        transform = image_transform_v2(PreprocessCfg(**backbone.preprocess_cfg), is_train=False)
        # The last two steps are ToTensor and Normalize; the backbone does them, so that bytes are cached.
        self.steps = transform.transforms[:-2]
        # Asked for a second time to tell which texts were cut, where no cache keeps them.
        self._latest: tuple[weakref.ref[Examples], dict[str, Arrays]] | None = None
        # Tokenisers of one class may have other vocabularies: what they make of a text tells them apart.
        probe = self.tokenizer([PROBE], context_length=self.context_length).tolist()
        identity = [backbone.preprocess_cfg, self.context_length, type(self.tokenizer).__name__, probe, FEATURES]
        self.fingerprint = hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()

    def shrink(self, image: Image.Image) -> Image.Image:
        """Resized, cropped and RGB; doing it again changes nothing."""
        for step in self.steps:
            image = step(image)
        return image.convert("RGB")

    def image(self, image: Image.Image) -> npt.NDArray[np.uint8]:
        """UInt8[3 H W]."""
        return np.asarray(self.shrink(image), dtype=np.uint8).transpose(2, 0, 1)

    def texts(self, texts: Sequence[str | None]) -> npt.NDArray[np.int32]:
        """Int32[N L], one window each. A missing text is encoded like an empty one."""
        if not len(texts):
            return np.zeros((0, self.context_length), dtype=np.int32)  # Hugging Face's tokenisers take no empty list
        known = ["" if text is None else text for text in texts]
        ids = self.tokenizer(known, context_length=self.context_length).numpy().astype(np.int32)
        return self._trimmed(ids)

    def ends(self, ids: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        """Int32[N L] -> Int[N]: how many positions of each text the tower has to read: all, if it is not causal."""
        if self._text_ends is None:
            return np.full(len(ids), ids.shape[1])
        return self._text_ends(torch.from_numpy(np.array(ids))).numpy() + 1

    def _trimmed(self, ids: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        return np.ascontiguousarray(ids[:, : self.ends(ids).max()] if len(ids) else ids)

    def encode(self, examples: Examples, workspace: Workspace) -> Encoded:
        """All examples; images and texts each from the cache if they were encoded before."""
        images = self.encode_images(examples, workspace)
        texts = self.encode_texts(examples, workspace)
        further = self.encode_further(examples, workspace)
        return Encoded(
            pixels=images["pixels"],
            input_ids=texts["input_ids"],
            further_ids=further["further_ids"],
            further_starts=further["further_starts"],
            image_present=images["image_present"],
            text_present=texts["text_present"],
            fingerprint=self.name(examples),
            ends=self.ends,
        )

    def encode_images(self, examples: Examples, workspace: Workspace) -> Arrays:
        """`pixels` and `image_present` as in `Encoded`, decoded and resized once."""
        if isinstance(examples, Joined):
            return joined([self.encode_images(part, workspace) for part in examples.parts])
        return filled(
            _folder(workspace, "images", self.name(examples)),
            lambda: {
                "pixels": ((len(examples), 3, *self.image_size), np.uint8),
                "image_present": ((len(examples),), np.bool_),
            },
            lambda arrays: self._decode(examples, arrays, workspace.progress),
        )

    def encode_texts(self, examples: Examples, workspace: Workspace) -> Arrays:
        """`input_ids` and `text_present` as in `Encoded`, and `text_cut` Bool[N], longer than one window."""
        if isinstance(examples, Joined):
            return joined([self.encode_texts(part, workspace) for part in examples.parts])
        folder = _folder(workspace, "tokens", self.name(examples))
        return self._kept(folder, examples, "texts", lambda: self._text_arrays(examples.texts()))

    def encode_further(self, examples: Examples, workspace: Workspace) -> Arrays:
        """`further_ids` and `further_starts` as in `Encoded`, and `text_cut` Bool[N], longer than all windows."""
        if isinstance(examples, Joined):
            return joined([self.encode_further(part, workspace) for part in examples.parts])
        texts = self.encode_texts(examples, workspace)
        if self._cutter is None or not texts["text_cut"].any():
            none = np.zeros((0, self.context_length), dtype=np.int32)
            starts = np.zeros(len(texts["text_cut"]) + 1, dtype=np.int64)
            return {"further_ids": none, "further_starts": starts, "text_cut": texts["text_cut"]}
        folder = _folder(workspace, "tokens", self.further_name(examples))
        return self._kept(folder, examples, "further", partial(self._further_arrays, self._cutter, examples, texts))

    def name(self, examples: Examples) -> str | None:
        """Hash of the examples and of how they are processed; None where the examples have no name."""
        if examples.fingerprint is None:
            return None
        return hashlib.sha256(f"{examples.fingerprint} {self.fingerprint}".encode()).hexdigest()[:24]

    def further_name(self, examples: Examples) -> str | None:
        """Of the further windows of their texts."""
        name = self.name(examples)
        return None if name is None else f"{name}-{self.windows}-windows"

    def _kept(self, folder: ArrayFolder | None, examples: Examples, kind: str, compute: Callable[[], Arrays]) -> Arrays:
        """Arrays from the folder, computed first if they are not there; without a folder those of the last examples."""
        if folder is None:
            if self._latest is None or self._latest[0]() is not examples:
                self._latest = weakref.ref(examples), {}
            known = self._latest[1]
            if kind not in known:
                known[kind] = compute()
            return known[kind]
        folder.write(compute)
        return folder.read()

    def _decode(self, examples: Examples, arrays: Arrays, progress: bool) -> None:
        def encode_one(index: int) -> None:
            image = examples[index].image
            if image is not None:
                arrays["pixels"][index] = self.image(image)
                arrays["image_present"][index] = True

        with ThreadPoolExecutor() as pool:  # Pillow releases the interpreter lock while it decodes and resizes
            rows = pool.map(encode_one, range(len(examples)))
            for _ in tqdm(rows, "decode images", len(examples), disable=not progress, delay=2, leave=False):
                pass

    def _text_arrays(self, texts: Sequence[str | None]) -> dict[str, npt.NDArray[Any]]:
        present = np.array([bool(text and text.strip()) for text in texts], dtype=np.bool_)
        ids = self.texts(texts)
        return {"input_ids": ids, "text_present": present, "text_cut": self._longer(texts, ids)}

    def _further_arrays(self, cutter: WindowCutter, examples: Examples, encoded: Arrays) -> Arrays:
        rows = np.flatnonzero(encoded["text_cut"] & encoded["text_present"])
        texts = examples.texts()
        ids, counts, longer = cutter.further([texts[row] or "" for row in rows.tolist()], self.windows)
        starts = np.zeros(len(texts) + 1, dtype=np.int64)
        starts[rows + 1] = counts
        cut = np.zeros(len(texts), dtype=np.bool_)
        cut[rows] = longer
        return {"further_ids": self._trimmed(ids), "further_starts": starts.cumsum(), "text_cut": cut}

    def _longer(self, texts: Sequence[str | None], ids: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """Bool[N]: which texts were cut. Only those that fill all positions are tokenised a second time."""
        longer = np.zeros(len(texts), dtype=np.bool_)
        if ids.shape[1] == self.context_length:
            empty = self.tokenizer([""], context_length=self.context_length).numpy()
            full = np.flatnonzero((ids[:, -2:] != empty[:, -2:]).any(axis=1))  # a token may have the padding's id
            longer[full] = self.lengths([texts[row] or "" for row in full.tolist()]) > self.context_length
        return longer

    def cut_texts(self, examples: Examples, workspace: Workspace) -> npt.NDArray[np.bool_]:
        """Bool[N]: which texts are longer than what is read of them."""
        return np.array(self.encode_further(examples, workspace)["text_cut"])

    def lengths(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Int[N]: tokens of each text before anything is cut, begin and end marks included."""
        if hasattr(self.tokenizer, "encode"):  # open_clip's own, whose `encode` leaves the two marks out
            return np.array([len(self.tokenizer.encode(text)) + 2 for text in texts], dtype=np.int64)
        if not texts:
            return np.zeros(0, dtype=np.int64)
        cleaned = list(map(self.tokenizer.clean_fn, texts))
        ids = self.tokenizer.tokenizer(cleaned, verbose=False)["input_ids"]  # Hugging Face's
        return np.array([len(own) for own in ids], dtype=np.int64)


def _folder(workspace: Workspace, kind: str, name: str | None) -> ArrayFolder | None:
    """Where encoded images or texts of this name are kept; None where nothing is."""
    return None if workspace.cache is None or name is None else ArrayFolder(workspace.cache / kind / name)


def example_batch(processor: Processor, examples: Sequence[Example], tasks: Sequence[Task]) -> Batch:
    """A few examples as one batch, without any cache."""
    listed = ExampleList(examples)
    encoded = processor.encode(listed, Workspace())
    return encoded.batch(slice(None), {task.name: listed.labels(task.name) for task in tasks})
