from itertools import combinations_with_replacement

import numpy as np
import pytest
import torch

from cma_clip.backbone.length_groups import LENGTH_GROUPS, least_padding, length_groups
from cma_clip.backbone.loading import load_backbone
from cma_clip.classifier import Workspace
from cma_clip.features.processing import Processor
from tests.products import products


def padded(lengths, cuts):
    return sum(len(part) * part.max() for part in np.split(lengths, cuts) if len(part))


@pytest.mark.parametrize("seed", range(4))
def test_no_other_groups_leave_less_padding(seed):
    lengths = np.sort(np.random.default_rng(seed).geometric(0.2, 12))
    every = (padded(lengths, cuts) for cuts in combinations_with_replacement(range(13), LENGTH_GROUPS - 1))
    assert padded(lengths, least_padding(lengths)) == min(every)


@pytest.mark.parametrize("lengths", [[3, 1, 2, 1, 9, 5, 7, 4], [0], [4, 4, 4], [0, 0, 5]])
def test_groups_hold_every_row_once_and_say_where(lengths):
    groups, places = length_groups(torch.tensor(lengths))
    assert len(groups) <= LENGTH_GROUPS
    assert torch.cat(groups)[places].tolist() == list(range(len(lengths)))
    assert [lengths[row] for rows in groups for row in rows] == sorted(lengths)


@pytest.mark.parametrize("windows", [1, 3])
def test_texts_are_the_same_in_training_and_in_evaluation(tiny, windows):
    backbone = load_backbone(tiny)
    batch = Processor(backbone, windows).encode(products(24, seed=1), Workspace()).batch(slice(None), {})
    found = {mode: backbone.train(mode).whole_text_features(batch) for mode in (True, False)}
    mask = found[False]["text_mask"]
    for name, values in found[False].items():
        real = mask if name in ("text_tokens", "word_embeddings") else slice(None)
        torch.testing.assert_close(found[True][name][real], values[real], atol=1e-6, rtol=1e-5)
