import os

import numpy as np
import pytest
import torch

from cma_clip.backbone.loading import load_backbone
from cma_clip.classifier import Workspace
from cma_clip.examples import ExampleList
from cma_clip.features.computing import ROWS
from cma_clip.features.processing import Processor
from cma_clip.features.token_features import NAMES, SIDES, token_features
from cma_clip.types import Joined
from tests.products import changed, products


@pytest.fixture(scope="module")
def backbone(tiny):
    return load_backbone(tiny)


def features_of(backbone, examples, cache=None):
    return token_features(backbone, Processor(backbone), examples, Workspace(cache=cache))


def test_table_holds_what_the_backbone_says(backbone):
    examples = products(9)
    features = features_of(backbone, examples).batch(slice(None))
    batch = Processor(backbone).encode(examples, Workspace()).batch(slice(None), {})
    with torch.no_grad():
        direct = backbone(batch).trimmed()
    for name in NAMES:
        expected = getattr(direct, name).clone()
        for side, missing in (("image", ~batch.image_present), ("text", ~batch.text_present)):
            if name in SIDES[side]:
                expected[missing] = 0  # what a missing modality would be encoded to is not kept
        if name in ("text_tokens", "word_embeddings"):
            expected[~direct.text_mask] = 0  # nor what stands behind the end of a text
        torch.testing.assert_close(getattr(features, name), expected, atol=2e-3, rtol=2e-3)  # half precision


def test_cached_features_equal_computed_ones(backbone, tmp_path):
    examples = products(ROWS + 5, fingerprint="shop")  # more than are computed at a time
    computed, written = features_of(backbone, examples), features_of(backbone, examples, tmp_path)
    assert computed.arrays.keys() == written.arrays.keys()
    for name, values in computed.arrays.items():
        assert np.array_equal(values, written.arrays[name])


