"""Plans with one cache for all tests, and a real PostgreSQL for as long as they run."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.benchmarks.tuning.plans import SHORT, make_plan

ACCOUNT = "postgres"
"""PostgreSQL refuses to run as root; its packages create this user."""


def find(program):
    """In the path or where Debian keeps it; the newest version first."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), key=lambda path: -float(path.parts[4]))
    return shutil.which(program) or next(map(str, places), None)


def as_account(*command):
    return ["runuser", "-u", ACCOUNT, "--", *command] if os.geteuid() == 0 else list(command)


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """Generated photos and encoded features are made once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def plan_of(tmp_path, cache):
    """(models, hyper-parameters of networks, folder; trials or seconds, storage, tracking) -> Plan."""

    def make(models=("tfidf_logistic",), hparams=SHORT, folder=".", **rest):
        return make_plan(tmp_path / folder, cache, models, hparams, **rest)

    return make


@pytest.fixture(scope="session")
def postgres():
    """The url of an empty database on a unix socket."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    initdb, pg_ctl = find("initdb"), find("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("no PostgreSQL here (Debian: apt install postgresql)")
    if os.geteuid() == 0 and subprocess.run(["id", ACCOUNT], capture_output=True, check=False).returncode:
        pytest.skip(f"PostgreSQL does not run as root, and there is no user {ACCOUNT!r}")
    # Not below pytest's own folder, which only this user may enter; sockets need a short path.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, ACCOUNT)
        data = f"{folder}/data"
        call(initdb, "-D", data, "-U", ACCOUNT, "-A", "trust", "--no-sync")
        call(pg_ctl, "-D", data, "-w", "-l", f"{folder}/log", "-o", f"-k {folder} -c listen_addresses=''", "start")
        try:
            yield f"postgresql+psycopg://{ACCOUNT}@/postgres?host={folder}"
        finally:
            call(pg_ctl, "-D", data, "-w", "-m", "immediate", "stop")


def call(*command):
    done = subprocess.run(as_account(*command), stdout=sys.stderr, stderr=subprocess.STDOUT, cwd="/", check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed; what it said is above")
