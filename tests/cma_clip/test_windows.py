"""Texts longer than the context: what of them is read, and that texts that fit are read as ever."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from open_clip.tokenizer import HFTokenizer, SimpleTokenizer
from torch.nn import functional as F

from benchmarks.perturbations import protocol
from benchmarks.perturbations.view import Perturbed
from cma_clip.backbone.loading import load_backbone
from cma_clip.backbone.windows import WindowCutter, mean_of_windows, pack
from cma_clip.classifier import Workspace
from cma_clip.examples import ExampleList
from cma_clip.features.arrays import items_of
from cma_clip.features.computing import ROWS
from cma_clip.features.processing import Processor, example_batch
from cma_clip.features.token_features import NAMES, token_features
from cma_clip.tensors import Features
from tests.architectures import KINDS, WORDS
from tests.products import photo

CONTEXT = 16  # of every tiny tower: 14 words of WORDS between two marks


def text(words, seed=0):
    return " ".join(np.random.default_rng(seed).choice([word for word in WORDS if word.isalpha()], words))


def shop(fingerprint=None):
    """Texts of 3, 40, 14, no and 15 words: the second has three windows and the last has two."""
    texts = [text(3), text(40), text(14), None, text(15)]
    examples = ExampleList.of([photo("red")] * len(texts), texts)
    examples.fingerprint = fingerprint
    return examples


@pytest.fixture(scope="module")
def backbones(architectures):
    return {kind: load_backbone(architectures[kind]).eval() for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_windows_hold_every_word_of_a_text_in_order(backbones, kind):
    backbone = backbones[kind]
    processor, whole = Processor(backbone, 16), text(100)
    arrays = processor.encode_further(ExampleList.of([None], [whole]), Workspace())
    first = processor.texts([whole])
    assert arrays["further_starts"].tolist() == [0, 7]
    read = [token for ids in [*first, *arrays["further_ids"]] for token in ids.tolist()]
    marks = {0, *processor.texts([""])[0].tolist()}  # CLIP pads with 0
    words = [processor.texts([word])[0].tolist() for word in whole.split()]
    assert [token for token in read if token not in marks] == [t for ids in words for t in ids if t not in marks]
    assert processor.text_tokens == 2 + 16 * 14
    assert arrays["text_cut"].tolist() == [False]


@pytest.mark.parametrize("kind", ["siglip", "bert"])
@pytest.mark.parametrize("words", [14, 15, 28, 29, 100])
def test_hugging_faces_own_windows_are_the_same(backbones, kind, words):
    tokenizer = backbones[kind].tokenizer
    theirs = tokenizer.tokenizer(
        text(words), return_overflowing_tokens=True, truncation=True, padding="max_length", max_length=CONTEXT
    )["input_ids"]
    ours, counts, longer = WindowCutter(tokenizer, CONTEXT).further([text(words)], most=16)
    assert ours.tolist() == theirs[1:]
    assert counts.tolist() == [len(theirs) - 1]
    assert not longer.any()


def test_a_window_is_framed_as_clips_tokeniser_frames_a_text(backbones):
    tokenizer = backbones["vit"].tokenizer
    (window,), _, _ = WindowCutter(tokenizer, CONTEXT).further(["red " * 14 + "small shirt"], most=2)
    assert window.tolist() == tokenizer(["small shirt"], context_length=CONTEXT)[0].tolist()


def test_marks_at_the_very_end_stay_there(architectures):
    """As of open_clip's CLIPS towers, which pool a mark behind the padding."""
    folder = architectures["bert"].removeprefix("random:local-dir:")
    tokenizer = HFTokenizer(folder, tokenizer_mode="clips", bos_token="[CLS]", eos_token="[SEP]", cls_token="[UNK]")
    cutter = WindowCutter(tokenizer, CONTEXT)
    assert cutter.words == 13
    (window,), _, _ = cutter.further(["red " * 13 + "small"], most=2)
    assert window.tolist() == tokenizer(["small"], context_length=CONTEXT)[0].tolist()


def test_a_tokeniser_that_drops_words_as_it_likes_is_refused():
    with pytest.raises(ValueError, match=r"SimpleTokenizer does not put the same marks .* use text_windows=1"):
        WindowCutter(SimpleTokenizer(reduction_mask="shuffle"), CONTEXT)


@pytest.mark.parametrize("kind", ["vit", "siglip", "bert"])
def test_what_is_still_cut_is_counted(backbones, kind):
    texts = [text(words) for words in (14, 15, 42, 43, 100)]
    examples = ExampleList.of([None] * len(texts), texts)
    shares = {1: 0.8, 2: 0.6, 3: 0.4, 4: 0.2, 8: 0.0}
    for windows, share in shares.items():
        processor = Processor(backbones[kind], windows)
        assert processor.cut_texts(examples, Workspace()).mean() == pytest.approx(share)
        longer = processor.lengths(texts) > processor.text_tokens
        assert processor.encode_further(examples, Workspace())["text_cut"].tolist() == longer.tolist()


