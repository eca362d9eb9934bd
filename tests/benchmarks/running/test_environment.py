import json
import subprocess
from datetime import UTC, datetime, timedelta

from benchmarks.running.environment import LIBRARIES, environment


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
