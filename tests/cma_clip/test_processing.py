import numpy as np
import pytest
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from cma_clip.backbone.loading import load_backbone
from cma_clip.classifier import Workspace
from cma_clip.examples import ExampleList
from cma_clip.features.processing import Processor
from tests.architectures import KINDS
from tests.products import photo, products


@pytest.fixture(scope="module")
def processor(tiny):
    return Processor(load_backbone(tiny))


@pytest.mark.parametrize("kind", KINDS)
def test_normalised_bytes_are_open_clips_pixels(architectures, kind):
    backbone = load_backbone(architectures[kind])
    image = photo("green")
    ours = (Processor(backbone).image(image) / 255 - backbone.pixel_mean.numpy()) / backbone.pixel_std.numpy()
    theirs = image_transform_v2(PreprocessCfg(**backbone.preprocess_cfg), is_train=False)(image)
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-5)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_any_image_mode_becomes_rgb(processor, mode):
    pixels = processor.image(photo("red").convert(mode))
    assert (pixels.shape, pixels.dtype) == ((3, 32, 32), np.uint8)


def test_missing_text_is_encoded_like_an_empty_one(processor):
    assert np.array_equal(processor.texts([None, "a"]), processor.texts(["", "a"]))


def test_texts_are_cut_to_the_longest(processor):
    ids = processor.texts(["a red dress", "a"])
    assert ids.shape == (2, 5)


def test_long_texts_are_cut_and_keep_their_end_mark(processor):
    ids = processor.texts(["red " * 14, "red " * 15, "red " * 100])
    assert ids.shape == (3, 16)
    assert (ids[:, -1] == ids.max()).all()


def test_blank_text_counts_as_missing(processor):
    encoded = processor.encode(ExampleList.of([photo("red")] * 3, ["a", " \n", ""]), Workspace())
    assert encoded.text_present.tolist() == [True, False, False]


def test_missing_image_is_zeros(processor):
    encoded = processor.encode(products(8), Workspace())
    assert encoded.image_present.tolist() == [True] * 6 + [False, True]
    assert not encoded.pixels[6].any()
    assert encoded.pixels[5].any()


def test_second_call_reads_the_cache(processor, tmp_path):
    workspace = Workspace(cache=tmp_path)
    first = processor.encode(products(8, fingerprint="shop"), workspace)
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")}
    second = processor.encode(products(8, fingerprint="shop"), workspace)
    assert len(stamps) == 5
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")} == stamps
    for name in ("pixels", "input_ids", "image_present", "text_present", "fingerprint"):
        assert np.array_equal(getattr(first, name), getattr(second, name))


def test_examples_without_a_fingerprint_are_not_kept(processor, tmp_path):
    processor.encode(products(2), Workspace(cache=tmp_path))
    assert not list(tmp_path.rglob("*.npy"))


def test_other_examples_or_processing_have_another_name(architectures, processor):
    def name_of(processor, fingerprint):
        return processor.encode(products(2, fingerprint=fingerprint), Workspace()).fingerprint

    other = Processor(load_backbone(architectures["resnet"]))
    names = {name_of(processor, "shop"), name_of(processor, "other shop"), name_of(other, "shop")}
    assert len(names) == 3


def test_batch_picks_the_rows(processor):
    examples = products(8)
    encoded = processor.encode(examples, Workspace())
    batch = encoded.batch([5, 2], {"color": examples.labels("color")})
    assert np.array_equal(batch.pixel_values.numpy(), encoded.pixels[[5, 2]])
    assert np.array_equal(batch.input_ids.numpy(), encoded.input_ids[[5, 2]])
    assert batch.labels["color"].tolist() == [-100, examples[2].labels["color"]]


def test_tokenisers_of_one_class_with_other_words_share_no_cache(architectures):
    def processor_with(words):
        backbone = load_backbone(architectures["siglip"])
        tokenizer = backbone.tokenizer
        backbone.tokenizer = lambda texts, context_length: tokenizer(texts, context_length=context_length) + words
        return Processor(backbone)

    assert processor_with(0).fingerprint == processor_with(0).fingerprint != processor_with(1).fingerprint


@pytest.mark.parametrize("kind", ["vit", "bert"])
def test_tokens_are_counted_before_anything_is_cut(architectures, kind):
    processor = Processor(load_backbone(architectures[kind]))
    short, long, empty = processor.lengths(["red shirt", "red shirt " * 40, ""])
    assert 0 < empty < short <= processor.context_length < long


@pytest.mark.parametrize("kind", KINDS)
def test_the_cut_texts_are_what_the_lengths_say(architectures, kind, tmp_path):
    processor = Processor(load_backbone(architectures[kind]))
    texts = ["red " * 13, "red " * 14, "red " * 15, "! " * 60, "", None]
    longer = [processor.lengths([text])[0] > 16 for text in texts if text]
    assert longer == [False, False, True, True]
    examples = ExampleList.of([photo("red")] * len(texts), texts)
    assert processor.encode_texts(examples, Workspace())["text_cut"].tolist() == [*longer, False, False]
    assert processor.cut_texts(examples, Workspace()).tolist() == [*longer, False, False]
    assert processor.cut_texts(ExampleList.of([photo("red")], [None]), Workspace()).tolist() == [False]


@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_shrunk_photo_is_processed_to_the_same_pixels(architectures, kind, mode):
    backbone = load_backbone(architectures[kind])
    backbone.preprocess_cfg = {**backbone.preprocess_cfg, "resize_mode": mode}
    processor = Processor(backbone)
    for width, height in ((24, 20), (301, 77), (50, 400), (3, 3), processor.image_size):
        noise = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
        image = Image.fromarray(noise)
        small = processor.shrink(image)
        assert np.array_equal(processor.image(small), processor.image(image))
        assert small.size == processor.image_size[::-1]


def test_texts_are_tokenised_once_for_two_questions(tiny, monkeypatch):
    processor = Processor(load_backbone(tiny))
    asked = []
    plain = processor.texts
    monkeypatch.setattr(processor, "texts", lambda texts: asked.append(texts) or plain(texts))
    one, other = (ExampleList.of([None], [text]) for text in ("red " * 40, "red"))
    for examples, cut in ((one, True), (one, True), (other, False), (one, True)):
        assert processor.cut_texts(examples, Workspace()).tolist() == [cut]
    assert len(asked) == 3
