"""The plain network that ours is timed against is the same network: same weights, same answers, same gradients."""

import pytest
import torch
from transformers import CLIPModel

from benchmarks.datasets import catalog
from benchmarks.datasets.loading.splits import Source
from benchmarks.perf.peers.measuring import plain_examples
from benchmarks.perf.peers.plain import PlainCMAClip, loss_of
from benchmarks.perf.peers.shapes import Shape, clip_config, write_architecture
from cma_clip.classifier import Workspace
from cma_clip.learner import Learner
from cma_clip.model import CMAClip, CMAClipConfig

SMALL = Shape(
    image_size=32, patch_size=16, image_width=64, image_layers=2, text_width=128, text_layers=2, embedding_width=48
)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """(Our model, the plain network with its weights, products, the same products as the plain network takes them)."""
    folder = tmp_path_factory.mktemp("peers")
    splits = catalog.load(Source(), catalog.CatalogOptions(num_train=8, num_val=8, num_test=8))
    config = CMAClipConfig(backbone=write_architecture(SMALL, folder), freeze="none", dropout=0.0)
    model = CMAClip(splits.tasks, config, 0, Workspace())
    plain = PlainCMAClip(CLIPModel(clip_config(SMALL)), [len(task.classes) for task in splits.tasks], config)
    plain.load_state_dict(as_plain(model))
    examples = plain_examples(model.backbone, splits.train, [task.name for task in splits.tasks], Workspace())
    return model, plain, splits.train, examples


def as_plain(model):
    """Our weights under the names of the plain network."""
    clip = {f"clip.{name}": value for name, value in as_transformers(model.backbone.clip.state_dict()).items()}
    return clip | fusion_as_plain(model.network.state_dict())


def as_transformers(state):
    """open_clip's weights under the names of `transformers`: query, key and value apart, projections transposed."""
    renamed = {}
    for name, value in state.items():
        if name in PROJECTIONS:
            renamed[PROJECTIONS[name]] = value.T
        elif "in_proj_" in name:
            pieces = zip("qkv", value.chunk(3), strict=True)
            renamed |= {long_name(name.replace("in_proj_", f"{part}_proj.")): piece for part, piece in pieces}
        else:
            renamed[long_name(name)] = value
    return renamed


PROJECTIONS = {"visual.proj": "visual_projection.weight", "text_projection": "text_projection.weight"}
NAMES = {
    "transformer.resblocks": "encoder.layers",
    "attn.": "self_attn.",
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "ln_pre": "pre_layrnorm",
    "ln_post": "post_layernorm",
    "ln_final": "final_layer_norm",
    "class_embedding": "embeddings.class_embedding",
    "positional_embedding": "embeddings.position_embedding.weight",
    "token_embedding": "embeddings.token_embedding",
    "conv1": "embeddings.patch_embedding",
}


def long_name(name):
    if name == "logit_scale":
        return name
    name = name.replace("visual.", "vision_model.") if name.startswith("visual.") else f"text_model.{name}"
    for short, long in NAMES.items():
        name = name.replace(short, long)
    return name


def fusion_as_plain(state):
    """Query, key and value as `nn.MultiheadAttention` has them, in one."""
    renamed = {}
    for full_name, value in state.items():
        name = full_name.removeprefix("sequence.").removeprefix("project.")
        if ".query." in name:
            key_value = state[full_name.replace("query", "key_value")]
            renamed[name.replace("query.", "attention.in_proj_")] = torch.cat([value, key_value])
        elif name == "modality.w":
            renamed["keyless"] = value[:, 0]
        elif ".key_value." not in name:
            renamed[name.replace(".out.", ".attention.out_proj.")] = value
    return renamed


def our_batch(model, products):
    return model._batches(products)[list(range(len(products)))]


def close(found, expected):
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("trims", [False, True], ids=["77 tokens", "equal length"])
def test_the_same_weights_give_the_same_answers(both, trims):
    model, plain, products, examples = both
    batch = examples.batch(torch.arange(len(examples)), trims)
    with torch.inference_mode():
        ours = model.network(model.backbone(our_batch(model, products).inputs))
        close(plain.eval()(batch.pixels, batch.ids), list(ours.logits.values()))


@pytest.mark.parametrize("freeze", ["all", "none", 1, 2])
def test_the_same_step_follows(both, freeze):
    """Loss of one batch, what gets a gradient, and how large it is."""
    model, plain, products, examples = both
    learner = Learner(model.network, model.backbone, model.config, {}, 0).train()
    labelled = our_batch(model, products)
    batch = examples.batch(torch.arange(len(examples)), trims=True)
    model.backbone.freeze(freeze)
    plain.freeze(freeze)
    loss = learner.loss(learner(labelled.inputs)[0], labelled.labels)
    plain_loss = loss_of(plain.train()(batch.pixels, batch.ids), batch.labels)
    close(plain_loss, loss)
    ours, theirs = gradients(learner, loss), gradients(plain, plain_loss)
    assert sum(g.numel() for g in theirs) == sum(g.numel() for g in ours)
    close(norm(theirs), norm(ours))


def gradients(module, loss):
    module.zero_grad()
    loss.backward()
    return [p.grad for p in module.parameters() if p.grad is not None]


def norm(tensors):
    return torch.stack([tensor.norm() for tensor in tensors]).norm()
