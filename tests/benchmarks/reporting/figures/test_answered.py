"""Precision against the share answered."""

from benchmarks.answers import SHARES
from benchmarks.records.record import CLEAN
from benchmarks.reporting.outputs import all_figures
from tests.benchmarks.made_records import estimate, record, suite

MODELS = ("majority", "text_only", "cma_clip")


def with_curve(original, answered, reached, precision=0.8):
    clean = original.metrics[CLEAN]
    point = {"answered_at_90_precision": estimate(answered), "precision_reached_at_90": estimate(reached)}
    metrics = {task: {**clean[task], **point} for task in clean}
    curve = tuple(precision for _ in SHARES)
    return original.model_copy(update={"metrics": {CLEAN: metrics}, "answer_curve": {"color": curve, "style": curve}})


def test_each_task_with_curves_has_a_figure():
    names = set(all_figures([with_curve(one, 0.5, 0.9) for one in suite(MODELS, (0,))], MODELS))
    assert {name for name in names if "answered" in name} == {"catalog-answered-color", "catalog-answered-style"}


def test_records_without_curves_have_none():
    assert not [name for name in all_figures(suite(MODELS, (0,)), MODELS) if "answered" in name]


def test_lines_are_means_over_seeds_and_points_where_the_promise_lands():
    seeds = [with_curve(record("cma_clip", seed), 0.4 + 0.2 * seed, 0.9, 0.7 + 0.2 * seed) for seed in (0, 1)]
    silent = with_curve(record("text_only"), 0.0, float("nan"))
    figure = all_figures([*seeds, silent], MODELS)["catalog-answered-color"]
    lines = {line.get_label(): line.get_xydata() for line in figure.axes[0].lines}
    assert {name for name in lines if name in MODELS} == {"text_only", "cma_clip"}
    assert [round(value, 6) for value in lines["cma_clip"][:, 1]] == [80.0] * len(SHARES)
    assert list(lines["cma_clip"][[0, -1], 0]) == [5, 100]
    points = [line.get_xydata() for line in figure.axes[0].lines if len(line.get_xydata()) == 1]
    assert [[round(float(value), 6) for value in point[0]] for point in points] == [[50.0, 90.0]]
