import numpy as np
import pytest

from benchmarks.perturbations import PROTOCOLS
from benchmarks.records.record import CLEAN, MEAN, Estimate, Outcomes
from benchmarks.reporting.figures.robustness import robustness_figures
from benchmarks.reporting.statistics.families import Family, area, drop, families, loss, worst
from benchmarks.reporting.table import MISSING
from benchmarks.reporting.tables.robustness import robustness_tables
from tests.benchmarks.made_records import record

NOISE = Family(
    "gaussian_noise", {0.0: CLEAN, 1.0: "gaussian_noise@1", 3.0: "gaussian_noise@3", 5.0: "gaussian_noise@5"}
)
DROP = Family("token_drop", {0.0: CLEAN, 1.0: "token_drop@1", 5.0: "token_drop@5"})


def measured(model, seed=0, protocol="robustness", **accuracies):
    """A record with an accuracy per condition; `gaussian_noise_1=0.5` stands for gaussian_noise@1."""
    made = record(model, seed)
    metrics = {}
    for name, value in accuracies.items():
        family, _, level = name.rpartition("_")
        condition = CLEAN if name == "clean" else f"{family}@{level}"
        estimate = Estimate(value=value, low=value - 0.05, high=value + 0.05, n=100)
        metrics[condition] = {task: {"accuracy": estimate} for task in ("color", MEAN)}
    weights = {name: {"color": (0.5, 0.5)} for name in metrics} if model == "cma_clip" else {}
    experiment = made.experiment.model_copy(update={"protocol": protocol})
    return made.model_copy(
        update={"experiment": experiment, "metrics": metrics, "outcomes": {}, "modality_weights": weights}
    )


ROBUST = measured(
    "cma_clip",
    clean=0.8,
    gaussian_noise_1=0.8,
    gaussian_noise_3=0.6,
    gaussian_noise_5=0.4,
    token_drop_1=0.8,
    token_drop_5=0.8,
    blur_1=0.7,
    blur_3=0.7,
    blur_5=0.7,
    wrong_text_5=0.3,
)


def test_levels_are_found_in_order_and_begin_with_the_clean_one():
    found = families({"cma_clip": [ROBUST]})
    assert found[0] == NOISE
    assert [family.group for family in found] == ["image", "text", "image", "missing"]


def test_area_worst_and_drop_by_hand():
    assert area(ROBUST, NOISE) == pytest.approx((0.8 + (0.8 + 0.6) / 2 * 2 + (0.6 + 0.4) / 2 * 2) / 5)
    assert area(ROBUST, DROP) == pytest.approx(0.8)  # nothing disturbs it
    assert worst(ROBUST, [NOISE, DROP]) == 0.4
    assert drop(ROBUST, [NOISE, DROP]) == pytest.approx(1 - (0.4 + 0.8) / 2 / 0.8)


def test_a_condition_that_was_not_measured_leaves_the_cell_empty():
    partial = measured("mmbt", clean=0.8, gaussian_noise_1=0.8)
    assert area(partial, NOISE) is None
    assert worst(partial, [NOISE]) is None
    assert drop(partial, [NOISE]) is None
    assert loss(partial, [NOISE]) is None


def test_many_conditions_are_summed_up_by_family_and_group():
    tables = robustness_tables([ROBUST, measured("mmbt", clean=0.9)], ["mmbt", "cma_clip"])
    assert list(tables) == [f"catalog-robustness_{group}" for group in ("image", "text", "missing")]
    table = tables["catalog-robustness_image"]
    assert table.header == ("model", "clean", "gaussian_noise", "blur", "worst case", "mean loss", "relative drop")
    by_model = {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}
    assert by_model["cma_clip"] == ["80.0", "64.0", "71.0", "40.0", "12.5", "31.2"]
    assert by_model["mmbt"][0] == "90.0"
    assert any("every perturbation at severities 1, 3 and 5" in note for note in table.footnotes)


def test_a_preset_has_a_column_per_condition_and_its_note():
    few = measured("cma_clip", protocol="qmf-like", **{"clean": 0.8, "qmf-like_5": 0.6, "qmf-like_10": 0.5})
    tables = robustness_tables([few], ["cma_clip"])
    assert tables["catalog-robustness"].header == ("model", "clean", "qmf-like@5", "qmf-like@10", "mean loss")
    assert PROTOCOLS["qmf-like"].note in tables["catalog-robustness"].footnotes


