"""One tiny, randomly initialised architecture per kind of open_clip tower, as `local-dir` folders."""

import json

WORDS = [
    "a",
    "an",
    "the",
    "red",
    "green",
    "blue",
    "small",
    "large",
    "shirt",
    "shirts",
    "dress",
    "box",
    "photo",
    "of",
    "very",
    "long",
    "and",
    ".",
    "!",
]
TEXT = {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
SIGLIP_TEXT = {
    **TEXT,
    "vocab_size": 64,
    "no_causal_mask": True,
    "proj_bias": True,
    "pool_type": "last",
    "norm_kwargs": {"eps": 1e-6},
    "pad_id": 1,
}
NATIVE_VIT = {"image_size": 32, "layers": 2, "width": 64, "patch_size": 16, "head_width": 32}


def timm(name, size, pool, proj):
    return {
        "timm_model_name": name,
        "timm_model_pretrained": False,
        "timm_pool": pool,
        "timm_proj": proj,
        "image_size": size,
    }


MODEL_CONFIGS = {
    "vit": {"embed_dim": 48, "vision_cfg": NATIVE_VIT, "text_cfg": TEXT},
    "resnet": {
        "embed_dim": 48,
        "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None},
        "text_cfg": TEXT,
    },
    "convnext": {
        "embed_dim": 48,
        "custom_text": True,
        "vision_cfg": timm("convnext_atto", 64, "", "linear"),
        "text_cfg": TEXT,
    },
    "timm_vit": {
        "embed_dim": 48,
        "custom_text": True,
        "vision_cfg": timm("test_vit", 160, "token", "linear"),
        "text_cfg": TEXT,
    },
    "efficientnet": {
        "embed_dim": 48,
        "custom_text": True,
        "vision_cfg": timm("tf_efficientnet_lite0", 64, "avg", "linear"),
        "text_cfg": TEXT,
    },
    "siglip": {
        "embed_dim": 64,
        "custom_text": True,
        "init_logit_bias": -10,
        "vision_cfg": timm("test_vit", 160, "map", "none"),
        "text_cfg": SIGLIP_TEXT,
    },
    "bert": {"embed_dim": 48, "custom_text": True, "vision_cfg": NATIVE_VIT, "text_cfg": {}},
}

KINDS = tuple(MODEL_CONFIGS)
CAUSAL = ("vit", "resnet", "convnext", "timm_vit", "efficientnet")


def write_architecture(folder, kind, **text):
    """Returns the backbone id of `kind` with random weights; `text` changes the configuration of its text tower."""
    folder.mkdir(parents=True)
    config = dict(MODEL_CONFIGS[kind])
    if kind == "siglip":
        _write_tokenizer(folder, ["[UNK]", "[PAD]", "[CLS]", "[SEP]"])
        config["text_cfg"] = {**SIGLIP_TEXT, "hf_tokenizer_name": str(folder)}
    if kind == "bert":
        config["text_cfg"] = _write_bert(folder)
    config["text_cfg"] = {**config["text_cfg"], **text}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {}}))
    return f"random:local-dir:{folder}"


def _write_bert(folder):
    from transformers import BertConfig

    _write_tokenizer(folder, ["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    BertConfig(
        vocab_size=64,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=16,
    ).save_pretrained(folder)
    return {
        "hf_model_name": str(folder),
        "hf_tokenizer_name": str(folder),
        "hf_proj_type": "linear",
        "hf_pooler_type": "cls_last_hidden_state_pooler",
        "context_length": 16,
    }


def _write_tokenizer(folder, specials):
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: number for number, word in enumerate([*specials, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    marks = [(word, vocabulary[word]) for word in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
