"""The same commands locally and in CI. All sessions share the environment .venv, since torch alone is several GB."""

import os
import sys
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests", "tables"]
nox.options.default_venv_backend = "none"  # nox would make an environment for every session
nox.needs_version = ">=2024.4.15"

ENVIRONMENT = Path(__file__).parent / ".venv"
BIN = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
}
PAPER = [f"reference/{name}" for name in ("default", "fashion-products", "fashion-products-masked", "robustness")]
"""The suites whose records stand in results/reference/paper."""
ONE_THREAD = {**OFFLINE, "OMP_NUM_THREADS": "1"}

SHARED = ("-n", str(os.cpu_count()), "--dist", "loadfile", "--no-loadscope-reorder")
"""By file: what a file prepares for all of its tests is prepared once; in the order of tests/conftest.py."""


def install(session: nox.Session) -> None:
    """Install once; again only when what is declared has changed."""
    declared = "".join(Path(name).read_text() for name in ("pyproject.toml", "constraints.txt"))
    stamp = ENVIRONMENT / "installed.txt"
    if stamp.is_file() and stamp.read_text() == declared:
        return
    session.run(sys.executable, "-m", "venv", str(ENVIRONMENT), external=True)
    run(session, "python", "-m", "pip", "install", "--quiet", "--constraint", "constraints.txt", "-e", ".[dev]")
    stamp.write_text(declared)


def run(session: nox.Session, program: str, *arguments: str, env: dict[str, str] | None = None) -> None:
    """Run a program of the shared environment, whose programs come first in the path as when it is activated."""
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)])
    session.run(str(BIN / program), *arguments, env={"PATH": path, **(env or {})}, external=True)


@nox.session
def benchmark(session: nox.Session) -> None:
    """Run a suite (`default` without arguments) and write results/<suite>/."""
    install(session)
    run(session, "cma-bench", "suite", *session.posargs)


@nox.session
def quickstart(session: nox.Session) -> None:
    """The whole path in under two minutes: a made shop, four models, the pick, its empty cells, the review page."""
    install(session)
    here, shop = "runs/quickstart", "runs/quickstart/shop"
    kept = ["--results", f"{here}/results", "--runs", here]
    columns = ["labels=color,pattern,style", "text=title", "id=product_id", "group=parent_id"]
    few = ["--models", "majority", "tfidf_logistic", "late_fusion", "cma_clip", "--seeds", "0"]
    table = f"{shop}/products.jsonl"
    suite = ["--suite", "manifest", "--data", f"manifest={table}", "--option", *columns, *few]
    if not Path(shop).exists():
        run(session, "cma-bench", "data", "make-twin", "mrwpa", shop, "--rows", "600")
    run(session, "cma-bench", "suite", *suite, "--hparam", "max_epochs=5", "batch_size=32", *kept)
    filled = ["--out", f"{here}/filled.csv", "--review", f"{here}/review.html", "--precision", "0.8"]
    run(session, "cma-bench", "fill", table, "--model", "manifest", *filled, *kept)
    session.log(f"the comparison: {here}/results/manifest/report.html; what was filled, to check: {here}/review.html")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests on all cores, one thread each; set CMA_BENCH_DATA to run those on real data."""
    install(session)
    run(session, "pytest", *SHARED, *session.posargs, env=ONE_THREAD)


@nox.session(python=["3.11", "3.12", "3.13"], venv_backend="venv")
def pythons(session: nox.Session) -> None:
    """Run the tests on every supported Python that is here, each in an environment of its own of several GB."""
    session.install("--constraint", "constraints.txt", "-e", ".[dev]")
    session.run("pytest", *SHARED, *session.posargs, env=ONE_THREAD)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, format and who may import whom."""
    install(session)
    run(session, "ruff", "check")
    run(session, "ruff", "format", "--check")
    run(session, "lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Check types strictly."""
    install(session)
    run(session, "mypy")


@nox.session
def tables(session: nox.Session) -> None:
    """Fail if a committed table is not what the committed records say."""
    install(session)
    suites = [f"reference/{records.parent.name}" for records in sorted(Path("results/reference").glob("*/records"))]
    run(session, "cma-bench", "tables", "--check", "--suite", *suites)
    run(session, "cma-bench", "tables", "--paper", "--check", "--suite", *PAPER)


@nox.session
def golden(session: nox.Session) -> None:
    """Write tests/golden/numbers.json anew after a version was raised or an entry was added."""
    install(session)
    run(session, "python", "-m", "tests.golden", *session.posargs, env=ONE_THREAD)


@nox.session
def pretrain(session: nox.Session) -> None:
    """Train the tiny product CLIP again, one run of its card; needs --data fashion-products=DIR --out DIR."""
    install(session)
    run(session, "python", "-m", "pip", "install", "--quiet", "--constraint", "constraints.txt", "-e", ".[pretrain]")
    run(session, "cma-bench", "pretrain", *session.posargs)


@nox.session
def perf(session: nox.Session) -> None:
    """Time the hot paths with pytest-benchmark."""
    install(session)
    run(session, "pytest", "benchmarks/perf", "-o", "addopts=", *session.posargs, env=ONE_THREAD)


@nox.session
def ui(session: nox.Session) -> None:
    """Open MLflow's UI on the runs of this checkout."""
    install(session)
    view = "workflowType=machine_learning&viewStateShareKey=accuracy-first"
    session.log(f"experiments by accuracy: http://127.0.0.1:5000/#/experiments/1/runs?{view}")
    store = f"sqlite:///{Path('runs/mlflow.db').absolute()}"
    run(session, "mlflow", "ui", "--backend-store-uri", store, *session.posargs, env=OFFLINE)
