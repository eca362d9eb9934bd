import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.records.fingerprint import code_fingerprint
from benchmarks.running.environment import LIBRARIES, environment

CODE = '''"""Docstring."""
RATE = 0.1

def double(x: float) -> float:
    """Twice x."""
    return 2 * x
'''


def fingerprint(root, path="cma_clip/model.py", code=CODE):
    """Of a project that holds this one file."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(code)
    code_fingerprint.cache_clear()
    return code_fingerprint(root)


SAME = {
    "comment": CODE.replace("RATE = 0.1", "RATE = 0.1  # per step"),
    "docstring": CODE.replace("Twice x.", "Two times x."),
    "no docstrings": CODE.replace('"""Docstring."""', "").replace('"""Twice x."""', ""),
    "layout": CODE.replace("2 * x", "(2\n        * x)"),
}
OTHER = {
    "constant": CODE.replace("0.1", "0.2"),
    "name": CODE.replace("RATE", "SPEED"),
    "text that is a value": CODE.replace("0.1", "'0.1'"),
    "operator": CODE.replace("2 * x", "2 + x"),
    "annotation": CODE.replace("x: float", "x: int"),
}


@pytest.mark.parametrize("code", SAME.values(), ids=SAME)
def test_what_does_not_run_does_not_move_the_fingerprint(tmp_path, code):
    assert fingerprint(tmp_path) == fingerprint(tmp_path, code=code)


@pytest.mark.parametrize("code", OTHER.values(), ids=OTHER)
def test_what_runs_moves_the_fingerprint(tmp_path, code):
    assert fingerprint(tmp_path) != fingerprint(tmp_path, code=code)


@pytest.mark.parametrize(
    ("path", "decides"),
    [
        ("baselines/mmbt.py", True),
        ("benchmarks/metrics.py", True),
        ("benchmarks/datasets/catalog/photo.py", True),
        ("benchmarks/perturbations/image.py", True),
        ("benchmarks/tables.py", False),
        ("benchmarks/perf/test_speed.py", False),
        ("tests/cma_clip/test_model.py", False),
    ],
)
def test_only_modules_that_decide_a_number_count(tmp_path, path, decides):
    before = fingerprint(tmp_path)
    assert (fingerprint(tmp_path, path) != before) == decides


def test_a_module_that_moves_is_other_code(tmp_path):
    assert fingerprint(tmp_path / "1", "cma_clip/a.py") != fingerprint(tmp_path / "2", "cma_clip/b.py")


def test_this_project_has_a_fingerprint():
    assert len(code_fingerprint()) == 16
    assert code_fingerprint() == code_fingerprint()


def test_the_environment_says_when_where_and_with_what():
    facts = environment()
    assert json.loads(json.dumps(facts)) == facts
    age = datetime.now(UTC) - datetime.fromisoformat(facts["timestamp"])
    assert timedelta(0) <= age < timedelta(minutes=1)
    assert set(facts["libraries"]) == set(LIBRARIES)
    assert facts["cpu"]
    assert facts["cores"] >= 1
    assert facts["memory_gb"] > 0
    assert facts["torch_threads"] >= 1


def test_outside_git_there_is_no_commit(tmp_path):
    facts = environment(tmp_path)
    assert facts["commit"] is None
    assert facts["uncommitted_changes"] is None


def test_the_commit_and_what_differs_from_it(tmp_path):
    def git(*arguments):
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        return subprocess.run(["git", *identity, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)

    (tmp_path / "file").write_text("1")
    git("init")
    git("add", ".")
    git("commit", "-m", "First")
    facts = environment(tmp_path)
    assert facts["commit"] == git("rev-parse", "HEAD").stdout.strip()
    assert facts["uncommitted_changes"] is False
    (tmp_path / "file").write_text("2")
    assert environment(tmp_path)["uncommitted_changes"] is True
