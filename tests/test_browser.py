"""What a person sees in a real browser: MLflow's own UI on the runs of a suite, report.html, a review page."""

import csv
import io
import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from mlflow import MlflowClient
from playwright.sync_api import expect
from scipy.stats import binomtest

from benchmarks.reviewing.page import to_html
from benchmarks.reviewing.selection import Selection
from benchmarks.tracking.view import SUMMARY, VIEW
from tests.benchmarks.reviewing.filled_tables import ABOUT, TASKS, columns_of, filled_table, write_photos
from tests.browser import needs_browser
from tests.installed_command import cma_bench

pytestmark = needs_browser
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
    done = cma_bench(*asked, "--workers", "1", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


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
    assert page.get_by_text("cma_clip, seed 0").count() == 0
    suite.get_by_role("button").first.click()  # the plus before its name
    for model in MODELS:
        page.get_by_text(f"{model}, seed 0, catalog").first.wait_for()
    page.screenshot(path=project / "runs.png")


def test_the_ui_opens_on_a_table_of_accuracies(page, ui, project):
    """The address that `nox -s ui` prints."""
    page.goto(f"{ui}/#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey={VIEW}")
    for model in MODELS:
        page.get_by_text(f"{model}, seed 0, catalog").first.wait_for()
    assert page.get_by_text("suite smoke").count() == 0
    for name in SUMMARY:
        page.locator(f"[role=columnheader][col-id='metrics.`{name}`']").wait_for()
    shown = page.locator("[role=gridcell][col-id='metrics.`accuracy`']").all_inner_texts()
    values = [float(text.rstrip("…")) for text in shown if text.strip()]
    assert len(values) == len(MODELS)
    assert values == sorted(values, reverse=True)
    page.screenshot(path=project / "ranked.png")


@pytest.mark.filterwarnings("ignore")  # of the libraries behind MLflow's client
def test_the_ui_describes_a_suite_by_its_verdict_and_lists_no_empty_experiment(page, ui, project):
    client = MlflowClient(f"sqlite:///{project / 'runs' / 'mlflow.db'}")
    (suite,) = client.search_runs(["1"], "tags.kind = 'suite'")
    page.goto(f"{ui}/#/experiments/1/runs/{suite.info.run_id}")
    page.get_by_text("records; tables, figures and report.html are in").first.wait_for()
    page.screenshot(path=project / "suite.png")
    page.goto(f"{ui}/#/experiments")
    page.get_by_role("link", name="cma-clip-bench").first.wait_for()
    assert page.get_by_text("Default", exact=True).count() == 0


@pytest.mark.filterwarnings("ignore")  # of the libraries behind MLflow's client
def test_the_ui_compares_experiments(page, ui, project):
    runs = MlflowClient(f"sqlite:///{project / 'runs' / 'mlflow.db'}").search_runs(["1"], "tags.kind = 'experiment'")
    ids = json.dumps([run.info.run_id for run in runs])
    page.goto(f"{ui}/#/compare-runs?{urlencode({'runs': ids, 'experiments': json.dumps(['1'])})}")
    for model in MODELS:
        page.get_by_text(f"{model}, seed 0, catalog").first.wait_for()
    told = page.locator("body").inner_text()
    page.screenshot(path=project / "compare.png")
    for run in runs:
        assert run.info.run_id in told
    for name in ("max_epochs", "batch_size", "answered_90"):
        assert name in told


def test_the_report_opens_without_a_network_and_every_figure_is_drawn(page, project):
    report = project / "results" / "smoke" / "report.html"
    page.goto(report.as_uri())
    assert page.asked == [report.as_uri()] + [url for url in page.asked if url.startswith("data:")]
    assert page.errors == []
    assert page.locator("table").count() >= 2
    drawn = page.locator("figure img").evaluate_all("images => images.map(image => image.naturalWidth)")
    assert drawn
    assert all(width > 100 for width in drawn)
    for width in (1280, 600):  # wide tables scroll in their own box, not with the page
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=project / "report.png", full_page=True)


