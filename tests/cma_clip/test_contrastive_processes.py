"""Two processes compute what one does with the whole batch."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import torch
from lightning.pytorch.callbacks import Callback

from benchmarks.processes import fresh_processes
from cma_clip.backbone.loading import load_backbone
from cma_clip.classifier import Workspace
from cma_clip.contrastive.loss import SharedTextLoss
from cma_clip.contrastive.module import ContrastiveConfig
from cma_clip.contrastive.training import fit_contrastive
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


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_two_processes_compute_the_loss_and_gradients_of_one(tiny, tmp_path):
    fresh_processes("benchmarks.running.parallel")
    arguments = tiny, free_port(), tmp_path
    torch.multiprocessing.start_processes(one_of_two, arguments, nprocs=2, start_method="forkserver")

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


class Killer(Callback):
    def on_train_epoch_start(self, trainer, pl_module):
        if trainer.current_epoch == 2:
            os._exit(9)


def train(tiny, config, out, checkpoints=None, callbacks=()):
    """Train as one of as many processes as `config` says; the first one writes the weights."""
    backbone = load_backbone(tiny)
    pairs = products(32, seed=1, holes=False), products(12, seed=2)
    workspace = Workspace(checkpoints=checkpoints)
    outcome = fit_contrastive(backbone, pairs, ContrastiveConfig(**config), 0, workspace, [*callbacks])
    if outcome.module.global_rank == 0:
        torch.save(backbone.state_dict(), out)


def train_as(rank, port, *arguments):
    """What Lightning tells a process that it has started."""
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), NODE_RANK="0", LOCAL_RANK=str(rank))
    torch.set_num_threads(1)
    train(*arguments)


def exit_codes_of_two(*arguments):
    server, port = fresh_processes("benchmarks.running.parallel"), free_port()
    processes = [server.Process(target=train_as, args=(rank, port, *arguments)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    return [process.exitcode for process in processes]


SCRIPT = """
import json, sys
from tests.cma_clip.test_contrastive_processes import train
train(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3])
"""
"""Lightning starts it once more for the second process."""


def test_two_processes_that_were_killed_go_on_and_end_with_the_same_weights(tiny, tmp_path):
    """With captions of a few words, mirrored photos and left out patches, which every process draws for itself."""
    config = {"epochs": 4, "batch_size": 4, "devices": 2, "learning_rate": 1e-3}
    straight, resumed, checkpoints = (tmp_path / name for name in ("straight.pt", "resumed.pt", "checkpoints"))
    assert exit_codes_of_two(tiny, config, straight) == [0, 0]
    assert exit_codes_of_two(tiny, config, resumed, checkpoints, [Killer()]) == [9, 9]
    assert list(checkpoints.glob("epoch=1*.ckpt"))
    assert not resumed.exists()
    assert exit_codes_of_two(tiny, config, resumed, checkpoints) == [0, 0]
    expected, found = (torch.load(path, weights_only=True) for path in (straight, resumed))
    for name, value in expected.items():
        assert torch.equal(found[name], value), name


def test_lightning_with_two_processes_trains_as_one_with_the_whole_batch(tiny, tmp_path):
    """Each process reads every second row of the same order, so that both see the batch of one."""
    script, one, two = (tmp_path / name for name in ("train.py", "one.pt", "two.pt"))
    script.write_text(SCRIPT)
    config = {"epochs": 2, "learning_rate": 1e-3, **PLAIN}
    train(tiny, {**config, "batch_size": 8, "devices": 1}, one)
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    of_two = json.dumps({**config, "batch_size": 4, "devices": 2})
    subprocess.run([sys.executable, script, tiny, of_two, two], check=True, env=environment, timeout=300)
    states = [torch.load(path, weights_only=True) for path in (one, two)]
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, atol=2e-4, rtol=1e-3, msg=name)
