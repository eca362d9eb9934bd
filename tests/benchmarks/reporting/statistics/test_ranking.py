"""Blocks of a ranking: which data sets and tasks count, and which models."""

import numpy as np
import pytest
from scipy.stats import friedmanchisquare

from benchmarks.reporting.figures.ranking import critical_difference
from benchmarks.reporting.figures.style import to_png
from benchmarks.reporting.outputs import all_figures, all_tables
from benchmarks.reporting.statistics.ranking import (
    RankingError,
    average_over_datasets,
    rank,
    ranking,
    ranks_table,
    suite_ranking,
)
from tests.benchmarks.made_records import ORDER, TASKS, suite, with_accuracy

MODELS = ("majority", "text_only", "mmbt", "cma_clip")
TWO = {"a": suite(MODELS), "b": suite(MODELS, dataset="manifest")}

BLOCKS = {f"block {i}": {"good": 0.9 + i / 100, "fair": 0.8 - i / 100, "bad": 0.1} for i in range(4)}


def test_a_block_is_a_task_of_a_data_set():
    found = ranking(TWO, ORDER)
    assert found.blocks == tuple(f"{dataset}: {task}" for dataset in ("catalog", "manifest") for task in TASKS)
    assert found.models == MODELS[::-1]


def test_or_a_data_set_by_its_mean():
    three = {**TWO, "c": suite(MODELS, dataset="fashion-products")}
    assert ranking(three, ORDER, unit="dataset").blocks == ("catalog", "manifest", "fashion-products")
    with pytest.raises(RankingError, match=r"found 2 blocks \(catalog, manifest\)"):
        ranking(TWO, ORDER, unit="dataset")


def test_models_without_a_defined_score_everywhere_are_left_out():
    undefined = [with_accuracy(r, color=float("nan")) if r.experiment.model == "mmbt" else r for r in TWO["a"]]
    missing = [r for r in TWO["b"] if r.experiment.model != "majority"]
    with pytest.raises(RankingError, match=r"2 models \(text_only, cma_clip\)"):
        ranking({"a": undefined, "b": missing}, ORDER)


def test_one_data_set_in_two_suites_must_not_be_the_same_data():
    with pytest.raises(RankingError, match="a and b both hold results on the same catalog"):
        ranking({"a": suite(MODELS), "b": suite(MODELS)}, ORDER)
    masked = [r.model_copy(update={"fingerprints": {"data": "masked"}}) for r in suite(MODELS)]
    blocks = ranking({"a": suite(MODELS), "b": masked}, ORDER).blocks
    assert {"catalog (a): color", "catalog (b): color"} <= set(blocks)


def test_the_table_shows_every_rank_and_what_the_test_says():
    table = ranks_table(ranking(TWO, ORDER))
    assert [cell.text for cell in table.rows[0]] == ["cma_clip", "1.00", *["1.0"] * 6]
    text = " ".join(table.footnotes)
    assert "Friedman" in text
    assert "not independent" in text


def test_beside_the_rank_over_tasks_stands_one_over_data_sets():
    """A data set of one task counts as much as one of three."""
    found = ranking(TWO, ORDER)
    turned = [with_accuracy(r, mean=0.1) if r.experiment.model == "cma_clip" else r for r in TWO["b"]]
    beside = average_over_datasets({**TWO, "b": turned}, found.models)
    assert beside == {"cma_clip": 2.5, "mmbt": 1.5, "text_only": 2.5, "majority": 3.5}
    table = ranks_table(found, over_datasets=beside)
    assert table.header[:3] == ("model", "average rank", "over data sets")
    assert [row[2].text for row in table.rows] == ["2.50", "1.50", "2.50", "3.50"]
    assert "each counts once" in " ".join(table.footnotes)


def test_a_suite_of_several_data_sets_is_ranked_and_one_of_one_is_not():
    both = [*TWO["a"], *TWO["b"]]
    assert "ranks" in all_tables(both, ORDER)
    assert "ranks" in all_figures(both, ORDER)
    assert suite_ranking(TWO["a"], ORDER) is None


def test_the_figure_names_every_model_and_is_the_same_every_time():
    figure = critical_difference(ranking(TWO, ORDER), ORDER)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert all(any(model in text for text in texts) for model in MODELS)
    assert "Friedman" in figure.get_label()
    assert to_png(figure) == to_png(critical_difference(ranking(TWO, ORDER), ORDER))


def test_the_best_has_rank_1_and_ties_share():
    found = rank({**BLOCKS, "tie": {"good": 0.5, "fair": 0.5, "bad": 0.1}})
    assert found.models == ("good", "fair", "bad")
    assert found.average == pytest.approx({"good": (4 + 1.5) / 5, "fair": (8 + 1.5) / 5, "bad": 3.0})


def test_lower_may_be_better():
    assert rank(BLOCKS, higher_is_better=False).models == ("bad", "fair", "good")


def test_friedman_and_nemenyi():
    found = rank(BLOCKS)
    assert found.friedman == pytest.approx(friedmanchisquare([1] * 4, [2] * 4, [3] * 4).pvalue)
    assert found.critical_difference == pytest.approx(2.343 * np.sqrt(3 * 4 / (6 * 4)), abs=1e-3)  # Demsar, table 5
    average, models = found.average, found.models
    for i, one in enumerate(models):
        for j, two in enumerate(models):
            apart = abs(average[one] - average[two]) > found.critical_difference
            assert (found.pairwise[i, j] < 0.05) == apart


def test_where_friedman_does_not_reject_no_pair_differs_significantly():
    turns = {"a": (1, 2, 3), "b": (2, 3, 1), "c": (3, 1, 2)}
    found = rank({block: dict(zip("xyz", scores, strict=True)) for block, scores in turns.items()})
    assert found.friedman == pytest.approx(1.0)
    assert (found.pairwise == 1).all()
    assert rank({block: dict.fromkeys("xyz", 0.5) for block in turns}).friedman == 1.0


@pytest.mark.parametrize(
    "scores",
    [{}, dict(list(BLOCKS.items())[:2]), {block: {"good": 1, "bad": 0} for block in BLOCKS}],
    ids=["nothing", "two blocks", "two models"],
)
def test_too_little_is_refused(scores):
    with pytest.raises(RankingError, match=rf"at least 3 blocks and 3 models .* found {len(scores)} blocks"):
        rank(scores)