@pytest.fixture
def report(page, project):
    page.set_default_timeout(20_000)
    page.goto((project / "results" / "smoke" / "report.html").as_uri())
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_is_accessible_and_fits_a_telephone(report, project, scheme):
    report.emulate_media(color_scheme=scheme)
    report.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    for width in (1400, 420):
        report.set_viewport_size({"width": width, "height": 900})
        assert report.evaluate("document.documentElement.scrollWidth") <= width
        report.screenshot(path=project / f"report-{width}-{scheme}.png")
    found = Axe().run(report)
    assert found.violations_count == 0, found.generate_report()


def models_of(report):
    return report.locator("table.overview tbody tr:visible th").all_inner_texts()


def test_the_report_begins_with_verdict_and_figure_and_states_what_was_asked_otherwise(report):
    report.set_viewport_size({"width": 1400, "height": 1000})
    for first in (report.locator(".answer"), report.locator("#figure-catalog-accuracy img")):
        box = first.bounding_box()
        assert box["y"] + box["height"] < 1000
    told = report.locator("header").inner_text()
    assert "max_epochs=2" not in told  # the suite's own
    assert "majority, text_only, cma_clip by --models" in told
    assert "width=24" in told
    assert "width=24" in report.locator("#reproduce pre").inner_text()


def test_models_of_the_report_are_sorted_and_filtered_by_keyboard(report):
    assert sorted(models_of(report)) == sorted(MODELS)
    head = report.get_by_role("columnheader", name="training, s")
    head.get_by_role("button").focus()
    report.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert models_of(report)[-1] == "majority"
    report.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert models_of(report)[0] == "majority"
    report.get_by_label("Model", exact=True).fill("ONLY")
    assert models_of(report) == ["text_only"]
    expect(report.get_by_role("status")).to_have_text("1 of 3 models")
    report.get_by_label("Model", exact=True).fill("")
    report.get_by_label("Family").select_option("CMA-CLIP")
    assert models_of(report) == ["cma_clip"]


def test_the_report_shows_photos_of_mistakes(report):
    photos = report.locator(".mistakes img:visible")
    assert photos.count() > 0
    sizes = photos.evaluate_all("images => images.map(image => image.naturalWidth)")
    assert all(0 < size <= 64 for size in sizes)


HOSTILE = "<img src=x onerror='window.ran = 1'></script><script>window.ran = 2</script>{{ 1 }}"


@pytest.fixture(scope="module")
def review(tmp_path_factory):
    """A review page of 400 rows; every title, id and problem tries to run something."""
    folder = tmp_path_factory.mktemp("review")
    table = write_photos(filled_table(400), folder)
    for column in ("sku", "title", "problem"):
        table[column] = [f"{HOSTILE}{row}" for row in table.index]
    selection = Selection(TASKS, 24)
    selection.add(table)
    path = folder / "review.html"
    path.write_text(to_html(selection, ABOUT, columns_of(folder)), encoding="utf-8")
    return path


@pytest.fixture
def sample(page, review):
    """The cards of the sample of the filled, the only ones that are not hidden."""
    page.set_default_timeout(20_000)
    page.goto(review.as_uri())
    page.get_by_label("Section", exact=True).select_option("sample")
    return page.locator(".card:visible")


def confidences(cards):
    return [float(value) for value in cards.evaluate_all("cards => cards.map(card => card.dataset.confidence)")]


def test_the_review_page_fits_its_window_asks_for_nothing_and_runs_nothing_of_the_table(page, review):
    page.goto(review.as_uri())
    for width in (1400, 420):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.screenshot(path=review.parent / f"review-{width}-{scheme}.png")
    assert page.get_by_text(HOSTILE).count() > 0
    assert page.evaluate("window.ran") is None
    assert page.asked == [review.as_uri()] + [url for url in page.asked if url.startswith("data:")]
    assert page.errors == []