def test_second_call_reads_the_cache(backbone, tmp_path):
    first = features_of(backbone, products(8, fingerprint="shop"), tmp_path)
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")}
    second = features_of(backbone, products(8, fingerprint="shop"), tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")} == stamps
    assert all(np.array_equal(values, second.arrays[name]) for name, values in first.arrays.items())
    assert isinstance(second.arrays["text_tokens"], np.memmap)


@pytest.mark.parametrize("windows", [1, 3])
@pytest.mark.parametrize("kind", ["vit", "bert"])
def test_joined_examples_have_the_features_of_their_parts_which_are_not_computed_again(
    architectures, kind, windows, tmp_path
):
    backbone = load_backbone(architectures[kind])
    processor, cache = Processor(backbone, windows), Workspace(cache=tmp_path)
    short, long = changed(products(6, seed=1), text="red"), changed(products(5, seed=2), text="red dress " * 12)
    short.fingerprint, long.fingerprint = "short", "long"
    parts = [products(9, fingerprint="some"), short, long]
    for part in parts:
        token_features(backbone, processor, part, cache)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")}
    joined, listed = Joined(parts), ExampleList(example for part in parts for example in part)
    table, whole = (token_features(backbone, processor, each, cache) for each in (joined, listed))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")} == files
    for rows in (slice(None), [19, 3, 3, 9, 14, 0], slice(7, 11), [2]):
        found, expected = table.batch(rows), whole.batch(rows)
        for name in NAMES:
            ours, theirs = getattr(found, name), getattr(expected, name)
            if name in ("text_tokens", "word_embeddings"):  # what stands behind the end of a text nobody reads
                ours, theirs = (value * expected.text_mask[:, :, None] for value in (ours, theirs))
            torch.testing.assert_close(ours, theirs, atol=2e-3, rtol=2e-3)
        batch, expected_batch = (processor.encode(each, cache).batch(rows, {}) for each in (joined, listed))
        for name in ("pixel_values", "input_ids", "further_of", "image_present", "text_present"):
            assert torch.equal(getattr(batch, name), getattr(expected_batch, name)), name
        width = expected_batch.further_ids.shape[1]
        assert torch.equal(batch.further_ids[:, :width], expected_batch.further_ids)
    for name in ("text_cls", "image_cls"):
        np.testing.assert_allclose(table.pooled(name), whole.pooled(name), atol=2e-3)
    assert np.array_equal(processor.cut_texts(joined, cache), processor.cut_texts(listed, cache))


def test_other_weights_have_another_cache(backbone, tiny, tmp_path):
    other = load_backbone(tiny)
    with torch.no_grad():
        other.clip.visual.proj.add_(0.1)
    refreshed = type(other)(other.clip, other.tokenizer, other.id)
    for each in (backbone, refreshed):
        features_of(each, products(4, fingerprint="shop"), tmp_path)
    assert len(list((tmp_path / "features").glob("*/arrays.json"))) == 4  # images and texts
    assert len(list(tmp_path.glob("images/*/arrays.json"))) == len(list(tmp_path.glob("tokens/*/arrays.json"))) == 1


def test_half_written_cache_is_not_believed(backbone, tmp_path):
    examples = products(4, fingerprint="shop")
    features_of(backbone, examples, tmp_path)
    (folder,) = (path.parent for path in (tmp_path / "features").glob("*/text_cls.npy"))
    (folder / "arrays.json").unlink()  # written last
    (folder / "text_cls.npy").write_bytes(b"torn")
    again = features_of(backbone, examples, tmp_path)
    assert np.array_equal(again.arrays["text_cls"], features_of(backbone, examples).arrays["text_cls"])


@pytest.mark.parametrize(("file", "size"), [("text_tokens.npy", 200), ("text_cls.npy", 0), ("arrays.json", 1)])
def test_damaged_cache_says_which_folder_to_delete(backbone, tmp_path, file, size):
    examples = products(4, fingerprint="shop")
    features_of(backbone, examples, tmp_path)
    (folder,) = (path.parent for path in (tmp_path / "features").glob("*/text_cls.npy"))
    os.truncate(folder / file, size)
    with pytest.raises(ValueError, match=f"{folder / file}: damaged .*; delete {folder}, then"):
        features_of(backbone, examples, tmp_path)


def test_what_a_killed_process_left_is_deleted(backbone, tmp_path):
    examples = products(4, fingerprint="shop")
    features_of(backbone, examples, tmp_path)
    folders = [path.parent for path in tmp_path.glob("*/*/arrays.json")]
    for folder in folders:
        folder.rename(folder.with_name(f".{folder.name}-a1b2c3d4"))
    features_of(backbone, examples, tmp_path)
    assert all(folder.is_dir() for folder in folders)
    assert not list(tmp_path.glob("*/.*-a1b2c3d4"))


@pytest.mark.parametrize("kind", ["vit", "siglip", "bert"])
@pytest.mark.parametrize("rows", [slice(None), slice(2, 7), [7, 0, 0, 5], [3]])
def test_batches_hold_the_bits_that_the_backbone_gives(architectures, kind, rows):
    """Of texts of one length, so that the direct computation has the same batch."""
    backbone = load_backbone(architectures[kind])
    processor, examples = Processor(backbone), changed(products(9), text="red dress")
    table, encoded = token_features(backbone, processor, examples, Workspace()), processor.encode(examples, Workspace())
    with torch.inference_mode():
        whole = backbone(encoded.batch(slice(None), {}))
    found, mask = table.batch(rows), whole.text_mask[rows]
    words = slice(0, int(mask.sum(dim=1).max()))
    assert torch.equal(found.text_mask, mask[:, words])
    for name in ("text_tokens", "word_embeddings"):
        expected = getattr(whole, name)[rows][:, words] * mask[:, words, None]
        assert torch.equal(getattr(found, name), expected if name == "word_embeddings" else expected.half().float())
    for name in ("text_cls", "text_embedding"):
        assert torch.equal(getattr(found, name), getattr(whole, name)[rows].half().float())


def test_texts_take_the_room_of_their_words(backbone, tmp_path):
    examples = products(9, fingerprint="shop")
    table = features_of(backbone, examples, tmp_path)
    words = int(table.lengths.sum())
    assert words < 9 * table.batch(slice(None)).text_mask.shape[1]
    assert {len(table.arrays[name]) for name in ("text_tokens", "word_ids")} == {words}
    assert table.lengths.tolist() == table.batch(slice(None)).text_mask.sum(dim=1).tolist()


def test_batch_is_cut_to_its_longest_text(backbone):
    table = features_of(backbone, products(8))
    assert table.batch([1, 3]).text_tokens.shape[1] == 4  # begin mark and three words
    assert table.batch([7]).text_tokens.shape[1] == 1  # no text at all
    assert {len(getattr(table.batch([1, 3]), name)) for name in NAMES} == {2}
