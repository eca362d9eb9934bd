import json
import shutil
import time
from pathlib import Path

import pytest
import torch
from torch.nn.functional import normalize

from cma_clip.backbone.backbone import BackboneError
from cma_clip.backbone.loading import SHIPPED, load_backbone
from cma_clip.features.processing import Processor, example_batch
from tests.architectures import CAUSAL, KINDS, MODEL_CONFIGS, NATIVE_VIT
from tests.products import TASKS, products


@pytest.fixture(scope="module")
def backbones(architectures):
    return {kind: load_backbone(architectures[kind]) for kind in KINDS}


def batch_of(backbone, count=4):
    return example_batch(Processor(backbone), list(products(count)), TASKS)


def full_length(backbone, texts):
    return backbone.tokenizer(texts, context_length=backbone.context_length)


@pytest.mark.parametrize("kind", KINDS)
def test_embeddings_are_those_of_open_clip(backbones, kind):
    backbone = backbones[kind]
    batch = batch_of(backbone)
    pixels = (batch.pixel_values.float() / 255 - backbone.pixel_mean) / backbone.pixel_std
    ids = full_length(backbone, products(4).texts())
    with torch.no_grad():
        features = backbone(batch)
        image = normalize(backbone.clip.encode_image(pixels), dim=-1)
        text = normalize(backbone.clip.encode_text(ids), dim=-1)
    torch.testing.assert_close(features.image_embedding, image, atol=1e-5, rtol=0)
    torch.testing.assert_close(features.text_embedding, text, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_are_the_announced_widths(backbones, kind):
    backbone = backbones[kind]
    with torch.no_grad():
        features = backbone(batch_of(backbone))
    assert features.text_tokens.shape[::2] == (4, backbone.text_width)
    assert features.word_embeddings.shape == (*features.text_tokens.shape[:2], backbone.word_width)
    assert features.text_mask.shape == features.text_tokens.shape[:2]
    assert features.text_cls.shape == (4, backbone.text_width)
    assert features.image_tokens.shape[::2] == (4, backbone.image_width)
    assert features.image_cls.shape == (4, backbone.image_width)
    assert features.image_embedding.shape == features.text_embedding.shape == (4, backbone.embedding_width)


@pytest.mark.parametrize("kind", CAUSAL)
def test_trimming_a_causal_text_changes_nothing(backbones, kind):
    backbone = backbones[kind]
    ids = full_length(backbone, ["a red dress", "a very long blue shirt"])
    short = ids[:, : int(ids.argmax(dim=1).max()) + 1]
    assert short.shape[1] < ids.shape[1]
    with torch.no_grad():
        tokens, words, *rest = backbone.text_tower(short)
        all_tokens, all_words, *all_rest = backbone.text_tower(ids)
    torch.testing.assert_close(tokens, all_tokens[:, : short.shape[1]], atol=1e-5, rtol=0)
    torch.testing.assert_close(rest, all_rest, atol=1e-5, rtol=0)
    assert torch.equal(words, all_words[:, : short.shape[1]])
    assert not all_words[:, short.shape[1] :].any()


def test_trimmed_texts_teach_every_position_they_use(architectures):
    backbone = load_backbone(architectures["vit"])
    ids = full_length(backbone, ["a red dress"])[:, :5]
    backbone.encode_text(ids).sum().backward()
    touched = backbone.clip.positional_embedding.grad.abs().sum(dim=1) > 0
    assert touched.tolist() == [True] * 5 + [False] * 11


@pytest.mark.parametrize("kind", ["siglip", "bert"])
def test_bidirectional_texts_are_not_trimmed(backbones, kind):
    assert not backbones[kind].trims_text
    assert batch_of(backbones[kind]).input_ids.shape[1] == 16


@pytest.mark.parametrize("kind", CAUSAL)
def test_words_end_at_the_end_mark(backbones, kind):
    """CLIP pads with 0, which is also the id of a "!" within a word."""
    backbone = backbones[kind]
    ids = full_length(backbone, ["wow !+ !+", "wow"])
    assert ids[0, [2, 4]].tolist() == [0, 0]
    words = backbone.text_tower(ids)[1]
    assert words.sum(dim=1).tolist() == [6, 2]  # begin mark and words


@pytest.mark.parametrize("kind", ["siglip", "bert"])
def test_words_are_what_is_not_padding(backbones, kind):
    words = backbones[kind].text_tower(full_length(backbones[kind], ["a red dress", "a"]))[1]
    assert words.sum(dim=1).tolist() == [5, 3]  # [CLS], words, [SEP]


@pytest.mark.parametrize("kind", KINDS)
def test_permuted_batch_gives_permuted_features(backbones, kind):
    backbone = backbones[kind]
    order = [2, 0, 3, 1]
    examples = list(products(4))
    with torch.no_grad():
        straight = backbone(example_batch(Processor(backbone), examples, TASKS))
        permuted = backbone(example_batch(Processor(backbone), [examples[i] for i in order], TASKS))
    for name in (
        "text_tokens",
        "word_embeddings",
        "text_cls",
        "text_embedding",
        "image_tokens",
        "image_cls",
        "image_embedding",
    ):
        torch.testing.assert_close(getattr(permuted, name), getattr(straight, name)[order], atol=1e-5, rtol=0)


def test_missing_text_has_no_words(backbones):
    with torch.no_grad():
        features = backbones["vit"](batch_of(backbones["vit"], 8))
    assert features.text_present.tolist() == [True] * 7 + [False]
    assert features.text_mask.any(dim=1).tolist() == features.text_present.tolist()
    assert features.image_present.tolist() == [True] * 6 + [False, True]


def test_freeze_all_leaves_nothing_to_train(architectures):
    backbone = load_backbone(architectures["vit"])
    backbone.freeze("all")
    assert not any(p.requires_grad for p in backbone.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_freeze_none_trains_all_but_the_temperature(architectures, kind):
    backbone = load_backbone(architectures[kind])
    backbone.freeze("none")
    frozen = {name for name, p in backbone.named_parameters() if not p.requires_grad}
    assert frozen - {"clip.logit_bias"} == {"clip.logit_scale"}
    assert ("clip.logit_bias" in frozen) == (kind == "siglip")


IMAGE_BLOCKS = {  # kind -> the modules of its last block but one, of its last block, and of what follows the blocks
    "vit": (("transformer.resblocks.0",), ("transformer.resblocks.1",), ("ln_post", "proj")),
    "convnext": (
        ("trunk.stages.3.downsample", "trunk.stages.3.blocks.0"),
        ("trunk.stages.3.blocks.1",),
        ("trunk.head", "head"),
    ),
    "efficientnet": (("trunk.blocks.5.3",), ("trunk.blocks.6.0",), ("trunk.conv_head", "trunk.bn2", "head")),
    "timm_vit": (("trunk.blocks.4",), ("trunk.blocks.5",), ("trunk.norm", "head")),
    "siglip": (("trunk.blocks.4",), ("trunk.blocks.5",), ("trunk.norm", "trunk.attn_pool")),
}


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("kind", IMAGE_BLOCKS)
def test_freeze_k_trains_exactly_the_last_blocks(architectures, kind, level):
    backbone = load_backbone(architectures[kind])
    backbone.freeze(level)
    expected = [module for modules in IMAGE_BLOCKS[kind][2 - level :] for module in modules]
    for name, parameter in backbone.clip.visual.named_parameters():
        assert parameter.requires_grad == any(f"{name}.".startswith(f"{part}.") for part in expected), name
    text = getattr(backbone.clip, "text", backbone.clip)
    first, last = (all(p.requires_grad for p in block.parameters()) for block in text.transformer.resblocks)
    assert (first, last) == (level == 2, True)
    assert not text.token_embedding.weight.requires_grad


@pytest.mark.parametrize("kind", ["resnet", "bert"])
def test_freeze_k_is_refused_where_open_clip_cannot(architectures, kind):
    with pytest.raises(BackboneError, match=r"cannot free 1 blocks of it .*; use all or none"):
        load_backbone(architectures[kind]).freeze(1)


def test_same_id_same_weights_whatever_the_generator(tiny):
    torch.manual_seed(1)
    one = load_backbone(tiny)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    assert load_backbone(tiny).fingerprint == one.fingerprint
    assert torch.equal(torch.get_rng_state(), before)


def test_fingerprint_tells_weights_and_preprocessing_apart(tiny, tmp_path):
    folder = Path(tiny.removeprefix("random:local-dir:"))
    config = json.loads((folder / "open_clip_config.json").read_text())
    config["preprocess_cfg"] = {"mean": [0.5, 0.5, 0.5]}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    other = load_backbone(f"random:local-dir:{tmp_path}")
    original = load_backbone(tiny)
    assert other.fingerprint != original.fingerprint


def test_shipped_model_loads_without_a_network():
    backbone = load_backbone("tiny-product-clip")
    assert backbone.context_length == 77
    assert backbone.image_size == (80, 80)


@pytest.mark.parametrize(
    ("backbone_id", "message"),
    [
        ("ViT-B-32/openai", "trained with QuickGELU.*use ViT-B-32-quickgelu/openai"),
        ("ViT-B-32-quickgelu/laion2b_s34b_b79k", r"has the pretrained tags \['openai'"),
        ("tiny-product-clp", r"did you mean tiny-product-clip\? Valid: tiny-product-clip, ARCHITECTURE/TAG"),
        ("ViT-B-23/openai", "did you mean ViT-B-32"),
        ("ViT-B-32/opnai", r"has the pretrained tags \['openai'.*random:ViT-B-32"),
        ("local-dir:/no/such/folder", "not found: /no/such/folder"),
        ("", "unknown backbone ''"),
    ],
)
def test_wrong_ids_are_refused(backbone_id, message):
    with pytest.raises(BackboneError, match=message):
        load_backbone(backbone_id)


def test_folder_without_weights_is_refused(tiny):
    with pytest.raises(BackboneError, match="cannot be loaded") as caught:
        load_backbone(tiny.removeprefix("random:"))
    assert "open_clip_model.safetensors" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"embed_dim": None}, "embed_dim"),
        ({"vision_cfg": {"image_size": 32, "no_such_key": 1}}, "no_such_key"),
        ({"text_cfg": "a text"}, "cannot be loaded"),
    ],
)
def test_a_config_that_open_clip_cannot_use_is_told_in_one_sentence(tmp_path, change, reason):
    model = {name: value for name, value in {**MODEL_CONFIGS["vit"], **change}.items() if value is not None}
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": model, "preprocess_cfg": {}}))
    with pytest.raises(BackboneError, match=f"cannot be loaded: .*{reason}|{reason}") as caught:
        load_backbone(f"random:local-dir:{tmp_path}")
    assert "\n" not in str(caught.value)