def answered(model, seed, right):
    """A record with these answers, condition -> Bool[N], of both of its tasks."""
    made = measured(model, seed, **{"clean": right[CLEAN].mean(), "blur_5": right["blur@5"].mean()})
    ids = [str(row) for row in range(len(right[CLEAN]))]
    outcomes = {at: {task: Outcomes.of(ids, bits) for task in ("color", "style")} for at, bits in right.items()}
    return made.model_copy(update={"outcomes": outcomes})


def test_losses_are_compared_row_by_row():
    """Two models that fall by half a point more and less on the same rows of a thousand."""
    rng = np.random.default_rng(0)
    clean, hit = rng.random(1000) < 0.8, rng.random(1000) < 0.3
    blurred = clean & ~hit
    steady = blurred | (np.cumsum(clean & hit) <= 20) & clean & hit
    rival = answered("mmbt", 0, {CLEAN: clean, "blur@5": steady})
    same = answered("text_only", 0, {CLEAN: clean, "blur@5": blurred})
    ours = answered("cma_clip", 0, {CLEAN: clean, "blur@5": blurred})
    table = robustness_tables([rival, same, ours], ["text_only", "mmbt", "cma_clip"])["catalog-robustness"]
    assert table.header[-1] == "mean loss minus cma_clip's"
    by_model = {row[0].text: row[-1] for row in table.rows}
    assert by_model["mmbt"].value == pytest.approx(100 * -20 / 1000 / 2)  # half of the area is clean
    assert by_model["mmbt"].interval[1] < 0
    assert by_model["text_only"].interval == (0, 0)
    assert by_model["cma_clip"].text == MISSING
    assert "loses less mmbt; no significant difference text_only." in table.footnotes[0]


def test_clean_records_have_no_robustness_tables():
    assert robustness_tables([record("cma_clip", 0)], ["cma_clip"]) == {}
    assert robustness_figures([record("cma_clip", 0)], ["cma_clip"]) == {}


def test_curves_have_a_panel_per_family_with_a_unit_and_one_colour_per_model():
    figures = robustness_figures([ROBUST, measured("mmbt", clean=0.9, gaussian_noise_1=0.5)], ["mmbt", "cma_clip"])
    assert "catalog-robustness_image" in figures
    assert "catalog-robustness_image_weights" in figures
    panels = [axes for axes in figures["catalog-robustness_image"].axes if axes.axison]
    assert [axes.get_title() for axes in panels] == ["gaussian_noise", "blur"]
    assert {axes.get_xlabel() for axes in panels} == {"severity"}
    colors = [{line.get_label(): line.get_color() for line in axes.lines} for axes in panels]
    assert colors[0]["cma_clip"] == colors[1]["cma_clip"] != colors[0]["mmbt"]
    assert all(figure.get_label().endswith(".") for figure in figures.values())


def test_the_heat_map_has_the_points_lost_of_every_model_and_damage():
    figure = robustness_figures([ROBUST, measured("mmbt", clean=0.9, gaussian_noise_1=0.5)], ["mmbt", "cma_clip"])
    axes = figure["catalog-robustness"].axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cma_clip"]  # mmbt has not met every damage
    *_, mean = (text.get_text() for text in axes.texts)
    assert mean == f"{100 * loss(ROBUST, families({'cma_clip': [ROBUST]})):.0f}"
    assert "Not measured under all of them: mmbt." in figure["catalog-robustness"].get_label()


def test_a_figure_of_curves_has_four_models_named_at_the_ends_of_their_lines():
    rows = ("tfidf_logistic", "zero_shot", "linear_probe", "text_only", "mmbt", "cma_clip")
    levels = dict.fromkeys((1, 3, 5), 0.0)
    made = [
        measured(
            model, clean=0.9 - 0.05 * place, **{f"blur_{level}": 0.8 - 0.05 * place - 0.02 * level for level in levels}
        )
        for place, model in enumerate(rows)
    ]
    axes = robustness_figures(made, rows)["catalog-robustness_image"].axes[0]
    named = [text.get_text() for text in axes.texts if text.get_text()]
    assert len(named) == 4
    assert {"cma_clip", "tfidf_logistic"} <= set(named)


def test_a_task_whose_name_begins_with_an_underscore_is_in_the_legend():
    weights = {name: {"_x": (0.5, 0.5), "": (0.4, 0.6)} for name in ROBUST.metrics}
    metrics = {name: {"_x": found[MEAN], "": found[MEAN], MEAN: found[MEAN]} for name, found in ROBUST.metrics.items()}
    odd = ROBUST.model_copy(update={"modality_weights": weights, "metrics": metrics})
    [legend] = robustness_figures([odd], ["cma_clip"])["catalog-robustness_image_weights"].legends
    assert [text.get_text() for text in legend.get_texts()] == ["_x", ""]
