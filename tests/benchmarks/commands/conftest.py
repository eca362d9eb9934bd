import sys

import pytest

from benchmarks import cli


@pytest.fixture
def cma_bench(monkeypatch, capsys, tmp_path):
    """(what it printed, None or what it exited with) of a command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["cma-bench", *map(str, arguments)])
        try:
            cli.main()
        except SystemExit as exit:
            return capsys.readouterr().out, exit.code
        return capsys.readouterr().out, None

    return call
