"""Numbers change only with a version: every registry entry against what is committed."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch

import baselines.mmbt
import cma_clip.model
from benchmarks.datasets import DATASETS
from benchmarks.metrics import METRICS
from benchmarks.models import MODELS
from benchmarks.perturbations import PERTURBATIONS, PROTOCOLS
from benchmarks.records.record import CLEAN
from cma_clip.model import task_head
from tests.golden.comparison import FILE, complaint, dump, entry_of, load
from tests.golden.computations import COMPUTATIONS

ROOT = Path(__file__).parents[2]
PARTS = ("training", "contrastive training", "features", "loading", "masking", "evaluation", "group intervals")


def computed(name):
    return entry_of(COMPUTATIONS[name].versions, COMPUTATIONS[name].numbers())


@pytest.mark.parametrize("name", COMPUTATIONS)
def test_the_numbers_are_those_of_the_version(name):
    said = complaint(name, computed(name), load().get(name), COMPUTATIONS[name].tolerance)
    assert said is None, said


def test_every_registry_entry_has_numbers_and_a_name_of_its_own():
    names = [*MODELS, *DATASETS, *PERTURBATIONS, *(set(PROTOCOLS) - {CLEAN}), *METRICS, *PARTS]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert set(COMPUTATIONS) == set(names)
    assert set(load()) <= set(names), "numbers of an entry that is gone: refresh the golden file with `nox -s golden`"


def test_every_model_states_its_own_version():
    assert [name for name, model in MODELS.items() if "version" not in vars(model)] == []


def test_the_file_is_as_the_command_writes_it():
    assert FILE.read_text(encoding="utf-8") == dump(load())


def test_another_activation_in_the_task_heads_is_noticed(monkeypatch):
    for module in (cma_clip.model, baselines.mmbt):
        monkeypatch.setattr(module, "task_head", _with_relu)
    stored = load()
    for name in ("cma_clip", "mmbt", "text_only"):
        assert complaint(name, computed(name), stored[name], COMPUTATIONS[name].tolerance) == (
            f"the numbers of {name} changed: raise its version and refresh the golden file with `nox -s golden`"
        )


def _with_relu(width, num_classes, dropout):
    head = task_head(width, num_classes, dropout)
    head[1] = torch.nn.ReLU()
    return head


NOW = {"versions": {"blur": 1}, "numbers": {"pixels": [10.0], "texts": "ab"}}


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (NOW, None),
        ({**NOW, "numbers": {"pixels": [10.4], "texts": "ab"}}, None),
        (
            {**NOW, "numbers": {"pixels": [10.6], "texts": "ab"}},
            "the numbers of blur changed: raise its version and refresh the golden file with `nox -s golden`",
        ),
        (
            {**NOW, "numbers": {"pixels": [10.0]}},
            "the numbers of blur changed: raise its version and refresh the golden file with `nox -s golden`",
        ),
        (
            {**NOW, "versions": {"blur": 2}},
            "the version of blur was raised: refresh the golden file with `nox -s golden`",
        ),
        (
            {**NOW, "numbers": {**NOW["numbers"], "default edges": "mirrored"}},
            "blur has new numbers: add them with `nox -s golden`",
        ),
    ],
)
def test_each_difference_has_its_sentence(now, said):
    assert complaint("blur", now, NOW, 0.5) == said


def test_a_new_entry_says_what_to_run():
    assert complaint("blur", NOW, None, 0.5) == "blur has no numbers: add them with `nox -s golden`"


KEYS = """
from pathlib import Path
from benchmarks import versions
from benchmarks.records.record import key_of
from benchmarks.records.store import load_records
for suite in sorted(Path("results/reference").glob("*/records")):
    for record in load_records(suite.parent):
        now = versions.of_experiment(record.experiment)
        if record.versions == {name: int(version) for name, version in now.items()}:  # not made by an older version
            assert key_of(record.experiment, record.fingerprints, now) == record.key, record.experiment.label()
            print(record.key)
"""


def test_moving_a_file_and_renaming_a_function_keeps_every_record(tmp_path):
    for folder in ("benchmarks", "baselines", "cma_clip", "results/reference"):
        ignored = shutil.ignore_patterns("__pycache__", "*.png", "*.svg", "*.html", "*.safetensors")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    (tmp_path / "baselines/majority.py").rename(tmp_path / "baselines/class_shares.py")
    for path in tmp_path.rglob("*.py"):
        code = path.read_text(encoding="utf-8")
        renamed = code.replace("baselines.majority", "baselines.class_shares").replace("task_head", "mlp_of_task")
        path.write_text(renamed, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", KEYS], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) > 20
