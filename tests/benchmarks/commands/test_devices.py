"""One network on several devices, as a user asks for it; here they are processes of a CPU."""

import os
from functools import partial

import pytest

from benchmarks.processes import is_first_device
from benchmarks.records.record import CLEAN, MEAN
from benchmarks.records.store import load_records
from tests.cma_clip.test_contrastive_processes import free_port
from tests.installed_command import DATA, begun, cma_bench, hparams


def as_started_by_lightning(rank, port):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), NODE_RANK="0", LOCAL_RANK=str(rank))


def test_two_devices_make_one_record_which_is_that_of_one(tmp_path, tiny):
    asked = ["run", "--dataset", "catalog", "--model", "cma_clip", "--tracking", "off", *DATA]
    asked += hparams(tiny, max_epochs=2, dropout=0.0)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    two, port = ["--devices", "2"], free_port()
    said = [(tmp_path / f"{rank}.out", tmp_path / f"{rank}.err") for rank in range(2)]
    processes = [
        begun(*asked, *two, cwd=folders[1], streams=said[rank], first=partial(as_started_by_lightning, rank, port))
        for rank in range(2)
    ]
    assert cma_bench(*asked, cwd=folders[0]).returncode == 0
    for process, (_, errors) in zip(processes, said, strict=True):
        process.join(120)
        assert process.exitcode == 0, errors.read_text()
    assert "catalog/cma_clip/seed-0 (" in said[0][0].read_text()
    assert said[1][0].read_text() == ""
    ([one], [two]) = (load_records(folder / "results" / "single") for folder in folders)
    assert two.key == one.key
    for metric, expected in one.metrics[CLEAN][MEAN].items():
        assert two.metrics[CLEAN][MEAN][metric].value == pytest.approx(expected.value, abs=0.05, nan_ok=True)
    assert not list((folders[1] / "runs").rglob("*.ckpt"))


@pytest.mark.parametrize(
    ("variables", "first"),
    [
        ({}, True),
        ({"LOCAL_RANK": "0", "NODE_RANK": "0"}, True),
        ({"LOCAL_RANK": "1", "NODE_RANK": "0"}, False),
        ({"NODE_RANK": "1"}, False),
        ({"RANK": "2", "LOCAL_RANK": "0"}, False),
        ({"RANK": "0", "LOCAL_RANK": "0", "SLURM_PROCID": "1"}, True),
        ({"SLURM_PROCID": "3"}, False),
    ],
    ids=str,
)
def test_one_process_of_a_training_is_the_first(variables, first, monkeypatch):
    for name in ("RANK", "NODE_RANK", "LOCAL_RANK", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert is_first_device() is first
