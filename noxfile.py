"""The same commands locally and in CI. All sessions share one environment, since torch alone is several GB."""

import os
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests", "tables"]
nox.options.reuse_existing_virtualenvs = True
nox.needs_version = ">=2025.5.1"

ENVIRONMENT = ".venv"
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
}


def install(session: nox.Session) -> None:
    """Install once; again only when what is declared has changed."""
    declared = "".join(Path(name).read_text() for name in ("pyproject.toml", "constraints.txt"))
    stamp = Path(session.virtualenv.location) / "installed.txt"
    if not stamp.is_file() or stamp.read_text() != declared:
        session.install("--constraint", "constraints.txt", "--editable", ".[dev]")
        stamp.write_text(declared)


@nox.session(venv_location=ENVIRONMENT)
def benchmark(session: nox.Session) -> None:
    """Run a suite (`default` without arguments) and write results/<suite>/."""
    install(session)
    session.run("cma-bench", "suite", *session.posargs)


@nox.session(venv_location=ENVIRONMENT)
def tests(session: nox.Session) -> None:
    """Run the tests on all cores, one thread each; set CMA_BENCH_DATA to run those on real data."""
    install(session)
    session.run("pytest", "-n", str(os.cpu_count()), *session.posargs, env={**OFFLINE, "OMP_NUM_THREADS": "1"})


@nox.session(venv_location=ENVIRONMENT)
def lint(session: nox.Session) -> None:
    """Style, format and who may import whom."""
    install(session)
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports")


@nox.session(venv_location=ENVIRONMENT)
def types(session: nox.Session) -> None:
    """Check types strictly."""
    install(session)
    session.run("mypy")


@nox.session(venv_location=ENVIRONMENT)
def tables(session: nox.Session) -> None:
    """Fail if a committed table is not what the committed records say."""
    install(session)
    for suite in sorted(Path("results/reference").glob("*/records")):
        session.run("cma-bench", "tables", "--suite", f"reference/{suite.parent.name}", "--check", *session.posargs)


@nox.session(venv_location=ENVIRONMENT)
def pretrain(session: nox.Session) -> None:
    """Train the tiny product CLIP again; needs --data fashion-products=DIR --out DIR."""
    install(session)
    session.run("cma-bench", "pretrain", *session.posargs)


@nox.session(venv_location=ENVIRONMENT)
def perf(session: nox.Session) -> None:
    """Time the hot paths with pytest-benchmark."""
    install(session)
    session.run(
        "pytest", "benchmarks/perf", "--benchmark-enable", *session.posargs, env={**OFFLINE, "OMP_NUM_THREADS": "1"}
    )


@nox.session(venv_location=ENVIRONMENT)
def ui(session: nox.Session) -> None:
    """Open MLflow's UI on the runs of this checkout."""
    install(session)
    view = "workflowType=machine_learning&orderByKey=metrics.%60clean%2Fmean%2Faccuracy%60&orderByAsc=false"
    session.log(f"runs ranked by accuracy: http://127.0.0.1:5000/#/experiments/1/runs?{view}&compareRunsMode=CHART")
    store = f"sqlite:///{Path('runs/mlflow.db').absolute()}"
    session.run("mlflow", "ui", "--backend-store-uri", store, *session.posargs, env=OFFLINE)
