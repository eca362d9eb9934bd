"""What a pair is in one epoch: a photo a little changed, and its title or a fragment of it."""

import torch

from cma_clip.backbone.loading import load_backbone
from cma_clip.classifier import Workspace
from cma_clip.contrastive.loss import right_for
from cma_clip.contrastive.pairs import AUGMENTATIONS, choose_captions, mirrored, moved, pair_batches, titles
from cma_clip.contrastive.photos import photos_of
from cma_clip.examples import ExampleList
from cma_clip.features.processing import Processor
from cma_clip.types import Example
from tests.products import products


def test_augmented_pixels_stay_near_the_originals():
    torch.manual_seed(0)
    ramp = torch.linspace(60, 190, 32).to(torch.uint8).expand(64, 3, 32, 32).contiguous()
    pictures = moved(ramp)
    assert (pictures.shape, pictures.dtype) == (ramp.shape, torch.uint8)
    assert pictures.min() >= 60
    assert pictures.max() <= 190
    rises = pictures[:, 0, 16, 24].int() - pictures[:, 0, 16, 8].int()
    assert (rises > 20).any()
    assert (rises < -20).any()  # mirrored
    assert len(pictures.flatten(1).unique(dim=0)) == 64
    grey = torch.full((8, 3, 16, 16), 77, dtype=torch.uint8)
    for change in AUGMENTATIONS.values():
        assert torch.equal(change(grey), grey)  # no colour changes


def test_half_of_the_pictures_are_mirrored_and_nothing_else_is_done():
    torch.manual_seed(0)
    pictures = torch.randint(0, 256, (400, 3, 4, 6), dtype=torch.uint8)
    changed = mirrored(pictures)
    flipped = [torch.equal(picture, before.flip(-1)) for picture, before in zip(changed, pictures, strict=True)]
    same = [torch.equal(picture, before) for picture, before in zip(changed, pictures, strict=True)]
    assert all(one != other for one, other in zip(flipped, same, strict=True))
    assert 150 < sum(flipped) < 250


def test_captions_are_the_text_or_a_fragment_of_it(tiny):
    backbone = load_backbone(tiny)
    processor = Processor(backbone)
    examples = ExampleList(
        [
            Example(str(i), str(i), products(1)[0].image, text)
            for i, text in enumerate(("red shirt", "", None, "blue box"))
        ]
    )
    batches = pair_batches(
        processor, examples, photos_of(backbone, processor, examples, "none", Workspace()), titles(6, 0), Workspace()
    )
    assert len(batches) == 2  # no pair without a text
    pairs = batches[[0, 1]]
    assert pairs.input_ids.shape[:2] == (2, 7)
    whole = processor.texts(["red shirt", "blue box"])
    assert pairs.input_ids[:, 0, : whole.shape[1]].tolist() == whole.tolist()
    torch.manual_seed(0)
    assert torch.equal(choose_captions(pairs, 0.0)[0], pairs.input_ids[:, 0])
    assert (pairs.words[:, 0] > 0).sum(dim=1).tolist() == [2, 2]
    fragments = choose_captions(pairs, 1.0)[1]  # words of its own text, none of the template
    assert torch.equal(right_for(pairs.words[:, 0], fragments), torch.eye(2, dtype=torch.bool))
    texts = [backbone.tokenizer.decode(row.tolist()) for row in choose_captions(pairs, 1.0)[0]]
    assert any(word in texts[0] for word in ("red", "shirt"))
    assert not any(word in texts[0] for word in ("blue", "box"))
