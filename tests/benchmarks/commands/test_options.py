import sys

import pytest

from benchmarks import cli
from benchmarks.commands.options import joined


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("suite --option a=1 b=2 --seeds 0", "suite --option a=1 b=2 --seeds 0"),
        ("suite --option a=1 --seeds 0 --option b=2 c=3", "suite --seeds 0 --option a=1 b=2 c=3"),
        ("data check p --option a=1 --data x=y --option b=2", "data check p --data x=y --option a=1 b=2"),
        ("run --hparam a=1 --hparam b=2 --data x=y --data z=w", "run --data x=y z=w --hparam a=1 b=2"),
        ("run --seed 0 --seed 1", "run --seed 0 --seed 1"),
    ],
)  # fmt: skip
def test_options_that_stand_twice_are_one(given, expected):
    assert joined(given.split()) == expected.split()


def test_an_option_added_at_the_end_of_a_command_leaves_the_first(tmp_path, monkeypatch, capsys):
    (tmp_path / "p.csv").write_text("text,grade\n" + "".join(f"a text {n},{'ab?'[n % 3]}\n" for n in range(300)))
    command = ["data", "show", "manifest", "--data", f"manifest={tmp_path / 'p.csv'}", "--runs", str(tmp_path / "runs")]
    options = ["--option", "labels=grade", "image=null", "--option", "missing=?"]
    monkeypatch.setattr(sys, "argv", ["cma-bench", *command, *options])
    cli.main()
    assert "task grade: 2 classes: a, b" in capsys.readouterr().out
