"""The committed reference results: this tree would run the same experiments again."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.text import Text

from benchmarks.commands.results import write_paper_tables
from benchmarks.records.store import load_records
from benchmarks.reporting.outputs import all_figures
from benchmarks.suites import SUITES, experiments, select
from benchmarks.tuning.chosen import with_tuned
from cma_clip.backbone.loading import load_backbone

RESULTS = Path(__file__).parents[3] / "results"
COMMITTED = sorted(folder.parent.name for folder in (RESULTS / "reference").glob("*/records"))


@pytest.mark.parametrize("name", COMMITTED)
def test_the_records_of_a_suite_are_its_experiments(name):
    """Data sets, options, models, seeds and hyper-parameters; where tuned, those of the committed choices."""
    assert name in SUITES
    found = [record.experiment for record in load_records(RESULTS / "reference" / name)]
    measured = {experiment.model for experiment in found}
    assert set(SUITES[name].models) - measured <= SINCE
    suite = select(name, sorted(measured), [], {}, {})
    if any(experiment.tuned for experiment in found):
        chosen_on = TUNED_ON.get(name, name)
        tuned, _ = with_tuned(select(chosen_on, sorted(measured), [], {}, {}), chosen_on, None, RESULTS / "reference")
        suite = replace(suite, tuned=tuned.tuned, tuned_by=tuned.tuned_by)
    assert _as_json(found) == _as_json(experiments(suite))


SINCE = {"tfidf_image_logistic", "flyp", "lp_ft"}
"""Models that there were not when the reference results were computed."""
TUNED_ON = {"fashion-products-masked": "fashion-products"}
"""Suites whose records have the choices of another one; what is computed from now on is tuned for itself."""


BEFORE = "7877b28749e7513c"
"""Of the weights that shipped before; results/README.md says which suites still rest on them."""
ON_WEIGHTS_BEFORE = ("fashion-products", "fashion-products-masked", "robustness")


@pytest.mark.parametrize("name", COMMITTED)
def test_the_records_rest_on_the_weights_that_they_say(name):
    """New weights without new results would go unnoticed: a comparison would only find other numbers."""
    used = {record.fingerprints["weights"] for record in load_records(RESULTS / "reference" / name)}
    expected = BEFORE if name in ON_WEIGHTS_BEFORE else load_backbone("tiny-product-clip").fingerprint
    assert used <= {None, expected}
    told = (RESULTS / "README.md").read_text(encoding="utf-8").split("rest\non the weights that shipped before")[0]
    assert all(f"`{suite}`" in told for suite in ON_WEIGHTS_BEFORE)


def _as_json(listed):
    return sorted(json.dumps(experiment.model_dump(mode="json"), sort_keys=True) for experiment in listed)


def test_the_paper_tables_can_be_made_of_all_suites_at_once(tmp_path):
    """As in a clean clone: the catalogue is measured by three suites, two of them with variants."""
    (tmp_path / "reference").symlink_to(RESULTS / "reference")
    printed = write_paper_tables(tmp_path, (), check=False)
    assert "catalog: suite reference/default, mean ± std over 3 seeds" in printed
    assert "also measured by reference/robustness, reference/ablation." in printed
    assert "food101: suite reference/food101-titles (images=False), 1 seed" in printed
    assert "hyper-parameters" not in printed  # a caution, were variants taken for seeds of their model
    table = (tmp_path / "paper" / "table_2.csv").read_text()
    assert table == (RESULTS / "reference" / "paper" / "table_2.csv").read_text()


@pytest.mark.parametrize("name", ["fashion-products-masked", "ablation"])  # the longest names of data and of models
def test_no_title_leaves_the_page(name):
    for figure in all_figures(load_records(RESULTS / "reference" / name), SUITES[name].models).values():
        figure.canvas.draw()
        (axes, *_) = figure.axes
        told = [axes.get_title(loc="left"), axes.get_xlabel()]
        for text in figure.findobj(Text):
            if text.get_text() and text.get_text() in told:
                box = text.get_window_extent()
                assert box.x0 >= 0, text.get_text()
                assert box.x1 <= figure.bbox.width, text.get_text()


def test_a_condition_does_not_take_what_was_chosen_on_another():
    whole = RESULTS / "reference" / "fashion-products" / "tuned"
    with pytest.raises(ValueError, match="was tuned on fashion-products with the options"):
        with_tuned(SUITES["fashion-products-masked"], "fashion-products-masked", whole, RESULTS)
