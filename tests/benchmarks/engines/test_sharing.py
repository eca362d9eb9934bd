"""How many experiments share a machine or a GPU, and what is said where an engine is not to be had."""

import socket
from importlib.util import find_spec

import pytest

from benchmarks.engines import EngineOptions, ray
from benchmarks.engines.local import Local
from benchmarks.engines.sharing import per_gpu, per_machine
from benchmarks.engines.task import EngineError, Needs, Task
from benchmarks.names import UnknownName
from tests.benchmarks.engines import lossy

GB = 1_000_000_000


@pytest.mark.parametrize(
    ("share", "memory", "number", "why"),
    [
        (1.0, 80 * GB, 1, "1 on each GPU, as --gpus-per-experiment 1 says; its memory would hold 20"),
        (0.25, 80 * GB, 4, "4 on each GPU, as --gpus-per-experiment 0.25 says; its memory would hold 20"),
        (0.1, None, 10, "10 on each GPU, as --gpus-per-experiment 0.1 says"),
        (0.25, 10 * GB, 2, "2 on each GPU: its 10 GB hold no more of 4 GB"),
        (0.5, 2 * GB, 1, "1 on each GPU: its 2 GB hold no more of 4 GB"),
    ],
)
def test_no_more_processes_share_a_gpu_than_its_memory_holds(share, memory, number, why):
    assert per_gpu(share, memory) == (number, why)


def test_processes_without_a_gpu_are_one_a_core_unless_memory_is_short():
    needs = Needs(memory=2 * GB)
    assert per_machine(needs, 16, 64 * GB) == (16, "one a core")
    assert per_machine(needs, 16, 8 * GB) == (4, "its 8 GB of memory hold no more of 2.0 GB")
    assert per_machine(needs, 1, GB)[0] == 1


def test_each_local_process_keeps_to_its_gpu():
    tasks = [Task(str(n), lossy.visible, ()) for n in range(4)]
    seen = {ended.value for ended in Local(2, ["0", "1"]).run(tasks, print)}
    assert seen == {"0", "1"}
    with EngineOptions(gpus=0, workers=1).open() as engine:
        assert [ended.value for ended in engine.run(tasks[:1], print)] == [""]


def test_an_engine_that_is_not_there_is_one_sentence(monkeypatch):
    with pytest.raises(UnknownName, match="unknown engine 'slurm'"):
        EngineOptions("slurm").open()
    for options in ({"workers": 0}, {"gpus_per_experiment": 0.0}, {"gpus_per_experiment": 2.0}):
        with pytest.raises(ValueError, match=r"--workers 0|--gpus-per-experiment"):
            EngineOptions(**options).open()
    with pytest.raises(EngineError, match="`local` is this machine"), EngineOptions("local://here").open():
        pass
    monkeypatch.setattr(ray, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"pip install 'cma-clip-bench\[cluster\]'"), EngineOptions("ray").open():
        pass


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
@pytest.mark.parametrize("silent", [False, True], ids=["nobody", "somebody else"])
def test_a_head_that_does_not_answer_is_one_sentence_at_once(silent):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        if silent:
            other.listen()
            other.settimeout(0)
        address = "{}:{}".format(*other.getsockname())
        with (
            pytest.raises(EngineError, match=rf"ray://{address} does not answer .*ray start --head"),
            EngineOptions(f"ray://{address}").open(),
        ):
            pass
    with pytest.raises(EngineError, match="is not of the form"), EngineOptions("ray://somewhere").open():
        pass
