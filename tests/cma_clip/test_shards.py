"""Features computed by the shard are those computed at once, bit by bit."""

import numpy as np
import pytest

from cma_clip.backbone.loading import load_backbone
from cma_clip.classifier import Workspace
from cma_clip.features.processing import Processor
from cma_clip.features.shards import compute_shards, join_shards
from cma_clip.features.token_features import token_features
from cma_clip.types import Example, Examples
from tests.products import products

FEW = 9


class Many(Examples):
    """A few products again and again, some of whose texts are long: three shards. Counts how often one is opened."""

    fingerprint = "many"

    def __init__(self):
        self.opened, self._few = 0, list(products(FEW, seed=1))

    def __len__(self):
        return 520

    def __getitem__(self, index):
        self.opened += 1
        found = self._few[index % FEW]
        text = found.text if index % 5 else " ".join(["long"] * 100)
        return Example(str(index), str(index), found.image, text, found.labels)


@pytest.fixture(scope="module")
def backbone(tiny):
    return load_backbone(tiny)


@pytest.fixture(scope="module")
def whole(backbone):
    return token_features(backbone, Processor(backbone, 2), Many(), Workspace()).arrays


@pytest.mark.parametrize("shares", [[(0, 1)], [(1, 2), (0, 2)], [(2, 3)]], ids=["one", "two", "two thirds are lost"])
def test_shards_are_joined_to_the_same_bits(backbone, whole, tmp_path, shares):
    workspace, processor = Workspace(cache=tmp_path), Processor(backbone, 2)
    for share in shares:
        compute_shards(backbone, processor, Many(), workspace, share)
    join_shards(backbone, processor, Many(), workspace)
    found = token_features(backbone, processor, Many(), workspace).arrays
    assert set(found) == set(whole)
    assert "further_text_tokens" in found
    for name, values in whole.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
    assert not list(tmp_path.rglob("*.shards"))


def test_a_shard_is_computed_once(backbone, tmp_path):
    workspace, processor, again = Workspace(cache=tmp_path), Processor(backbone, 2), Many()
    compute_shards(backbone, processor, Many(), workspace, (0, 1))
    texts = processor.encode_further(again, workspace), again.texts(), again.image_present()
    before = again.opened
    compute_shards(backbone, processor, again, workspace, (0, 1))
    assert (len(texts), again.opened) == (3, before)