def test_photos_of_the_review_page_are_decoded_when_they_come_near(page, sample):
    last = page.locator(".card:visible img").last
    assert last.get_attribute("src") is None
    last.scroll_into_view_if_needed()
    page.wait_for_function("image => image.naturalWidth === 160", arg=last.element_handle())


def test_cards_of_the_review_page_are_sorted_and_filtered(page, sample):
    drawn, summary = confidences(sample), page.get_by_text("Filter and sort")
    assert len(drawn) == 24
    summary.click()
    page.get_by_label("Sort by").select_option("unsurest")
    assert confidences(sample) == sorted(drawn)
    page.get_by_label("Sort by").select_option("surest")
    assert confidences(sample) == sorted(drawn, reverse=True)
    page.get_by_label("Sort by").select_option("")
    assert confidences(sample) == drawn
    page.get_by_label("Confidence from").fill("0.7")
    page.get_by_label("Confidence to").fill("0.9")
    assert confidences(sample) == [value for value in drawn if 0.7 <= value <= 0.9]
    page.get_by_label("Class", exact=True).select_option("Red")
    assert set(sample.evaluate_all("cards => cards.map(card => card.dataset.suggested)")) == {"Red"}
    page.get_by_label("Confidence from").fill("1")
    assert page.get_by_text("No cell fits these filters.").is_visible()
    page.get_by_label("Section", exact=True).select_option("close")
    page.get_by_label("Confidence to").fill("")
    page.get_by_label("Task", exact=True).select_option("season")  # which has other classes: all of them are shown
    assert set(sample.evaluate_all("cards => cards.map(card => card.dataset.task)")) == {"season"}


def test_marks_of_the_review_page_are_counted_kept_and_downloaded(page, sample, review):
    for key in "jjkax":  # the second, back to the first: right, then the second: wrong
        page.keyboard.press(key)
    estimate = page.locator("[data-estimate=color]")
    assert estimate.inner_text().startswith("1 wrong of 2 checked: precision about 50 % [1, 99].")
    assert "To show 90 % it takes 38: fill again with --review-rows 38." in estimate.inner_text()
    assert page.get_by_role("status").get_by_text("2 of 24 checked").is_visible()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download marks").click()
    text = Path(downloading.value.path()).read_text(encoding="utf-8-sig")
    assert downloading.value.suggested_filename == "products-marks.csv"
    cards = sample.evaluate_all("cards => cards.slice(0, 2).map(card => ({...card.dataset}))")
    assert list(csv.DictReader(io.StringIO(text, newline=""))) == [
        {name: card[name] for name in ("row", "id", "task", "cell", "suggested")} | {"mark": mark}
        for card, mark in zip(cards, ("right", "wrong"), strict=True)
    ]
    page.reload()
    expect(page.locator("[data-summary=color]")).to_have_text("1 wrong of 2 checked: precision about 50 % [1, 99]")
    page.get_by_label("Section", exact=True).select_option("sample")
    sample.nth(1).get_by_role("button", name="Wrong").click()  # takes the mark back
    sample.nth(3).get_by_role("button", name="Right").click()
    assert "Some in between are not checked yet" in estimate.inner_text()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_text("Filter and sort").click()
    page.get_by_role("button", name="Forget all marks").click()
    assert estimate.inner_text() == "Nothing checked yet."


def test_the_interval_of_the_review_page_is_that_of_scipy(page, review):
    page.goto(review.as_uri())
    for right, checked in ((0, 5), (5, 5), (38, 40), (1, 60), (59, 60), (250, 300), (499, 500)):
        exact = binomtest(right, checked).proportion_ci(0.95, "exact")
        assert page.evaluate(f"interval({right}, {checked})") == pytest.approx([exact.low, exact.high], abs=1e-9)
