"""The text half of an open_clip model: word states with a mask, at the length the texts really have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from open_clip.hf_model import HFTextEncoder
from open_clip.transformer import text_global_pool
from torch import Tensor, nn
from torch.nn import functional as F

from cma_clip.backbone.length_groups import length_groups

TextOutputs = tuple[Tensor, Tensor, Tensor, Tensor]
"""Tokens Float[B L Dt], words Bool[B L], pooled state Float[B Dt], unit embedding Float[B E]."""


class TextTower:
    """Reads the text half of an open_clip model; owns no weights.

    Attributes:
        context_length: the most tokens it reads, begin and end marks included.
        trims: positions after the end of a text can be left out without changing anything before it, so
            L may be anything up to the context length (causal towers).
    """

    def __init__(self, clip: nn.Module):
        self.clip: Any = clip
        self.tower: Any = getattr(clip, "text", clip)
        self.is_hf = isinstance(self.tower, HFTextEncoder)
        self.pool: Any = "first" if self.is_hf else getattr(self.tower, "pool_type", None) or self.clip.text_pool_type
        self.eos_id: int | None = getattr(self.tower, "eos_id", None) or getattr(clip, "text_eos_id", None)
        self.context_length: int = self.tower.context_length
        self.trims = not self.is_hf and self.tower.attn_mask is not None and self.pool in ("argmax", "eos")
        self._module = _AsModule(clip, self._native)

    def __call__(self, ids: Tensor) -> TextOutputs:
        """Int[B L] -> what the tower says of these texts."""
        if self.is_hf:
            return self._hugging_face(ids)
        tokens, embedding = self._module(ids) if ids.shape[1] == self.context_length else self._trimmed(ids)
        pooled = text_global_pool(tokens, ids, self.pool, eos_token_id=self.eos_id)
        return tokens, self.words(ids), pooled, F.normalize(embedding, dim=-1)

    def pooled(self, tokens: Tensor, ids: Tensor) -> TextOutputs:
        """What the tower says of texts whose tokens are known, Float[B L Dt] and Int[B L]; of a native tower."""
        pooled = text_global_pool(tokens, ids, self.pool, eos_token_id=self.eos_id)
        projection = self.tower.text_projection
        if projection is None:
            embedding = pooled
        else:
            embedding = projection(pooled) if isinstance(projection, nn.Linear) else pooled @ projection
        return tokens, self.words(ids), pooled, F.normalize(embedding, dim=-1)

    # Not in one graph with what calls it, which another number of groups would compile anew.
    @torch.compiler.disable(recursive=False)  # type: ignore[no-untyped-call, untyped-decorator]
    def in_groups(self, read: Callable[..., TextOutputs], ids: Tensor, *states: Tensor) -> TextOutputs:
        """What `read` says, group by group of similar length: the same but for rounding, with less padding.

        `read` is this tower, or what else reads ids, Int[B L], and states of the same positions, Float[B L ...].
        Tokens behind the longest text of a group are 0.
        """
        if not self.trims:
            return read(ids, *states)
        lengths = self.ends(ids) + 1
        groups, places = length_groups(lengths)
        found = []
        for rows in groups:
            tokens, _, *vectors = read(*(each[rows, : lengths[rows[-1]]] for each in (ids, *states)))
            found.append((F.pad(tokens, (0, 0, 0, ids.shape[1] - tokens.shape[1])), *vectors))
        tokens, pooled, embedding = (torch.cat(parts)[places] for parts in zip(*found, strict=True))
        return tokens, self.words(ids), pooled, embedding

    def embed(self, ids: Tensor) -> Tensor:
        """Int[B L] -> Float[B L Dw]: the word embeddings the tower starts from, without positions."""
        table = self.tower.transformer.get_input_embeddings() if self.is_hf else self.tower.token_embedding
        embedded: Tensor = table(ids)
        return embedded

    def _trimmed(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """open_clip adds all of its positions to whatever it gets: cut them to the text for one call."""
        length = ids.shape[1]
        prefix = "clip.text." if self.tower is not self.clip else "clip."
        cut = {
            f"{prefix}positional_embedding": self.tower.positional_embedding[:length],
            f"{prefix}attn_mask": self.tower.attn_mask[:length, :length],
        }
        # What is not replaced stays as it is; gradients flow through the slice to the whole parameter.
        return torch.func.functional_call(self._module, cut, (ids,))  # type: ignore[no-any-return]

    def _native(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        out = self.clip.forward_intermediates(
            text=ids, text_indices=1, normalize_intermediates=True, normalize=False, text_output_fmt="NLC"
        )
        return out["text_intermediates"][0], out["text_features"]

    def ends(self, ids: Tensor) -> Tensor:
        """Int[B L] -> Int[B]: where the end mark stands (of a tower that trims): the greatest id, or one of its own."""
        marks = ids if self.pool == "argmax" else torch.eq(ids, self.eos_id or 0).int()
        return marks.argmax(dim=-1)

    def words(self, ids: Tensor) -> Tensor:
        """Int[B L] -> Bool[B L]: what is no padding.

        It cannot be told by its id (CLIP pads with the id of "!"), only by the end of the text.
        """
        if self.is_hf:
            return torch.ne(ids, self.tower.config.pad_token_id)
        if self.pool in ("argmax", "eos"):
            return torch.lt(torch.arange(ids.shape[1], device=ids.device), self.ends(ids)[:, None])
        return torch.ne(ids, getattr(self.tower, "pad_id", 0))  # open_clip's `CLIP` keeps none; its default is 0

    def _hugging_face(self, ids: Tensor) -> TextOutputs:
        mask = self.words(ids)
        out = self.tower.transformer(input_ids=ids, attention_mask=mask.long())
        pooled = self.tower.pooler(out, mask.long())
        return out.last_hidden_state, mask, pooled, F.normalize(self.tower.proj(pooled), dim=-1)


class _AsModule(nn.Module):
    """A function of a module, as a module: what `functional_call` needs to swap parameters for one call."""

    def __init__(self, clip: nn.Module, function: Callable[[Tensor], tuple[Tensor, Tensor]]):
        super().__init__()
        self.clip = clip
        self.function = function

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        return self.function(ids)
