"""Two processes compute what one does with the whole batch."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import torch

from benchmarks.processes import fresh_processes
from cma_clip.backbone.loading import load_backbone
from cma_clip.contrastive.loss import SharedTextLoss
from cma_clip.features.processing import Processor, example_batch
from tests.products import TASKS, products

PLAIN = {"augment": "none", "patch_dropout": 0.0, "fragments": 0}


def loss_of(backbone, batch, words, **processes):
    image = backbone.encode_image(batch.pixel_values)[2]
    text = backbone.encode_text(batch.input_ids)
    return SharedTextLoss(**processes)(image, text, backbone.logit_scale.exp(), words, words)


WORDS = torch.tensor([1, 2, 1, 3, 4, 2])[:, None]  # equal texts on either side of the cut


def one_of_two(rank, tiny, port, folder):
    """What one of two processes does with its half of the batch; DDP averages the gradients."""
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
    backbone = load_backbone(tiny)
    half = slice(3 * rank, 3 * rank + 3)
    batch = example_batch(Processor(backbone), list(products(6, holes=False))[half], TASKS)
    loss = loss_of(backbone, batch, WORDS[half], rank=rank, world_size=2)
    loss.backward()
    gradients = {}
    for name, parameter in backbone.named_parameters():
        if parameter.grad is not None:
            torch.distributed.all_reduce(parameter.grad)
            gradients[name] = parameter.grad / 2
    torch.save({"loss": loss.detach(), "gradients": gradients}, folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


def test_two_processes_compute_the_loss_and_gradients_of_one(tiny, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    fresh_processes("benchmarks.running.parallel")
    torch.multiprocessing.start_processes(one_of_two, (tiny, port, tmp_path), nprocs=2, start_method="forkserver")

    backbone = load_backbone(tiny)
    loss = loss_of(backbone, example_batch(Processor(backbone), list(products(6, holes=False)), TASKS), WORDS)
    loss.backward()
    expected = {name: p.grad for name, p in backbone.named_parameters() if p.grad is not None}
    for rank in range(2):
        found = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        torch.testing.assert_close(found["loss"], loss.detach(), atol=1e-5, rtol=0)
        assert found["gradients"].keys() == expected.keys()
        for name, gradient in found["gradients"].items():
            torch.testing.assert_close(gradient, expected[name], atol=1e-5, rtol=1e-4, msg=name)


SCRIPT = """
import json, os, sys, torch
from pathlib import Path
from lightning.pytorch.callbacks import Callback
from cma_clip.backbone.loading import load_backbone
from cma_clip.classifier import Workspace
from cma_clip.contrastive.training import fit_contrastive
from cma_clip.contrastive.module import ContrastiveConfig
from tests.products import products

torch.set_num_threads(1)
backbone = load_backbone(sys.argv[1])
pairs = products(32, seed=1, holes=False), products(12, seed=2)
workspace = Workspace(checkpoints=Path(sys.argv[4]) if len(sys.argv) > 4 else None)

class Killer(Callback):
    def on_train_epoch_start(self, trainer, pl_module):
        if trainer.current_epoch == 2 and "--killed" in sys.argv:
            os._exit(9)

outcome = fit_contrastive(backbone, pairs, ContrastiveConfig(**json.loads(sys.argv[2])), 0, workspace, [Killer()])
if outcome.module.global_rank == 0:
    torch.save(backbone.state_dict(), sys.argv[3])
"""


def train(script, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, script, *arguments]
    return subprocess.run(command, check="--killed" not in arguments, env=environment, timeout=120)


def test_two_processes_that_were_killed_go_on_and_end_with_the_same_weights(tiny, tmp_path):
    """With captions of a few words, mirrored photos and left out patches, which every process draws for itself."""
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    config = json.dumps({"epochs": 4, "batch_size": 4, "devices": 2, "learning_rate": 1e-3})
    straight, resumed, checkpoints = (tmp_path / name for name in ("straight.pt", "resumed.pt", "checkpoints"))
    train(script, tiny, config, straight)
    assert train(script, tiny, config, resumed, checkpoints, "--killed").returncode != 0
    assert list(checkpoints.glob("epoch=1*.ckpt"))
    assert not resumed.exists()
    train(script, tiny, config, resumed, checkpoints)
    expected, found = (torch.load(path, weights_only=True) for path in (straight, resumed))
    for name, value in expected.items():
        assert torch.equal(found[name], value), name


def test_lightning_with_two_processes_trains_as_one_with_the_whole_batch(tiny, tmp_path):
    """Each process reads every second row of the same order, so that both see the batch of one."""
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    states = []
    for devices, batch_size in ((1, 8), (2, 4)):
        config = json.dumps({"epochs": 2, "batch_size": batch_size, "devices": devices, "learning_rate": 1e-3, **PLAIN})
        out = tmp_path / f"{devices}.pt"
        train(script, tiny, config, out)
        states.append(torch.load(out, weights_only=True))
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, atol=2e-4, rtol=1e-3, msg=name)
