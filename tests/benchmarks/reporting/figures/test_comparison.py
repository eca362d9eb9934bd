"""Figures that do not overlap, keep their colours and never change without a reason."""

import random
from itertools import combinations

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from benchmarks.reporting.figures.style import (
    ESCAPED,
    STRONG,
    drawable,
    family,
    family_color,
    line_style,
    markers,
    palette,
    to_png,
    to_svg,
)
from benchmarks.reporting.outputs import all_figures
from tests.benchmarks.made_records import ORDER, TASKS, record, suite, with_accuracy, with_condition, with_tasks
from tests.benchmarks.reporting.names import NAMES

KINDS = ("accuracy", "accuracy_by_task", "accuracy_by_cost", "modality_weights")


@pytest.fixture(scope="module")
def records():
    return suite()


@pytest.fixture(scope="module")
def figures(records):
    return all_figures(records, ORDER)


def labels(figure):
    return [text.get_text() for text in figure.axes[0].get_yticklabels()]


def test_every_data_set_has_every_figure(figures):
    assert list(figures) == [f"catalog-{kind}" for kind in KINDS]


def test_a_data_set_without_weights_has_no_figure_of_them():
    assert "catalog-modality_weights" not in all_figures(suite(("majority", "text_only")), ORDER)


def test_every_figure_has_a_caption(figures):
    for name, figure in figures.items():
        assert figure.get_label().endswith(".")
        assert name not in figure.get_label()


def test_a_part_of_the_test_split_has_figures_of_its_own():
    parts = [with_condition(r, "product-level", n=9) for r in suite(("majority", "cma_clip"))]
    names = {name for name in all_figures(parts, ORDER) if "product-level" in name}
    assert names == {"catalog-product-level-accuracy", "catalog-product-level-accuracy_by_task"}


def names_in(figure):
    """What stands beside the marks of the first panel."""
    return [text for text in figure.axes[0].texts if text.get_text()]


def test_every_model_is_shown(figures, records):
    means = {model: accuracy_of(records, model) for model in ORDER}
    assert labels(figures["catalog-accuracy"]) == sorted(ORDER, key=lambda model: -means[model])
    assert labels(figures["catalog-accuracy_by_task"]) == list(ORDER)
    assert {text.get_text() for text in names_in(figures["catalog-accuracy_by_cost"])} == set(ORDER)


def accuracy_of(records, model):
    return np.mean([r.metrics["clean"]["mean"]["accuracy"].value for r in records if r.experiment.model == model])


def test_cma_clip_alone_has_the_strong_colour(figures):
    assert [model for model in ORDER if family_color(model) == STRONG] == ["cma_clip"]
    assert family("cma_clip, 2 layers") == "CMA-CLIP, changed"
    bold = [
        text.get_text() for text in figures["catalog-accuracy"].axes[0].get_yticklabels() if text.get_color() == STRONG
    ]
    assert bold == ["cma_clip"]


def test_the_best_are_shown_larger_where_they_lie_close():
    spread = [with_accuracy(record(model), mean=0.1 + 0.1 * place) for place, model in enumerate(ORDER[:8])]
    close = [with_accuracy(made, mean=0.9 + 0.01 * place) for place, made in enumerate(spread[3:])]
    for records, panels in ((spread, 1), ([*spread[:3], *close], 2)):
        figure = all_figures(records, ORDER)["catalog-accuracy"]
        assert len(figure.axes) == panels
    low, high = figure.axes[1].get_xlim()
    assert 80 < low < 88  # the five of 90 to 94 %, with their intervals of two points
    assert 96 < high < 100


def test_names_beside_marks_cover_no_other_name(figures):
    boxes = [Text.get_window_extent(text) for text in names_in(figures["catalog-accuracy_by_cost"])]
    assert not [(one, two) for one, two in combinations(boxes, 2) if one.overlaps(two)]


def test_colour_and_marker_tell_models_apart():
    looks = [(palette(ORDER)[model], markers(ORDER)[model]) for model in ORDER]
    assert len(set(looks)) == len(ORDER)


def test_points_are_means_over_seeds_in_percent(figures, records):
    line = figures["catalog-accuracy_by_cost"].axes[0].get_lines()[-1]
    assert line.get_ydata()[0] == pytest.approx(100 * accuracy_of(records, "cma_clip"))


