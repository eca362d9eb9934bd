"""The contrastive loss (Radford et al. 2021) where a text may be right for several photos; scores of retrieval."""

from __future__ import annotations

import torch
from open_clip.loss import ClipLoss, gather_features
from torch import Tensor
from torch.nn import functional as F


class SharedTextLoss(ClipLoss):  # type: ignore[misc]
    """open_clip's `ClipLoss` in which a photo and a caption that is right for it too are no negatives.

    A caption is right for another product too if that product's text has all of its words: an equal title, "a photo
    of shirt." for every product whose title names a shirt. `ClipLoss` would push each of those photos away from it;
    here such a pair is left out of the denominators. (Sharing the targets out among products of an equal title
    instead would change nothing: equal texts have equal embeddings, and cross-entropy is linear in its targets.)
    Where no caption is right for another product it equals `ClipLoss`. Our choice; in CLIP's data a batch hardly
    holds two texts of which one says all that the other does.
    """

    def forward(self, image: Tensor, text: Tensor, logit_scale: Tensor, titles: Tensor, captions: Tensor) -> Tensor:
        """Unit embeddings Float[B E] twice, the temperature, and the words of whole texts and captions, Int[B W] each.

        A word is a number above 0; 0 is no word. Under DDP every process gathers the B of all, so that the loss is
        that of the whole batch.
        """
        if self.world_size > 1:
            image, text = gather_features(
                image, text, gather_with_grad=True, rank=self.rank, world_size=self.world_size
            )
            titles, captions = self._gathered(titles), self._gathered(captions)
        others = right_for(titles, captions).fill_diagonal_(False)
        logits = (logit_scale * image @ text.T).masked_fill(others, -torch.inf)
        targets = torch.arange(len(logits), device=logits.device)
        return (F.cross_entropy(logits, targets) + F.cross_entropy(logits.T, targets)) / 2

    def _gathered(self, words: Tensor) -> Tensor:
        words = words.contiguous()  # NCCL takes nothing else
        pieces = [torch.zeros_like(words) for _ in range(self.world_size)]
        torch.distributed.all_gather(pieces, words)
        return torch.cat(pieces)


RANKED = 4_096
"""Rows whose similarities to all others are in memory at once."""


def right_for(titles: Tensor, captions: Tensor) -> Tensor:
    """Bool[N N]: whether text i has every word of caption j. A caption without a word is right for nothing."""
    words, places = torch.unique(torch.cat([titles, captions]), return_inverse=True)
    counts = torch.zeros(len(places), len(words), device=titles.device).scatter_(1, places, 1.0)
    counts[:, words == 0] = 0
    has, asked = counts.tensor_split(2)
    needed = asked.sum(dim=1)
    return (has @ asked.T >= needed) & (needed > 0)


def partner_ranks(image: Tensor, text: Tensor, text_keys: Tensor) -> dict[str, Tensor]:
    """Int[N] both ways: how many of the N candidates are at least as near as the own partner, 0 for the best.

    Candidates of the same text do not count: a product of the same title is not a mistake. Others as near as the
    partner do, so that embeddings which are all the same find nothing.
    """
    count = torch.arange(len(image), device=image.device)
    pieces = torch.split(count, RANKED)  # never all N x N similarities at once
    partner = torch.cat([(image[rows] @ text.T)[:, rows].diagonal() for rows in pieces])
    ranks = {way: torch.zeros_like(count) for way in ("image_to_text", "text_to_image")}
    for rows in pieces:
        similarity = image[rows] @ text.T
        others = text_keys[rows, None] != text_keys[None, :]
        ranks["image_to_text"][rows] = ((similarity >= partner[rows, None]) & others).sum(dim=1)
        ranks["text_to_image"] += ((similarity >= partner) & others).sum(dim=0)
    return ranks


def retrieval_recall(image: Tensor, text: Tensor, text_keys: Tensor) -> dict[str, float]:
    """Share of the N pairs whose partner is among the k nearest of all N, both ways, k in 1, 5, 10."""
    return {
        f"{way}_recall_at_{k}": (rank < k).float().mean().item()
        for way, rank in partner_ranks(image, text, text_keys).items()
        for k in (1, 5, 10)
    }
