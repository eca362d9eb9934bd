"""The contrastive loss (Radford et al. 2021) among pairs of which some share their text; scores of retrieval."""

from __future__ import annotations

import torch
from open_clip.loss import ClipLoss, gather_features
from torch import Tensor
from torch.nn import functional as F


class SharedTextLoss(ClipLoss):  # type: ignore[misc]
    """open_clip's `ClipLoss` in which pairs with the same text are not each other's negatives.

    Two products of one title are both right for it; `ClipLoss` would push each away from the other's title, that
    is, from its own. They are left out of each other's denominators. (Sharing the targets out among them instead
    would change nothing: equal texts have equal embeddings, and cross-entropy is linear in its targets.)
    With all texts distinct it equals `ClipLoss`. Our choice; CLIP's data hardly repeat a text within a batch.
    """

    def forward(self, image: Tensor, text: Tensor, logit_scale: Tensor, text_keys: Tensor) -> Tensor:
        """Unit embeddings Float[B E] twice, the temperature, and Int[B] that is equal for equal texts.

        Under DDP every process gathers the B of all, so that the loss is that of the whole batch.
        """
        if self.world_size > 1:
            image, text = gather_features(
                image, text, gather_with_grad=True, rank=self.rank, world_size=self.world_size
            )
            gathered = [torch.zeros_like(text_keys) for _ in range(self.world_size)]
            torch.distributed.all_gather(gathered, text_keys)
            text_keys = torch.cat(gathered)
        twins = (text_keys[:, None] == text_keys[None, :]).fill_diagonal_(False)
        logits = (logit_scale * image @ text.T).masked_fill(twins, -torch.inf)
        targets = torch.arange(len(logits), device=logits.device)
        return (F.cross_entropy(logits, targets) + F.cross_entropy(logits.T, targets)) / 2


def partner_ranks(image: Tensor, text: Tensor, text_keys: Tensor) -> dict[str, Tensor]:
    """Int[N] both ways: how many of the N candidates are at least as near as the own partner, 0 for the best.

    Candidates of the same text do not count: a product of the same title is not a mistake. Others as near as the
    partner do, so that embeddings which are all the same find nothing.
    """
    similarity = image @ text.T
    partner = similarity.diagonal()
    others = text_keys[:, None] != text_keys[None, :]
    return {
        "image_to_text": ((similarity >= partner[:, None]) & others).sum(dim=1),
        "text_to_image": ((partner[:, None] <= similarity.T) & others).sum(dim=1),
    }


def retrieval_recall(image: Tensor, text: Tensor, text_keys: Tensor) -> dict[str, float]:
    """Share of the N pairs whose partner is among the k nearest of all N, both ways, k in 1, 5, 10."""
    return {
        f"{way}_recall_at_{k}": (rank < k).float().mean().item()
        for way, rank in partner_ranks(image, text, text_keys).items()
        for k in (1, 5, 10)
    }
