"""The paper's two attentions: sequence-wise over the tokens of both modalities, modality-wise over their summaries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cma_clip.tensors import Features

KeylessVectors = Literal["shared", "per_modality"]


@dataclass(frozen=True)
class Places:
    """Where N tokens stand in B sequences of up to S positions. Padding has no token, and so costs nothing.

    Attributes:
        mask: Bool[B S], what may be attended to: at least one position of each sequence.
        index: Int[N], the position of each token, of all B * S row by row.
    """

    mask: Tensor
    index: Tensor

    @classmethod
    @torch.compiler.disable  # type: ignore[untyped-decorator]  # N depends on the data, which no graph holds
    def of(cls, mask: Tensor, *segments: tuple[slice, Tensor | None]) -> Self:
        """Tokens segment by segment, row by row: some columns of all sequences, or of these where Bool[B K] is True."""
        grid = torch.arange(mask.numel(), device=mask.device).view(mask.shape)
        parts = [grid[:, at] if real is None else grid[:, at][real] for at, real in segments]
        return cls(mask, torch.cat([part.flatten() for part in parts]))

    def padded(self, tokens: Tensor) -> Tensor:
        """Float[N D] -> Float[B S D], zeros where there is no token."""
        whole = tokens.new_zeros(self.mask.numel(), tokens.shape[1]).index_copy(0, self.index, tokens)
        return whole.view(*self.mask.shape, -1)

    def taken(self, padded: Tensor) -> Tensor:
        """Float[B S D] -> Float[N D], the inverse."""
        return padded.flatten(0, 1)[self.index]


class EncoderLayer(nn.Module):
    """A pre-norm transformer layer (Xiong et al. 2020) that can compute the first tokens only.

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

    def forward(self, x: Tensor, places: Places, first: int | None = None) -> Tensor:
        """Float[N D] -> Float[N D], or Float[B*K D]: the first K of each of B sequences, with which `x` begins.

        Later layers never see the tokens that are not wanted, so the result equals the full one's rows:
        in the last layer this saves all of the queries and the MLP but for the CLS tokens.
        """
        normed = self.norm_attention(x)
        key, value = (self._split(part) for part in places.padded(self.key_value(normed)).chunk(2, dim=-1))
        if first is None:
            query = places.padded(self.query(normed))
        else:
            count = len(places.mask) * first
            x = x[:count]
            query = self.query(normed[:count]).view(-1, first, x.shape[1])
        attended = F.scaled_dot_product_attention(
            self._split(query), key, value, attn_mask=places.mask[:, None, None, :]
        )
        attended = attended.transpose(1, 2).flatten(2)
        x = x + self.dropout(self.out(places.taken(attended) if first is None else attended.flatten(0, 1)))
        return torch.add(x, self.dropout(self.mlp(self.norm_mlp(x))))

    def weights(self, x: Tensor, places: Places) -> Tensor:
        """Float[N D] -> Float[B heads S S]: how much each position (row) attends to each; rows sum to 1.

        What `forward` computes inside and never shows; without its dropout, which is none.
        """
        normed = self.norm_attention(x)
        query = self._split(places.padded(self.query(normed)))
        key = self._split(places.padded(self.key_value(normed).chunk(2, dim=-1)[0]))
        scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
        weights: Tensor = scores.masked_fill(~places.mask[:, None, None, :], float("-inf")).softmax(dim=-1)
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

    def tokens(self, features: Features) -> tuple[Tensor, Tensor]:
        """Of W real words in all texts Float[W D], and of the patches Float[B*P D]."""
        real = features.text_mask.flatten().nonzero().flatten()
        words, patches = self(features.text_tokens.flatten(0, 1)[real], features.image_tokens.flatten(0, 1))
        if self.word is not None:
            words = words + self.word(features.word_embeddings.flatten(0, 1)[real])
        return words, patches


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
        x, places = self._sequence(features, cls)
        *earlier, last = self.layers
        for layer in earlier:
            x = layer(x, places)
        final: Tensor = self.norm(last(x, places, 2)).view_as(cls)
        return final

    def attention(self, features: Features) -> Tensor:
        """Float[depth B heads S S]: every layer's weights over [T_cls, T_1..T_L, I_cls, I_1..I_P], so S = L + P + 2.

        Rows of padding mean nothing.
        """
        cls = torch.stack(self.project(features.text_cls, features.image_cls), dim=1)
        x, places = self._sequence(features, cls)
        weights = []
        for layer in self.layers:
            weights.append(layer.weights(x, places))  # type: ignore[operator]  # ModuleList forgets its type
            x = layer(x, places)
        return torch.stack(weights)

    def _sequence(self, features: Features, cls: Tensor) -> tuple[Tensor, Places]:
        """Projected CLS states Float[B 2 D] -> Float[N D], these and all tokens, and where they stand in sequences."""
        words, patches = self.project.tokens(features)
        return torch.cat([cls.flatten(0, 1), words, patches]), self._places(features)

    @staticmethod
    def _places(features: Features) -> Places:
        text, image = features.text_present[:, None], features.image_present[:, None]
        patches, image_cls = features.image_tokens.shape[1], 1 + features.text_mask.shape[1]
        mask = torch.cat([text, features.text_mask & text, image, image.expand(-1, patches)], dim=1)
        cls, words, grid = slice(0, image_cls + 1, image_cls), slice(1, image_cls), slice(image_cls + 1, None)
        places: Places = Places.of(mask, (cls, None), (words, features.text_mask), (grid, None))
        return places


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
