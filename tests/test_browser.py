"""What a person sees: MLflow's own UI on the runs of a suite, and report.html, in a real browser without a screen."""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

import pytest
from mlflow import MlflowClient

BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
pytestmark = pytest.mark.skipif(not BROWSER, reason="needs a browser: Debian's chromium, or google-chrome")
PROGRAMS = Path(sys.executable).parent
SMALL = {"width": 24, "heads": 2, "depth": 1, "batch_size": 16, "max_epochs": 2}
MODELS = ("majority", "text_only", "cma_clip")


@pytest.fixture(scope="module")
def project(tiny, tmp_path_factory):
    """A folder in which a small suite has run."""
    folder = tmp_path_factory.mktemp("project")
    hparams = [f"{name}={value}" for name, value in {"backbone": tiny, **SMALL}.items()]
    options = ["num_train=64", "num_val=24", "num_test=32", "image_size=32"]
    asked = ["suite", "--suite", "smoke", "--models", *MODELS, "--option", *options, "--hparam", *hparams]
    subprocess.run([PROGRAMS / "cma-bench", *asked, "--workers", "1"], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])  # CI often runs as root
        yield opened
        opened.close()


@pytest.fixture
def page(browser):
    """A page whose errors are collected in `page.errors`, and the addresses that it asked for in `page.asked`."""
    opened = browser.new_page(viewport={"width": 1400, "height": 1000})
    opened.set_default_timeout(120_000)
    opened.errors, opened.asked = [], []
    opened.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.on("console", lambda told: opened.errors.append(told.text) if told.type == "error" else None)
    opened.on("request", lambda request: opened.asked.append(request.url))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def ui(project):
    """The address of an MLflow server on the runs of the project."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    store = ["--backend-store-uri", f"sqlite:///{project / 'runs' / 'mlflow.db'}"]
    with (project / "ui.log").open("w") as log:
        server = subprocess.Popen(
            [PROGRAMS / "mlflow", "ui", *store, "--workers", "1", "--port", address.rpartition(":")[2]],
            cwd=project,
            stdout=log,
            stderr=log,
        )
    try:
        until = time.monotonic() + 180  # beside other work its start alone takes a minute
        while True:
            try:
                urllib.request.urlopen(f"{address}/health", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None, (project / "ui.log").read_text()
                assert time.monotonic() < until, "mlflow ui does not answer"
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait()


def test_the_ui_shows_a_suite_and_its_experiments_below_it(page, ui, project):
    page.goto(f"{ui}/#/experiments/1/runs?workflowType=machine_learning")
    suite = page.get_by_role("row").filter(has_text="suite smoke")
    suite.first.wait_for()
    assert page.get_by_text("catalog/cma_clip/seed-0").count() == 0
    suite.get_by_role("button").first.click()  # the plus before its name
    for model in MODELS:
        page.get_by_text(f"catalog/{model}/seed-0").first.wait_for()
    page.screenshot(path=project / "runs.png")


def test_the_ui_ranks_experiments_by_accuracy(page, ui, project):
    """The address that `nox -s ui` prints."""
    order = "orderByKey=metrics.%60clean%2Fmean%2Faccuracy%60&orderByAsc=false"
    page.goto(f"{ui}/#/experiments/1/runs?workflowType=machine_learning&{order}&compareRunsMode=CHART")
    for model in MODELS:
        page.get_by_text(f"catalog/{model}/seed-0").first.wait_for()
    page.get_by_text("clean/mean").first.wait_for()
    page.screenshot(path=project / "ranked.png")


@pytest.mark.filterwarnings("ignore")  # of the libraries behind MLflow's client
def test_the_ui_compares_experiments(page, ui, project):
    runs = MlflowClient(f"sqlite:///{project / 'runs' / 'mlflow.db'}").search_runs(["1"], "tags.kind = 'experiment'")
    ids = json.dumps([run.info.run_id for run in runs])
    page.goto(f"{ui}/#/compare-runs?{urlencode({'runs': ids, 'experiments': json.dumps(['1'])})}")
    for model in MODELS:
        page.get_by_text(f"catalog/{model}/seed-0").first.wait_for()
    told = page.locator("body").inner_text()
    page.screenshot(path=project / "compare.png")
    for run in runs:
        assert run.info.run_id in told
    for name in ("max_epochs", "learning_rate", "clean/mean/accuracy"):
        assert name in told


def test_the_report_opens_without_a_network_and_every_figure_is_drawn(page, project):
    report = project / "results" / "smoke" / "report.html"
    page.goto(report.as_uri())
    assert page.asked == [report.as_uri()] + [url for url in page.asked if url.startswith("data:")]
    assert page.errors == []
    assert page.locator("table").count() >= 2
    drawn = page.locator("img").evaluate_all("images => images.map(image => image.naturalWidth)")
    assert drawn
    assert all(width > 100 for width in drawn)
    for width in (1280, 600):  # wide tables scroll in their own box, not with the page
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=project / "report.png", full_page=True)