def test_weights_and_relevance_fill_the_bar(figures):
    axes = figures["catalog-modality_weights"].axes[0]
    assert labels(figures["catalog-modality_weights"]) == [
        f"{task}: {who}" for task in TASKS for who in ("known relevance", "cma_clip")
    ]
    widths = [bar.get_width() for bar in axes.patches]
    assert [text + image for text, image in zip(widths[::2], widths[1::2], strict=True)] == pytest.approx([100] * 6)


@pytest.mark.parametrize("kind", KINDS)
def test_no_label_overlaps_another_or_leaves_the_page(figures, kind):
    figure = figures[f"catalog-{kind}"]
    axes = figure.axes[0]
    renderer = figure.canvas.get_renderer()
    texts = [axes.title, axes.xaxis.label, axes.yaxis.label, *_shown_ticks(axes)]
    texts += [text for legend in figure.legends for text in legend.get_texts()]
    boxes = [text.get_window_extent(renderer) for text in texts if text.get_text()]
    assert len(boxes) > len(TASKS)
    assert not [(one, two) for one, two in combinations(boxes, 2) if one.overlaps(two)]
    corners = np.array([box.extents for box in boxes])
    assert corners.min() >= 0
    assert (corners[:, 2:] <= figure.bbox.size).all()


def _shown_ticks(axes):
    """The locator of a logarithmic axis also labels ticks beyond its ends, which are not drawn."""
    for i, (ticks, ends) in enumerate(
        [(axes.get_xticklabels(), axes.get_xlim()), (axes.get_yticklabels(), axes.get_ylim())]
    ):
        yield from (tick for tick in ticks if min(ends) <= tick.get_position()[i] <= max(ends))


def test_the_same_records_give_the_same_bytes(figures, records):
    again = all_figures(random.Random(0).sample(records, len(records)), ORDER)
    for name, figure in figures.items():
        assert to_svg(again[name]) == to_svg(figure) == to_svg(figure)
        assert to_png(again[name]) == to_png(figure)
        assert b"<dc:date>" not in to_svg(figure)


def test_a_png_is_a_picture(figures, tmp_path):
    path = tmp_path / "figure.png"
    path.write_bytes(to_png(figures["catalog-accuracy"]))
    with Image.open(path) as image:
        colors = image.convert("RGB").getcolors(maxcolors=10**6)
    assert len(colors) > len(ORDER)


def test_an_undefined_accuracy_and_no_time_at_all_can_be_drawn():
    odd = [with_accuracy(record(seconds={"fit": 0.0}), color=float("nan"), mean=float("nan")), record("majority")]
    for figure in all_figures(odd, ORDER).values():
        assert to_svg(figure).startswith(b"<?xml")


def test_variants_share_the_colour_of_their_model_and_are_told_apart_by_markers():
    rows = [*ORDER, *(f"cma_clip, {n} layers" for n in range(6)), "mmbt, dropout"]
    colors, shapes = palette(rows), markers(rows)
    assert {colors[row] for row in rows if row.startswith("cma_clip,")} == {colors["cma_clip"]}
    looks = [(colors[row], shapes[row]) for row in rows]
    assert len(set(looks)) == len(rows)
    assert (line_style("cma_clip"), line_style("cma_clip, 2 layers")) == ("-", "--")


def test_every_name_of_a_task_is_drawn_or_its_code_is_and_that_is_said():
    names = list(NAMES.values())
    for three in zip(names[::3], names[1::3], names[2::3], strict=True):
        made = [with_tasks(made, *three) for made in suite(("text_only", "cma_clip"), seeds=(0,))]
        for kind in ("accuracy_by_task", "modality_weights"):
            figure = all_figures(made, ORDER)[f"catalog-{kind}"]
            assert to_png(figure).startswith(b"\x89PNG")  # a missing glyph or broken mathematics would warn
            shown = [text.get_text() for text in figure.findobj(Text)]
            for name in three:
                assert any(drawable(name) in text for text in shown)
            lacking = any(drawable(name) != name for name in three)
            assert (ESCAPED in shown) is lacking


def test_a_character_without_a_glyph_is_drawn_as_its_code():
    assert drawable("a$b_c é ±") == "a$b_c é ±"
    assert drawable("\ue123 \U0010fffd\t") == r"\ue123 \U0010fffd\t"
    assert drawable("two\nlines") == "two\nlines"