def test_blank_texts_have_one_window(backbones):
    examples = ExampleList.of([photo("red")] * 2, [None, " \n" * 100])
    assert not len(Processor(backbones["vit"], 4).encode_further(examples, Workspace())["further_ids"])


def test_further_windows_are_those_of_the_rows_that_are_picked():
    starts = np.array([0, 0, 2, 2, 5])
    assert [found.tolist() for found in items_of(starts, [3, 0, 1])] == [[2, 3, 4, 0, 1], [0, 0, 0, 2, 2]]
    assert [found.tolist() for found in items_of(starts, slice(1, 3))] == [[0, 1], [0, 0]]
    assert [found.tolist() for found in items_of(starts, [0, 2])] == [[], []]


def test_words_of_all_windows_stand_one_behind_the_other():
    first, own = torch.tensor([[1, 2, 0], [3, 0, 0], [4, 5, 6]]), torch.tensor([[1, 1, 0], [1, 0, 0], [1, 1, 1]]).bool()
    further, more = torch.tensor([[7, 8], [9, 0], [10, 11]]), torch.tensor([[1, 1], [1, 0], [1, 1]]).bool()
    packed = pack((first, further), (own, more), torch.tensor([0, 0, 2]))
    assert packed.tolist() == [[1, 2, 7, 8, 9], [3, 0, 0, 0, 0], [4, 5, 6, 10, 11]]