def test_torn_weights_are_told_in_one_sentence(tmp_path):
    folder = tmp_path / "weights"
    shutil.copytree(SHIPPED / "tiny-product-clip", folder)
    weights = folder / "open_clip_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5_000])
    with pytest.raises(BackboneError, match=r"cannot be loaded: .*local-dir:FOLDER"):
        load_backbone(f"local-dir:{folder}")


def test_a_text_tower_without_a_causal_mask_inside_open_clips_own_class(tmp_path):
    """As CLIPA's: no end mark of its own, padding with 0."""
    text = {**MODEL_CONFIGS["vit"]["text_cfg"], "no_causal_mask": True, "pool_type": "last"}
    config = {"model_cfg": {**MODEL_CONFIGS["vit"], "text_cfg": text}, "preprocess_cfg": {}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    backbone = load_backbone(f"random:local-dir:{tmp_path}")
    features = backbone(batch_of(backbone))
    assert features.text_mask.any(dim=1).all()
    assert not features.text_mask.all()


def test_hub_out_of_reach_fails_at_once_in_one_line(caplog, capfd):
    start = time.perf_counter()
    with pytest.raises(BackboneError, match=r"ViT-B-32-quickgelu/openai.*local-dir:FOLDER") as caught:
        load_backbone("ViT-B-32-quickgelu/openai")
    assert time.perf_counter() - start < 5
    assert "\n" not in str(caught.value)
    assert not caplog.records
    assert capfd.readouterr().err == ""


def test_an_end_mark_with_an_id_of_its_own_is_found(tmp_path):
    """As of open_clip's worldwide CLIPs, whose end mark is not the greatest id."""
    text = {
        "context_length": 16,
        "vocab_size": 64,
        "width": 32,
        "heads": 2,
        "layers": 2,
        "pool_type": "eos",
        "eos_id": 2,
    }
    config = {"embed_dim": 48, "vision_cfg": NATIVE_VIT, "text_cfg": text}
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {}}))
    backbone = load_backbone(f"random:local-dir:{tmp_path}")
    assert backbone.trims_text
    ids = torch.zeros(2, 16, dtype=torch.long)
    ids[0, :5] = torch.tensor([1, 40, 60, 9, 2])
    ids[1, :3] = torch.tensor([1, 50, 2])
    assert backbone.text_tower.ends(ids).tolist() == [4, 2]
    with torch.no_grad():
        torch.testing.assert_close(backbone.encode_text(ids[:, :5]), backbone.encode_text(ids))
    processor = Processor(backbone)
    processor.tokenizer = lambda texts, context_length: ids[: len(texts), :context_length]
    assert processor.texts(["one", "two"]).shape == (2, 5)
