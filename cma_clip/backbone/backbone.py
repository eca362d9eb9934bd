"""open_clip models as one kind of thing: a photo and a text in, two token sequences and two embeddings out."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal, Self

import torch
from open_clip.model import get_model_preprocess_cfg
from open_clip.modified_resnet import ModifiedResNet
from open_clip.transformer import VisionTransformer
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from cma_clip.backbone.boundary import Boundary, ImageOutputs, image_boundary, text_boundary
from cma_clip.backbone.text_tower import TextOutputs, TextTower
from cma_clip.backbone.windows import join, pack
from cma_clip.tensors import Batch, Features

BLOCK = re.compile(r".*\b(resblocks|blocks)(\.\d+)+")

FEW_ROWS = 16
"""Fewer rows than these have no batch statistics (our choice): the last batch of an epoch may be a single row."""

Freeze = Literal["all", "none"] | Annotated[int, Field(ge=1, strict=True)]
"""`all`: heads only; `none`: everything trains; k: the last k blocks of both towers train."""

UNCUT = "it trains from its beginning, or is none of those that cma_clip.backbone.boundary can cut"


class BackboneError(ValueError):
    """A backbone that cannot be used; the message says why and what to do."""


class Backbone(nn.Module):
    """An open_clip model behind one interface; see `load_backbone`.

    Attributes:
        id: the name it was asked for by.
        fingerprint: hash of weights, architecture and preprocessing; part of every cache and record key.
        image_size: (height, width) of its input in pixels.
        context_length: the most tokens its text tower reads, begin and end marks included.
        is_convolutional: its image tower is a convolutional network, which reads photos of any size.
        trims_text: shorter inputs are exact (causal towers), so padding is never encoded.
        text_width, image_width, word_width, embedding_width: D of the two token sequences, of the word embeddings
            and of the shared space.
        image_boundary, text_boundary: where the towers are cut between what is frozen and what trains; None of a tower
            that trains from its beginning or cannot be cut (see `cma_clip.backbone.boundary`).
        uncut: says so where the last k blocks train; None where both towers are cut.
    """

    def __init__(self, clip: nn.Module, tokenizer: Any, backbone_id: str):  # noqa: ANN401 - open_clip's own
        super().__init__()
        self.clip = clip
        self.id = backbone_id
        self.tokenizer = tokenizer
        self.preprocess_cfg: dict[str, Any] = get_model_preprocess_cfg(clip)
        self.text_tower = TextTower(clip)
        self.context_length: int = self.text_tower.context_length
        self.trims_text: bool = self.text_tower.trims
        size = self.preprocess_cfg["size"]
        self.image_size: tuple[int, int] = (size, size) if isinstance(size, int) else tuple(size)
        mean, std = (torch.tensor(self.preprocess_cfg[name]).view(3, 1, 1) for name in ("mean", "std"))
        self.pixel_mean = nn.Buffer(mean, persistent=False)
        self.pixel_std = nn.Buffer(std, persistent=False)
        self.image_boundary: Boundary[ImageOutputs] | None = None
        self.text_boundary: Boundary[Tensor] | None = None
        self.uncut: str | None = None
        # Convolutions of a CPU and of tensor cores are up to twice as fast where the channels of a pixel lie together.
        self.is_convolutional = _is_convolutional(clip.visual)
        self._memory_format = torch.channels_last if self.is_convolutional else torch.contiguous_format
        clip.visual.to(memory_format=self._memory_format)
        self.fingerprint = _fingerprint(clip, self.preprocess_cfg)
        self.image_width, self.text_width, self.word_width, self.embedding_width = self._widths()

    def forward(self, batch: Batch) -> Features:
        """Both towers; a missing modality is encoded like an empty one and marked in the masks."""
        return Features(
            **self.image_features(batch.pixel_values, batch.image_present, batch.image_states),
            **self.whole_text_features(batch),
        )

    def whole_text_features(self, batch: Batch) -> dict[str, Tensor]:
        """The text side of `Features`. Further windows are read apart, so that first ones keep their bits."""
        first = self.text_features(batch.input_ids, batch.text_present, batch.text_states)
        if not len(batch.further_ids):
            return first
        further = self.text_features(batch.further_ids, batch.text_present[batch.further_of], batch.further_states)
        return join(first, further, batch.further_of)

    def text_ids(self, batch: Batch) -> Tensor:
        """Int[B L]: the tokens at the positions of `Features.text_tokens`."""
        if not len(batch.further_ids):
            return batch.input_ids
        masks = self.text_tower.words(batch.input_ids), self.text_tower.words(batch.further_ids)
        return pack((batch.input_ids, batch.further_ids), masks, batch.further_of)

    def image_features(self, pixel_values: Tensor, present: Tensor, states: Tensor | None = None) -> dict[str, Tensor]:
        """The image side of `Features`, from UInt8[B 3 H W] and Bool[B], or from `image_states`."""
        if states is None or self.image_boundary is None:
            tokens, cls, embedding = self.encode_image(pixel_values)
        else:
            with self._statistics_of(len(states)):
                tokens, cls, embedding = self.image_boundary.outputs(states)
        return {"image_tokens": tokens, "image_cls": cls, "image_embedding": embedding, "image_present": present}

    def text_features(self, input_ids: Tensor, present: Tensor, states: Tensor | None = None) -> dict[str, Tensor]:
        """The text side of `Features` for one window each, from Int[B L] and Bool[B], and `text_states` if known.

        Batches of training are computed in groups; those of prediction hold texts of similar length.
        """
        texts = [input_ids] if states is None else [input_ids, states]
        found = self.text_tower.in_groups(self._texts, *texts) if self.training else self._texts(*texts)
        tokens, mask, cls, embedding = found
        return {
            "text_tokens": tokens,
            "word_embeddings": self.text_tower.embed(input_ids),
            "text_mask": mask & present[:, None],
            "text_cls": cls,
            "text_embedding": embedding,
            "text_present": present,
        }

    def _texts(self, ids: Tensor, states: Tensor | None = None) -> TextOutputs:
        if states is None or self.text_boundary is None:
            return self.text_tower(ids)
        return self.text_tower.pooled(self.text_boundary.outputs(states), ids)

    def encode_image(self, pixel_values: Tensor) -> ImageOutputs:
        """UInt8[B 3 H W] -> (patches Float[B P Di], class state Float[B Di], unit embedding Float[B E])."""
        visual: Any = self.clip.visual
        has_class = isinstance(visual, VisionTransformer) or (
            getattr(visual, "trunk", None) is not None and (getattr(visual.trunk, "num_prefix_tokens", 0) > 0)
        )
        grid = isinstance(visual, ModifiedResNet) or not has_class
        with self._statistics_of(len(pixel_values)):
            out = visual.forward_intermediates(
                self.normalised(pixel_values),
                indices=1,
                normalize_intermediates=True,
                output_fmt="NCHW" if grid else "NLC",
                output_extra_tokens=has_class,
            )
        tokens = out["image_intermediates"][0]
        if grid:
            tokens = tokens.flatten(2).transpose(1, 2)
        cls = out["image_intermediates_prefix"][0][:, 0] if has_class else tokens.mean(dim=1)
        return tokens, cls, F.normalize(out["image_features"], dim=-1)

    def normalised(self, pixel_values: Tensor) -> Tensor:
        """UInt8[B 3 H W] -> Float[B 3 H W], what the image tower reads."""
        pixels = pixel_values.to(self.pixel_mean.dtype).div(255).sub(self.pixel_mean).div(self.pixel_std)
        return pixels.contiguous(memory_format=self._memory_format)

    def encode_text(self, input_ids: Tensor) -> Tensor:
        """Int[B L] -> unit embeddings Float[B E]."""
        embedding: Tensor = self.text_tower(input_ids)[3]
        return embedding

    @property
    def num_bytes(self) -> int:
        """Of all weights, as they are in memory."""
        return sum(tensor.nbytes for tensor in self.clip.state_dict().values())

    @property
    def logit_scale(self) -> nn.Parameter:
        """Log of the inverse temperature of the contrastive loss."""
        return self.clip.logit_scale  # type: ignore[return-value]

    def freeze(self, level: Freeze) -> None:
        """Choose what trains; see `Freeze`. The contrastive temperature and bias never train."""
        clip: Any = self.clip
        clip.requires_grad_(level != "all")
        if isinstance(level, int):
            try:
                self._free_last_blocks(level)
            except (AssertionError, KeyError) as error:
                raise BackboneError(
                    f"{self.id}: open_clip cannot free {level} blocks of it ({error}); use all or none"
                ) from error
        for name in ("logit_scale", "logit_bias"):
            if getattr(clip, name, None) is not None:
                getattr(clip, name).requires_grad_(False)
        cuts = isinstance(level, int)
        self.image_boundary = image_boundary(clip.visual) if cuts else None
        self.text_boundary = text_boundary(self.text_tower.tower) if cuts else None
        found = {"image": self.image_boundary, "text": self.text_boundary}
        whole = " and ".join(tower for tower, boundary in found.items() if cuts and boundary is None)
        self.uncut = f"{whole} tower of {self.id}: all of it runs in every step, because {UNCUT}" if whole else None

    def train(self, mode: bool = True) -> Self:
        """What is frozen runs as in evaluation: its batch norms keep their statistics, and it drops nothing."""
        super().train(mode)
        for module in self.clip.modules():
            parameters = list(module.parameters())
            if parameters and not any(parameter.requires_grad for parameter in parameters):
                module.eval()
        return self

    @contextmanager
    def _statistics_of(self, rows: int) -> Iterator[None]:
        """Batch norms in training take the running statistics, and leave them alone, where rows are few."""
        norms = [m for m in self.modules() if isinstance(m, _BatchNorm) and m.training] if rows < FEW_ROWS else []
        few = nn.ModuleList(norms).eval()
        try:
            yield
        finally:
            few.train()

    def _free_last_blocks(self, count: int) -> None:
        # open_clip counts the projection as a group of the image tower and as a layer of the text tower; timm's
        # transformers have no such group: there one less leaves exactly `count` blocks.
        clip: Any = self.clip
        clip.lock_text_tower(unlocked_layers=count + 1)
        clip.lock_image_tower(unlocked_groups=count + 1)
        free = {match[0] for n, p in clip.visual.named_parameters() if p.requires_grad and (match := BLOCK.match(n))}
        if len(free) > count:
            clip.lock_image_tower(unlocked_groups=count)

    def _widths(self) -> tuple[int, int, int, int]:
        ids = torch.zeros(1, self.context_length, dtype=torch.long)
        was_training = self.training
        self.eval()
        with torch.no_grad():
            tokens, _, embedding = self.encode_image(torch.zeros(1, 3, *self.image_size, dtype=torch.uint8))
            states, words = self.text_tower(ids)[0], self.text_tower.embed(ids)
        self.train(was_training)
        return tokens.shape[-1], states.shape[-1], words.shape[-1], embedding.shape[-1]


def _is_convolutional(visual: Any) -> bool:  # noqa: ANN401 - open_clip's own
    """Whether an image tower is a convolutional network: a ViT has one convolution, for its patches."""
    trunk = getattr(visual, "trunk", None)
    return isinstance(visual, ModifiedResNet) or (trunk is not None and not hasattr(trunk, "num_prefix_tokens"))


def _fingerprint(clip: nn.Module, preprocess_cfg: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(preprocess_cfg, sort_keys=True, default=str).encode())
    digest.update(type(clip).__name__.encode())
    for name, tensor in sorted(clip.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()[:16]