def test_means_are_weighted_by_words():
    first, further = torch.tensor([[1.0, 0.0], [0.1, 0.7]]), torch.tensor([[0.0, 1.0], [0.6, 0.8]])
    words, of = (torch.tensor([3, 5]), torch.tensor([3, 2])), torch.tensor([0, 0])
    states = mean_of_windows("text_cls", (first, further), words, of)
    torch.testing.assert_close(states[0], torch.tensor([(3 + 0 + 1.2) / 8, (0 + 3 + 1.6) / 8]))
    embeddings = mean_of_windows("text_embedding", (first, further), words, of)
    torch.testing.assert_close(embeddings[0], torch.tensor([4.2, 4.6]) / (4.2**2 + 4.6**2) ** 0.5)
    assert torch.equal(states[1], first[1])
    assert torch.equal(embeddings[1], first[1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_text_is_its_windows_joined(backbones, kind):
    """Against each window read for itself."""
    backbone, whole = backbones[kind], text(40)
    windows = [" ".join(whole.split()[start : start + 14]) for start in range(0, 40, 14)]
    with torch.no_grad():
        read = backbone(example_batch(Processor(backbone, 3), ExampleList.of([None], [whole]), []))
        each = [backbone(example_batch(Processor(backbone), ExampleList.of([None], [one]), [])) for one in windows]
    words = [int(one.text_mask.sum()) for one in each]
    assert read.text_mask.tolist() == [[True] * sum(words)]
    for name in ("text_tokens", "word_embeddings"):
        expected = torch.cat([getattr(one, name)[0, :count] for one, count in zip(each, words, strict=True)])
        torch.testing.assert_close(getattr(read, name)[0], expected)
    mean = {
        name: sum(count * getattr(one, name) for one, count in zip(each, words, strict=True)) / sum(words)
        for name in ("text_cls", "text_embedding")
    }
    torch.testing.assert_close(read.text_cls, mean["text_cls"])
    torch.testing.assert_close(read.text_embedding, F.normalize(mean["text_embedding"], dim=-1))


@pytest.mark.parametrize("kind", ["vit", "siglip", "bert"])
@pytest.mark.parametrize("windows", [1, 4])
def test_tokens_are_told_for_the_positions_of_their_states(backbones, kind, windows):
    backbone = backbones[kind]
    batch = example_batch(Processor(backbone, windows), list(shop()), [])
    features, ids = backbone(batch), backbone.text_ids(batch)
    mask = features.text_mask
    assert torch.equal(backbone.text_tower.embed(ids)[mask], features.word_embeddings[mask])


@pytest.mark.parametrize("kind", ["vit", "siglip", "bert"])
def test_texts_that_fit_keep_their_bits(backbones, kind):
    backbone, examples = backbones[kind], shop()
    once, whole = (token_features(backbone, Processor(backbone, n), examples, Workspace()) for n in (1, 4))
    assert all(
        np.array_equal(values, whole.arrays[name]) for name, values in once.arrays.items() if "further" not in name
    )
    for name in ("text_cls", "text_embedding", "image_cls"):
        same = (once.pooled(name) == whole.pooled(name)).all(axis=1)
        assert same.tolist() == [True, name == "image_cls", True, True, name == "image_cls"]
    fit, long = [0, 2, 3], [1, 4]
    assert all(torch.equal(getattr(once.batch(fit), name), getattr(whole.batch(fit), name)) for name in NAMES)
    assert whole.batch(long).text_tokens.shape[1] > once.batch(long).text_tokens.shape[1]


@pytest.mark.parametrize("kind", ["vit", "siglip", "bert"])
@pytest.mark.parametrize("rows", [[1], [4, 0, 1, 3], slice(None)])
def test_the_table_holds_what_the_backbone_says(backbones, kind, rows):
    backbone, examples = backbones[kind], shop()
    processor = Processor(backbone, 3)
    table = token_features(backbone, processor, examples, Workspace())
    features = table.batch(rows)
    with torch.no_grad():
        direct = backbone(processor.encode(examples, Workspace()).batch(rows, {})).trimmed()
    shown = direct.text_present
    for name in NAMES:
        ours, theirs = getattr(features, name)[shown], getattr(direct, name)[shown]
        if name in ("text_tokens", "word_embeddings"):
            ours, theirs = ours[features.text_mask[shown]], theirs[direct.text_mask[shown]]
        torch.testing.assert_close(ours, theirs, atol=2e-3, rtol=2e-3)  # half precision
    for name in ("text_cls", "text_embedding"):
        found = torch.from_numpy(table.pooled(name))[rows][shown]
        torch.testing.assert_close(found, getattr(features, name)[shown])


def test_more_windows_read_photos_and_beginnings_from_the_cache(backbones, tmp_path):
    backbone, workspace = backbones["vit"], Workspace(cache=tmp_path)

    def features(windows):
        return token_features(backbone, Processor(backbone, windows), shop("shop"), workspace)

    def stamps():
        return {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")}

    kept = []
    for windows in (1, 2, 3):
        features(windows)
        kept.append(stamps())
    for before, after in pairwise(kept):
        assert before.items() < after.items()
        assert {path.relative_to(tmp_path).parts[0] for path in after.keys() - before.keys()} == {"tokens", "features"}
    again = features(3)
    assert stamps() == kept[-1]
    assert isinstance(again.arrays["further_text_tokens"], np.memmap)
    assert len(again.arrays["further_text_cls"]) == 3  # two of one text and one of the other: no row for the rest
    computed = token_features(backbone, Processor(backbone, 3), shop(), Workspace())
    assert all(np.array_equal(again.arrays[name], computed.arrays[name]) for name in computed.arrays)


def test_texts_that_all_fit_need_no_more_room(backbones, tmp_path):
    examples = ExampleList.of([photo("red")], [text(14)])
    examples.fingerprint = "short"
    for windows in (1, 16):
        token_features(backbones["vit"], Processor(backbones["vit"], windows), examples, Workspace(cache=tmp_path))
    assert len(list((tmp_path / "features").glob("*/arrays.json"))) == 2


def test_more_windows_than_are_read_at_a_time(backbones):
    backbone = backbones["vit"]
    texts = [text(70, seed) for seed in range(ROWS // 3)]
    table = token_features(backbone, Processor(backbone, 5), ExampleList.of([None] * len(texts), texts), Workspace())
    assert len(table.arrays["further_text_cls"]) == 4 * len(texts) > ROWS
    last = ExampleList.of([None], texts[-1:])
    alone = token_features(backbone, Processor(backbone, 5), last, Workspace())
    np.testing.assert_allclose(table.pooled("text_embedding")[-1:], alone.pooled("text_embedding"), atol=2e-3)


def test_a_text_that_a_condition_removes_takes_all_of_its_windows_along(backbones):
    backbone = backbones["vit"]
    examples = ExampleList(
        replace(example, image=photo("red"), id=str(row)) for row, example in enumerate([*shop()] * 4)
    )
    examples.fingerprint = "shop"
    condition = protocol("missing_text@1").conditions[0]
    view = Perturbed(examples, condition)
    gone = [example.text is None for example in view]
    features = token_features(backbone, Processor(backbone, 3), view, Workspace()).batch(slice(None))
    assert any(gone)
    assert (~features.text_mask.any(dim=1)).tolist() == gone
    assert not features.text_tokens[torch.tensor(gone)].any()
    assert features.text_cls.isfinite().all()


def test_a_batch_of_missing_texts_stays_finite(backbones):
    features = backbones["vit"](example_batch(Processor(backbones["vit"], 4), list(shop())[3:4], []))
    assert isinstance(features, Features)
    assert features.text_embedding.isfinite().all()
    assert not features.text_mask.any()


def test_gradients_reach_the_tower_from_every_window(architectures):
    backbone = load_backbone(architectures["vit"])
    backbone.freeze("none")
    batch = example_batch(Processor(backbone, 4), ExampleList.of([None], ["box " * 40 + "red"]), [])
    features = backbone(batch)
    (features.text_tokens.square().sum() + features.text_cls.square().sum()).backward()
    table = backbone.text_tower.tower.token_embedding
    red = backbone.tokenizer.encode("red")[0]
    assert table.weight.grad[red].abs().sum() > 0
