"""A tower cut in two in front of its first block that trains: what is frozen then runs once an example.

The towers that can be cut are listed here as the steps of their own forward pass: open_clip's ViT and text transformer,
timm's ViT, ConvNeXt and EfficientNet. A block of an EfficientNet is an inverted residual, and its last one has
`conv_head` with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import Any, Generic, TypeVar

from open_clip.model import CLIP
from open_clip.timm_model import TimmModel
from open_clip.transformer import TextTransformer, VisionTransformer
from timm.models.convnext import ConvNeXt
from timm.models.efficientnet import EfficientNet
from timm.models.vision_transformer import VisionTransformer as TimmVisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F

OutputsT = TypeVar("OutputsT")
ImageOutputs = tuple[Tensor, Tensor, Tensor]
"""Patches Float[B P Di], class state Float[B Di], unit embedding Float[B E]."""


def _run(blocks: Sequence[nn.Module], states: Tensor) -> Tensor:
    for block in blocks:
        states = block(states)
    return states


@dataclass(frozen=True)
class Steps(Generic[OutputsT]):
    """The forward pass of a tower: `embed`, then all `blocks`, then `finish`.

    Attributes:
        stem: what `embed` runs; it trains only where everything trains.
        run: some blocks, one after the other.
    """

    stem: nn.Module
    embed: Callable[[Tensor], Tensor]
    blocks: Sequence[nn.Module]
    finish: Callable[[Tensor], OutputsT]
    run: Callable[[Sequence[nn.Module], Tensor], Tensor] = _run


@dataclass(frozen=True)
class Boundary(Generic[OutputsT]):
    """Where a tower is cut: behind so many blocks, which are all frozen."""

    steps: Steps[OutputsT]
    frozen: int

    def states(self, inputs: Tensor) -> Tensor:
        """What the first block that trains reads, Float[B ...], of normalised pixels or of token ids."""
        return self.steps.run(self.steps.blocks[: self.frozen], self.steps.embed(inputs))

    def outputs(self, states: Tensor) -> OutputsT:
        """What the whole tower gives for the inputs of these states."""
        return self.steps.finish(self.steps.run(self.steps.blocks[self.frozen :], states))


def image_boundary(visual: nn.Module) -> Boundary[ImageOutputs] | None:
    """Where an image tower is cut; None if nothing of it is frozen, or it is none of the towers above."""
    steps = _timm(visual) if isinstance(visual, TimmModel) else _native_vit(visual)
    return None if steps is None else _in_front_of_what_trains(steps)


def text_boundary(tower: nn.Module) -> Boundary[Tensor] | None:
    """Likewise of a text tower, whose outputs here are its states after the final norm, Float[B L D]."""
    text: Any = tower
    # A class token (CoCa) and a mask of padding would have to go along with the states.
    plain = isinstance(text, CLIP) or (
        isinstance(text, TextTransformer) and text.cls_emb is None and not text.use_pad_mask
    )
    if not plain or not text.transformer.batch_first:
        return None

    def embed(ids: Tensor) -> Tensor:
        dtype = text.transformer.get_cast_dtype()
        states: Tensor = text.token_embedding(ids).to(dtype) + text.positional_embedding[: ids.shape[1]].to(dtype)
        return states

    def run(blocks: Sequence[nn.Module], states: Tensor) -> Tensor:
        length, mask = states.shape[1], text.attn_mask
        cut = None if mask is None else mask[:length, :length]
        return _run([partial(block, attn_mask=cut) for block in blocks], states)  # type: ignore[misc]

    return _in_front_of_what_trains(Steps(text.token_embedding, embed, text.transformer.resblocks, text.ln_final, run))


def _in_front_of_what_trains(steps: Steps[OutputsT]) -> Boundary[OutputsT] | None:
    def trains(module: nn.Module) -> bool:
        return any(parameter.requires_grad for parameter in module.parameters())

    if trains(steps.stem):
        return None
    return Boundary(steps, sum(1 for _ in takewhile(lambda block: not trains(block), steps.blocks)))


def _native_vit(visual: Any) -> Steps[ImageOutputs] | None:  # noqa: ANN401 - open_clip's own
    # A tower that drops patches has nothing that stays the same.
    if not isinstance(visual, VisionTransformer) or not isinstance(visual.patch_dropout, nn.Identity):
        return None

    def finish(states: Tensor) -> ImageOutputs:
        normed, pooled = visual.ln_post(states), visual._pool(states)[0]
        embedding = pooled if visual.proj is None else pooled @ visual.proj
        return normed[:, 1:], normed[:, 0], F.normalize(embedding, dim=-1)

    return Steps(visual.conv1, visual._embeds, visual.transformer.resblocks, finish)


Trunk = Steps[tuple[Tensor, Tensor]]
"""Its outputs: the states that tokens are made of, and what the trunk's head reads."""


def _timm(visual: Any) -> Steps[ImageOutputs] | None:  # noqa: ANN401
    trunk = visual.trunk
    if type(trunk) not in TRUNKS:
        return None
    steps = TRUNKS[type(trunk)](trunk)

    def finish(states: Tensor) -> ImageOutputs:
        last, features = steps.finish(states)
        prefix = getattr(trunk, "num_prefix_tokens", 0)
        tokens = last.flatten(2).transpose(1, 2) if last.ndim == 4 else last[:, prefix:]  # a grid
        embedding = visual.head(trunk.forward_head(features))
        return tokens, last[:, 0] if prefix else tokens.mean(dim=1), F.normalize(embedding, dim=-1)

    return Steps(steps.stem, steps.embed, steps.blocks, finish)


def _timm_vit(trunk: Any) -> Trunk:  # noqa: ANN401
    def embed(pixels: Tensor) -> Tensor:
        states: Tensor = trunk.norm_pre(trunk.patch_drop(trunk._pos_embed(trunk.patch_embed(pixels))))
        return states

    return Steps(trunk.patch_embed, embed, trunk.blocks, lambda states: (trunk.norm(states),) * 2)


def _convnext(trunk: Any) -> Trunk:  # noqa: ANN401
    blocks = [step for stage in trunk.stages for step in (stage.downsample, *stage.blocks)]
    return Steps(trunk.stem, trunk.stem, blocks, lambda states: (trunk.norm_pre(states),) * 2)


def _efficientnet(trunk: Any) -> Trunk:  # noqa: ANN401
    return Steps(
        stem=trunk.conv_stem,
        embed=nn.Sequential(trunk.conv_stem, trunk.bn1),
        blocks=[block for stage in trunk.blocks for block in stage],
        finish=lambda states: (states, trunk.bn2(trunk.conv_head(states))),
    )


TRUNKS: dict[type[nn.Module], Callable[[Any], Trunk]] = {
    TimmVisionTransformer: _timm_vit,
    ConvNeXt: _convnext,
    EfficientNet: _efficientnet,
}
