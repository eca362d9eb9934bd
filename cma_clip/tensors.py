"""What goes into a backbone and what comes out of it, as tensors."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import torch
from torch import Tensor

DataT = TypeVar("DataT", "Batch", "Features")


@dataclass(frozen=True)
class Batch:
    """Examples as tensors.

    Attributes:
        pixel_values: UInt8[B 3 H W], zeros where the image is missing.
        input_ids: Int[B L], of texts in several windows the first one.
        further_ids: Int[K L], the other windows, text by text.
        further_of: Int[K], ascending: the row of the text that each belongs to.
        image_present, text_present: Bool[B].
        labels: per task Int[B], -100 where unknown.
        image_states, text_states, further_states: Float[B ...], Float[B L D], Float[K L D], what the frozen parts of
            the towers say (see `cma_clip.backbone.boundary`); None where a tower starts from pixels or ids.
            `pixel_values` has no pixel beside `image_states`.
    """

    pixel_values: Tensor
    input_ids: Tensor
    further_ids: Tensor
    further_of: Tensor
    image_present: Tensor
    text_present: Tensor
    labels: dict[str, Tensor]
    image_states: Tensor | None = None
    text_states: Tensor | None = None
    further_states: Tensor | None = None

    def to(self, device: torch.device | str) -> Batch:
        """The same batch elsewhere; Lightning calls it."""
        return _moved(self, device)


@dataclass(frozen=True)
class Features:
    """What the backbone says of B examples; everything a fusion network needs.

    Attributes:
        text_tokens: Float[B L Dt], states of the words, after the tower's final norm; without T_cls.
        word_embeddings: Float[B L Dw], what the text tower starts from, for the same positions. A contrastively
            trained tower forgets words that photos do not show; these still hold them.
        text_mask: Bool[B L], True for real words, which come first; all False where the text is missing.
        text_cls: Float[B Dt], the state the tower pools (EOT for CLIP): the paper's T_CLS. Of a text in several windows
            the mean, see `cma_clip.backbone.windows`; likewise `text_embedding`.
        text_embedding: Float[B E], unit length, in the space shared with images.
        image_tokens: Float[B P Di], states of the patches.
        image_cls: Float[B Di], the class token, or the mean of the grid for towers without one.
        image_embedding: Float[B E], unit length.
        text_present, image_present: Bool[B].
    """

    text_tokens: Tensor
    word_embeddings: Tensor
    text_mask: Tensor
    text_cls: Tensor
    text_embedding: Tensor
    image_tokens: Tensor
    image_cls: Tensor
    image_embedding: Tensor
    text_present: Tensor
    image_present: Tensor

    def to(self, device: torch.device | str) -> Features:
        """The same features elsewhere."""
        return _moved(self, device)

    def trimmed(self) -> Features:
        """Text positions beyond the longest text here cut off; padding never changes a prediction."""
        longest = max(1, int(self.text_mask.sum(dim=1).max()))
        return replace(
            self,
            text_tokens=self.text_tokens[:, :longest],
            word_embeddings=self.word_embeddings[:, :longest],
            text_mask=self.text_mask[:, :longest],
        )


def _moved(tensors: DataT, device: torch.device | str) -> DataT:
    def move(value: Any) -> Any:  # noqa: ANN401
        if isinstance(value, dict):
            return {key: move(item) for key, item in value.items()}
        return None if value is None else value.to(device, non_blocking=True)

    return replace(tensors, **{item.name: move(getattr(tensors, item.name)) for item in fields(tensors)})
