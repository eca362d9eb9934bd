"""CMA-CLIP as one writes it plainly: `transformers`' CLIPModel, figure 1 on top of it, AdamW, one loop.

The network is ours, weight for weight (tests/benchmarks/perf/test_peers.py copies them and compares); nothing is
cached, and nothing is left out that a step needs. What is prepared before the clock starts (photos as normalised
floats, texts as tokens) costs it nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPModel

from cma_clip.backbone.backbone import Freeze
from cma_clip.model import CMAClipConfig


@dataclass(frozen=True)
class Examples:
    """Float[N 3 H W] normalised photos, Int[N 77] padded tokens, and per task Int[N] labels, -100 where unknown."""

    pixels: Tensor
    ids: Tensor
    labels: Sequence[Tensor]

    def __len__(self) -> int:
        return len(self.ids)

    def batch(self, rows: Tensor, trims: bool) -> Examples:
        """Some of them; `trims` cuts the tokens to the longest text of the batch."""
        picked = Examples(self.pixels[rows], self.ids[rows], [labels[rows] for labels in self.labels])
        longest = int(picked.ids.argmax(dim=-1).max()) + 1
        return replace(picked, ids=picked.ids[:, :longest]) if trims else picked


class Layer(nn.Module):
    """A pre-norm transformer layer."""

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.norm_attention = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, padding: Tensor) -> Tensor:
        normed = self.norm_attention(x)
        attended, _ = self.attention(normed, normed, normed, key_padding_mask=padding, need_weights=False)
        x = x + self.dropout(attended)
        return x + self.dropout(self.mlp(self.norm_mlp(x)))


class PlainCMAClip(nn.Module):
    """Photos and tokens to the logits of every task."""

    def __init__(self, clip: CLIPModel, class_counts: Sequence[int], config: CMAClipConfig):
        super().__init__()
        width, dropout = config.width, config.dropout
        text_width, image_width = clip.text_embed_dim, clip.vision_embed_dim
        self.clip = clip
        self.text = nn.Sequential(nn.LayerNorm(text_width), nn.Linear(text_width, width))
        self.image = nn.Sequential(nn.LayerNorm(image_width), nn.Linear(image_width, width))
        self.word = nn.Sequential(nn.LayerNorm(text_width), nn.Linear(text_width, width))
        self.modality = nn.Parameter(torch.randn(2, width) * 0.02)
        self.layers = nn.ModuleList(Layer(width, config.heads, dropout) for _ in range(config.depth))
        self.norm = nn.LayerNorm(width)
        self.keyless = nn.Parameter(torch.randn(len(class_counts), width) * width**-0.5)
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, count))
            for count in class_counts
        )

    def forward(self, pixels: Tensor, ids: Tensor) -> list[Tensor]:
        vision, language = self.clip.vision_model, self.clip.text_model
        seen = vision.post_layernorm(vision(pixel_values=pixels).last_hidden_state)
        read = language(input_ids=ids).last_hidden_state
        ends = ids.argmax(dim=-1)
        image = self.image(seen) + self.modality[1]
        words = self.text(read) + self.word(language.embeddings.token_embedding(ids)) + self.modality[0]
        text_cls = self.text(read[torch.arange(len(ids)), ends]) + self.modality[0]
        x = torch.cat([text_cls[:, None], words, image], dim=1)
        padding = torch.zeros(x.shape[:2], dtype=torch.bool)
        padding[:, 1 : 1 + ids.shape[1]] = torch.arange(ids.shape[1]) >= ends[:, None]
        for layer in self.layers:
            x = layer(x, padding)
        both = self.norm(x[:, [0, 1 + ids.shape[1]]])
        weights = (both @ self.keyless.T).softmax(dim=1)
        fused = torch.einsum("bkt,bkd->btd", weights, both)
        return [head(fused[:, task]) for task, head in enumerate(self.heads)]

    def freeze(self, level: Freeze) -> None:
        """`all`: heads only; `none`: everything trains; k: the last k blocks of both towers and what follows them."""
        self.clip.requires_grad_(level == "none")
        if isinstance(level, int):
            vision, language = self.clip.vision_model, self.clip.text_model
            last = [*vision.encoder.layers[-level:], *language.encoder.layers[-level:]]
            for module in [*last, vision.post_layernorm, language.final_layer_norm]:
                module.requires_grad_(True)


def loss_of(logits: Sequence[Tensor], labels: Sequence[Tensor]) -> Tensor:
    """Mean of the tasks' cross-entropies."""
    return torch.stack([F.cross_entropy(*pair) for pair in zip(logits, labels, strict=True)]).mean()


def fit(
    network: PlainCMAClip,
    train: Examples,
    val: Examples,
    config: CMAClipConfig,
    trims: bool,
    after_epoch: Callable[[], None],
) -> None:
    """Epochs of AdamW with clipped gradients, each followed by the accuracy on `val`."""
    backbone = [p for p in network.clip.parameters() if p.requires_grad]
    own = [p for name, p in network.named_parameters() if not name.startswith("clip.")]
    groups = [{"params": own}, {"params": backbone, "lr": config.backbone_learning_rate}]
    optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=config.weight_decay)
    for _ in range(config.max_epochs):
        network.train()
        for rows in torch.randperm(len(train)).split(config.batch_size):
            batch = train.batch(rows, trims)
            loss = loss_of(network(batch.pixels, batch.ids), batch.labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(own + backbone, config.gradient_clip)
            optimizer.step()
        accuracy(network, val, trims)
        after_epoch()


@torch.inference_mode()
def accuracy(network: PlainCMAClip, examples: Examples, trims: bool) -> list[float]:
    """Of each task, over the labelled examples."""
    network.eval()
    batch = examples.batch(torch.arange(len(examples)), trims)
    logits = network(batch.pixels, batch.ids)
    hits = [(found.argmax(dim=-1) == y)[y >= 0] for found, y in zip(logits, batch.labels, strict=True)]
    return [float(hit.float().mean()) for hit in hits]
