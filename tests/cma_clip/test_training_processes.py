"""Several devices train a network as one does; here they are processes of a CPU."""

import os

import numpy as np
import pytest
import torch

from benchmarks.processes import fresh_processes
from cma_clip.classifier import Workspace
from cma_clip.model import CMAClip, CMAClipConfig
from tests.cma_clip.test_contrastive_processes import free_port
from tests.products import TASKS, products

TRAIN, VAL = products(25, seed=1), products(13, seed=2)
SETTINGS = {"width": 32, "heads": 2, "batch_size": 8, "max_epochs": 3, "dropout": 0.0}
"""The last batch has one row, the validation split an odd number; labels and modalities are missing here and there."""


def train(tiny, options, out, workspace, last=None):
    """Fit and write what was learned; with `last`, end after this epoch as if killed."""
    torch.set_num_threads(1)
    model, heard = CMAClip(TASKS, CMAClipConfig(backbone=tiny, **SETTINGS, **options), 0, workspace), {}

    def report(epoch, values):
        heard[epoch] = values
        if epoch == last:
            os._exit(9)

    model.fit(TRAIN, VAL, report)
    values, arrays = model.state()
    weights = {name: torch.tensor(array) for name, array in arrays.items()}
    torch.save(
        {"weights": weights, "values": values, "epochs": heard, "answers": model.predict(VAL).probabilities}, out
    )


def train_as(rank, processes, port, folder, arguments):
    """As what Lightning tells a process that it has started; each writes a file of its own."""
    if processes > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), NODE_RANK="0", LOCAL_RANK=str(rank))
    tiny, options, checkpoints, last = arguments
    train(tiny, options, folder / f"{rank}.pt", Workspace(checkpoints=checkpoints, devices=processes), last)


def trained(processes, folder, tiny, options, checkpoints=None, last=None):
    """What each of so many processes has learned; nothing where they were killed."""
    folder.mkdir()
    server, port = fresh_processes("benchmarks.running.parallel"), free_port()
    arguments = processes, port, folder, (tiny, options, checkpoints, last)
    started = [server.Process(target=train_as, args=(rank, *arguments)) for rank in range(processes)]
    for process in started:
        process.start()
    for process in started:
        process.join(120)
    assert [process.exitcode for process in started] == [0 if last is None else 9] * processes
    return [torch.load(path, weights_only=False) for path in sorted(folder.iterdir())]


def assert_same(found, expected):
    assert found["values"]["history"]["best_epoch"] == expected["values"]["history"]["best_epoch"]
    for epoch, values in found["epochs"].items():
        assert values == pytest.approx(expected["epochs"][epoch], abs=1e-4)
        for name in ("val/score", "val/color/accuracy", "val/size/accuracy"):
            assert values[name] == pytest.approx(expected["epochs"][epoch][name], abs=1e-6)
    for name, value in expected["weights"].items():
        learned = found["weights"][name]
        if name.endswith("key_value.bias"):
            # A softmax does not notice the keys' bias: its gradient is rounding, of which Adam makes whole steps.
            learned, value = (bias.chunk(2)[1] for bias in (learned, value))  # noqa: PLW2901 - the same parameter
        torch.testing.assert_close(learned, value, atol=1e-4, rtol=1e-3, msg=name)
    for task, values in expected["answers"].items():
        np.testing.assert_allclose(found["answers"][task], values, atol=1e-4)


@pytest.mark.parametrize(
    "options", [{"class_weights": True, "label_smoothing": 0.1}, {"freeze": "none"}], ids=["heads", "backbone"]
)
def test_two_devices_train_as_one(tiny, tmp_path, options):
    (expected,) = trained(1, tmp_path / "one", tiny, options)
    first, second = trained(2, tmp_path / "two", tiny, options)
    assert_same(first, expected)
    assert first["epochs"] == second["epochs"]
    assert all(torch.equal(value, second["weights"][name]) for name, value in first["weights"].items())
    assert all(np.array_equal(values, second["answers"][task]) for task, values in first["answers"].items())


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)])
def test_a_training_goes_on_with_another_number_of_devices(tiny, tmp_path, before, after):
    (expected,) = trained(1, tmp_path / "straight", tiny, {})
    checkpoints = tmp_path / "checkpoints"
    trained(before, tmp_path / "killed", tiny, {}, checkpoints, last=1)
    found = trained(after, tmp_path / "resumed", tiny, {}, checkpoints)
    assert 0 not in found[0]["epochs"]
    for one in found:
        assert_same(one, expected)
