"""CLIP's loss where several pairs share a text, and retrieval, by hand."""

import pytest
import torch
from open_clip.loss import ClipLoss
from torch.nn.functional import normalize

from cma_clip.contrastive import loss as contrastive_loss
from cma_clip.contrastive.loss import SharedTextLoss, partner_ranks, retrieval_recall, right_for

SCALE = torch.tensor(10.0)
DISTINCT = torch.arange(1, 6)[:, None]  # five texts of one word each


def embeddings(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return tuple(normalize(torch.randn(count, 6, generator=generator), dim=-1) for _ in range(2))


def test_distinct_texts_give_clips_own_loss():
    image, text = embeddings(5)
    ours = SharedTextLoss()(image, text, SCALE, DISTINCT, DISTINCT)
    torch.testing.assert_close(ours, ClipLoss()(image, text, SCALE))


def test_pairs_of_one_text_are_not_each_others_negatives():
    """By hand: each of the twins has only the two strangers against it."""
    image, text = embeddings(4)
    text[1] = text[0]
    logits = SCALE * image @ text.T
    keep = torch.ones(4, 4, dtype=torch.bool)
    keep[0, 1] = keep[1, 0] = False
    rows = torch.stack([logits[i, keep[i]].logsumexp(0) - logits[i, i] for i in range(4)])
    columns = torch.stack([logits[keep[:, i], i].logsumexp(0) - logits[i, i] for i in range(4)])
    words = torch.tensor([[1], [1], [2], [3]])
    loss = SharedTextLoss()(image, text, SCALE, words, words)
    torch.testing.assert_close(loss, (rows.mean() + columns.mean()) / 2)
    assert loss < ClipLoss()(image, text, SCALE)


def test_a_batch_of_one_text_costs_nothing():
    image, text = embeddings(3)
    words = torch.ones(3, 1, dtype=torch.long)
    assert SharedTextLoss()(image, text, SCALE, words, words) == 0


def test_a_caption_is_right_for_every_text_that_has_all_of_its_words():
    titles = torch.tensor([[1, 2, 0], [3, 1, 4], [5, 0, 0], [0, 0, 0]])
    captions = torch.tensor([[1, 0, 0], [1, 3, 0], [5, 5, 0], [0, 0, 0]])
    expected = [[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert right_for(titles, captions).int().tolist() == expected


def test_a_caption_that_is_right_for_another_photo_does_not_push_it_away():
    """By hand: the first caption is right for photo 1 too, the second is right for its own alone."""
    image, text = embeddings(3)
    titles, captions = torch.tensor([[1, 2], [1, 3], [4, 5]]), torch.tensor([[1, 0], [1, 3], [4, 5]])
    logits = SCALE * image @ text.T
    others = torch.zeros(3, 3, dtype=torch.bool)
    others[1, 0] = True
    left = logits.masked_fill(others, -torch.inf)
    expected = (2 * left.diagonal() - left.logsumexp(0) - left.logsumexp(1)).mean() / -2
    loss = SharedTextLoss()(image, text, SCALE, titles, captions)
    torch.testing.assert_close(loss, expected)


def test_ranks_do_not_depend_on_how_many_rows_are_compared_at_once(monkeypatch):
    image, text = embeddings(11)
    keys = torch.arange(11) // 2
    whole = partner_ranks(image, text, keys)
    monkeypatch.setattr(contrastive_loss, "RANKED", 4)
    for way, ranks in partner_ranks(image, text, keys).items():
        assert ranks.tolist() == whole[way].tolist()


def test_retrieval_recall_by_hand():
    image = torch.eye(3)
    text = torch.tensor([[1.0, 0.9, 0.0], [0.0, 0.5, 0.0], [0.0, 0.6, 1.0]])
    # image x text = columns of `text`: photo 1 prefers text 0 and text 2; text 1 still prefers photo 1
    recall = retrieval_recall(image, text, torch.arange(3))
    assert recall["image_to_text_recall_at_1"] == pytest.approx(2 / 3)
    assert recall["text_to_image_recall_at_1"] == pytest.approx(1)
    assert recall["image_to_text_recall_at_5"] == 1
    assert set(recall) == {f"{way}_recall_at_{k}" for way in ("image_to_text", "text_to_image") for k in (1, 5, 10)}


def test_embeddings_that_are_all_the_same_find_nothing_and_products_of_one_title_are_no_mistake():
    same = torch.ones(6, 4) / 2
    assert set(retrieval_recall(same, same, torch.arange(6)).values()) == {0.0, 1.0}  # of 6, the 10 nearest are all
    assert retrieval_recall(same, same, torch.arange(6))["image_to_text_recall_at_5"] == 0
    assert retrieval_recall(same, same, torch.zeros(6))["image_to_text_recall_at_1"] == 1
