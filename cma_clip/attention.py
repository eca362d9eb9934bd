"""The paper's two attentions: sequence-wise over the tokens of both modalities, modality-wise over their summaries."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cma_clip.tensors import Features

KeylessVectors = Literal["shared", "per_modality"]


class EncoderLayer(nn.Module):
    """A pre-norm transformer layer (Xiong et al. 2020) that can compute a few positions only.

    Pre-norm is our choice: the paper does not say.
    """

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of {heads} heads")
        self.heads = heads
        self.norm_attention = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor, wanted: Tensor | None = None) -> Tensor:
        """Float[B S D], Bool[B S] (True may be attended to) -> Float[B S D], or Float[B K D] for K `wanted` positions.

        Later layers never see the positions that are not wanted, so the result equals the full one's rows:
        in the last layer this saves all of the queries and the MLP but for the two CLS positions.
        """
        normed = self.norm_attention(x)
        if wanted is not None:
            x = x[:, wanted]
        query = self._split(self.query(normed if wanted is None else normed[:, wanted]))
        key, value = (self._split(part) for part in self.key_value(normed).chunk(2, dim=-1))
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :])
        x = x + self.dropout(self.out(attended.transpose(1, 2).flatten(2)))
        return torch.add(x, self.dropout(self.mlp(self.norm_mlp(x))))

    def weights(self, x: Tensor, mask: Tensor) -> Tensor:
        """Float[B S D], Bool[B S] -> Float[B heads S S]: how much each position (row) attends to each; rows sum to 1.

        What `forward` computes inside and never shows; without its dropout, which is none.
        """
        normed = self.norm_attention(x)
        query, key = self._split(self.query(normed)), self._split(self.key_value(normed).chunk(2, dim=-1)[0])
        scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
        weights: Tensor = scores.masked_fill(~mask[:, None, None, :], float("-inf")).softmax(dim=-1)
        return weights

    def _split(self, x: Tensor) -> Tensor:
        """Float[B S D] -> Float[B heads S D/heads]."""
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)


class ModalityProjection(nn.Module):
    """Both modalities to the common width D, each with its learned modality embedding.

    CLIP's towers differ in width, so a projection is required; its form is our choice: the paper does not say.
    With a `word_width` the words also keep what the text tower started from (our choice: the paper fine-tunes its
    tower; a frozen one has forgotten the words that photos do not show).
    """

    def __init__(self, text_width: int, image_width: int, width: int, word_width: int = 0):
        super().__init__()
        self.text = nn.Sequential(nn.LayerNorm(text_width), nn.Linear(text_width, width))
        self.image = nn.Sequential(nn.LayerNorm(image_width), nn.Linear(image_width, width))
        self.word = nn.Sequential(nn.LayerNorm(word_width), nn.Linear(word_width, width)) if word_width else None
        self.modality = nn.Parameter(torch.randn(2, width) * 0.02)

    def forward(self, text: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
        """Float[... Dt], Float[... Di] -> Float[... D] twice."""
        return self.text(text) + self.modality[0], self.image(image) + self.modality[1]

    def sequences(self, features: Features) -> tuple[Tensor, Tensor]:
        """Words Float[B L D] and patches Float[B P D]."""
        words, patches = self(features.text_tokens, features.image_tokens)
        return (words if self.word is None else words + self.word(features.word_embeddings)), patches


class SequenceAttention(nn.Module):
    """Sequence-wise attention: [T_cls, T_1..T_n, I_cls, I_1..I_m], text first (paper, figure 1), through a transformer.

    Depth, heads and width are our choice: the paper does not say. Depth 0 leaves the projected CLS states as
    they are, which is the ablation without sequence-wise attention.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the shape of a transformer between two towers
        self, text_width: int, image_width: int, width: int, depth: int, heads: int, dropout: float, word_width: int = 0
    ):
        super().__init__()
        self.project = ModalityProjection(text_width, image_width, width, word_width if depth else 0)
        self.layers = nn.ModuleList(EncoderLayer(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, features: Features) -> Tensor:
        """Float[B 2 D]: T'_cls and I'_cls. A missing modality is seen by nobody; its own row means nothing."""
        cls = torch.stack(self.project(features.text_cls, features.image_cls), dim=1)
        if not self.layers:
            out: Tensor = self.norm(cls)
            return out
        x, mask = self._sequence(features, cls)
        both_cls = torch.tensor([0, 1 + features.text_tokens.shape[1]], device=x.device)
        *earlier, last = self.layers
        for layer in earlier:
            x = layer(x, mask)
        final: Tensor = self.norm(last(x, mask, both_cls))
        return final

    def attention(self, features: Features) -> Tensor:
        """Float[depth B heads S S]: every layer's weights over [T_cls, T_1..T_L, I_cls, I_1..I_P], so S = L + P + 2."""
        cls = torch.stack(self.project(features.text_cls, features.image_cls), dim=1)
        x, mask = self._sequence(features, cls)
        weights = []
        for layer in self.layers:
            weights.append(layer.weights(x, mask))  # type: ignore[operator]  # ModuleList forgets its type
            x = layer(x, mask)
        return torch.stack(weights)

    def _sequence(self, features: Features, cls: Tensor) -> tuple[Tensor, Tensor]:
        """Projected CLS states Float[B 2 D] -> all tokens Float[B S D], and which may be attended to Bool[B S]."""
        words, patches = self.project.sequences(features)
        return torch.cat([cls[:, :1], words, cls[:, 1:], patches], dim=1), self._mask(features, patches.shape[1])

    @staticmethod
    def _mask(features: Features, patches: int) -> Tensor:
        text, image = features.text_present[:, None], features.image_present[:, None]
        return torch.cat([text, features.text_mask & text, image, image.expand(-1, patches)], dim=1)


class ModalityAttention(nn.Module):
    """Modality-wise attention: per task a keyless softmax over the two CLS outputs.

    e_k = w_task . x_k over the modalities present; weights = softmax(e); fused = weighted sum (paper, section 3.3
    as reported by the sources available to us). Whether w is one vector per task (`shared`) or one per task and
    modality (`per_modality`) is ambiguous there, hence the flag.
    """

    def __init__(self, width: int, num_tasks: int, vectors: KeylessVectors):
        super().__init__()
        modalities = 1 if vectors == "shared" else 2
        self.w = nn.Parameter(torch.randn(num_tasks, modalities, width) * width**-0.5)

    def forward(self, x: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Float[B 2 D], Bool[B 2] -> fused Float[B tasks D], weights Float[B tasks 2] with 0 for a missing modality."""
        scores = torch.einsum("bkd,tkd->btk", x, self.w.expand(-1, 2, -1))
        weights = scores.masked_fill(~present[:, None], float("-inf")).softmax(dim=-1)
        return fuse(weights, x, present), weights


def mean_weights(present: Tensor, num_tasks: int) -> Tensor:
    """Bool[B 2] -> Float[B tasks 2]: equal weights over the modalities present (without modality-wise attention)."""
    weights = present.float() / present.sum(dim=1, keepdim=True)
    return weights[:, None].expand(-1, num_tasks, -1)


def fuse(weights: Tensor, x: Tensor, present: Tensor) -> Tensor:
    """Weighted sum Float[B tasks D] of Float[B 2 D]; a missing modality is cut out even where its row is not finite."""
    return torch.einsum("btk,bkd->btd", weights, x.masked_fill(~present[..., None], 0.0))
