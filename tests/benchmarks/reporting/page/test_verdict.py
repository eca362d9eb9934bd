"""The three sentences are what the records say."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.reporting.advice import advice
from benchmarks.reporting.page.verdict import verdict
from benchmarks.reporting.statistics.aggregate import by_dataset
from tests.benchmarks.made_records import record, suite
from tests.benchmarks.reporting.tables.test_robustness import answered

ORDER = ("majority", "text_only", "mmbt", "cma_clip")


def models(records):
    return by_dataset(records, ORDER)["catalog"]


def test_ahead_of_all_is_yes():
    found = verdict(models(suite(("majority", "text_only", "cma_clip"))), None, yes_or_no=True)
    assert found.answer.startswith("Yes: CMA-CLIP is ahead of all others with ")
    assert "text_only (" in found.answer
    assert found.certainty.startswith("CMA-CLIP is better than 2 of 2 others. Measured on 400 test rows, 3 seeds;")
    assert "manifest" in found.command


def test_behind_one_is_no_with_the_distance():
    ours, best = record("text_only"), record("cma_clip")
    renamed = [
        one.model_copy(update={"experiment": one.experiment.model_copy(update={"model": name})})
        for one, name in ((ours, "cma_clip"), (best, "mmbt"))
    ]
    found = verdict(models(renamed), None, yes_or_no=True)
    gap = 100 * (best.metrics["clean"]["mean"]["accuracy"].value - ours.metrics["clean"]["mean"]["accuracy"].value)
    assert found.answer.startswith("No: mmbt (")
    assert f"{gap:.1f} points [" in found.answer
    assert found.certainty.startswith("CMA-CLIP is worse than the other. Measured on 400 test rows, one seed")
    assert verdict(models(renamed), None).answer.startswith("mmbt (")


def test_what_may_be_chance_is_not_shown():
    ours = record("cma_clip")
    equal = ours.model_copy(update={"experiment": ours.experiment.model_copy(update={"model": "mmbt"})})
    found = verdict(models([equal, ours]), None, yes_or_no=True)
    assert found.answer.startswith("Not shown: ")
    assert "level with the other" in found.certainty


def test_without_cma_clip_the_best_is_told():
    found = verdict(models(suite(("majority", "text_only"), seeds=(0,))), None)
    assert found.answer.startswith("text_only gets ")
    assert found.answer.endswith("It is the best of 2 models.")


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_the_next_step_is_the_pick(seeds):
    records = suite(ORDER, seeds)
    [advised] = advice(records, ORDER, "default", Path("runs"))
    found = verdict(models(records), advised)
    assert found.next.startswith(f"Take {advised.pick.chosen.row}, ")
    assert found.command == f"cma-bench fill TABLE --model {advised.folder} --out FILE"


def test_of_damage_the_points_lost_are_told():
    clean, hit = np.ones(100, bool), np.arange(100) < 60
    rival = answered("mmbt", 0, {"clean": clean, "blur@5": hit})
    ours = answered("cma_clip", 0, {"clean": clean, "blur@5": clean})
    found = verdict(models([rival, ours]), None)
    assert found.answer == (
        "Damage costs CMA-CLIP 0.0 points of its 100.0 % on average; cma_clip loses least, 0.0 of 100.0 %."
    )
    assert found.certainty.startswith("CMA-CLIP loses less than the other, under the same noise.")
