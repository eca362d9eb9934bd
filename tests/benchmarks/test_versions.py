"""What takes part in an experiment, and why it is computed again."""

import copy
import pickle
from dataclasses import replace

import pytest

from benchmarks import versions
from benchmarks.models import MODELS
from benchmarks.perturbations import PERTURBATIONS
from benchmarks.records.record import Experiment, Record
from cma_clip.version import Version
from tests.benchmarks.made_records import record


def asked(model="cma_clip", protocol="clean", **options):
    return Experiment(dataset="catalog", model=model, seed=0, protocol=protocol, dataset_options=options)


def done(experiment):
    """Its record, made now."""
    return record(experiment=experiment, versions=dict(versions.of_experiment(experiment)))


@pytest.mark.parametrize("reasons", [(), ("",), ("one", "two")])
def test_no_version_is_raised_without_a_reason(reasons):
    with pytest.raises(ValueError, match="version 2 needs 1 reasons"):
        Version(2, *reasons)


def test_copies_keep_the_reasons():
    version = Version(3, "wider", "mirrored edges")
    for other in (copy.deepcopy(version), pickle.loads(pickle.dumps(version))):
        assert (other, other.reasons) == (3, version.reasons)
    assert version.since(1) == "wider; mirrored edges"
    assert version.since(2) == "mirrored edges"


def test_only_what_takes_part_is_named():
    clean, blurred = versions.of_experiment(asked()), versions.of_experiment(asked(protocol="blur@2"))
    assert {"cma_clip", "training", "features", "catalog", "loading", "evaluation", "accuracy"} < set(clean)
    assert set(blurred) - set(clean) == {"blur"}
    assert set(versions.of_experiment(asked(titles="masked"))) - set(clean) == {"masking"}
    assert {"robustness", "blur", "missing_text"} < set(versions.of_experiment(asked(protocol="robustness")))
    assert "group intervals" not in clean  # every row of the catalogue is a group of its own
    assert "group intervals" in versions.of_experiment(asked().model_copy(update={"dataset": "fashion-products"}))
    assert "missing_either" in versions.of_experiment(asked(protocol="missing-70"))
    assert "contrastive training" in versions.of_experiment(asked("fine_tuned_clip"))
    assert not {"training", "features"} & set(versions.of_experiment(asked("tfidf_logistic")))


def test_a_raised_version_is_one_line_with_its_reason(monkeypatch):
    records = [done(asked(model, protocol)) for model in ("mmbt", "majority") for protocol in ("clean", "blur@1")]
    assert versions.changes(records) == []
    wider = replace(PERTURBATIONS["blur"], version=Version(3, "exact", "sigma is a share of the shorter side"))
    monkeypatch.setitem(PERTURBATIONS, "blur", wider)
    monkeypatch.setattr(MODELS["mmbt"], "version", Version(2, "segments are embedded"))
    assert sorted(versions.changes(records)) == [
        "blur is version 3 now, was 2: sigma is a share of the shorter side; 2 experiments are computed again",
        "mmbt is version 2 now, was 1: segments are embedded; 2 experiments are computed again",
    ]


def test_records_from_before_there_was_a_choice_are_computed_again():
    old = done(asked("majority")).model_copy(update={"validation": None, "cost": None})
    assert versions.changes([old]) == [
        "records made before `cma-bench pick` hold no validation results and no costs; 1 experiment is computed again"
    ]


def test_what_is_new_and_what_is_gone_is_said():
    before = done(asked("majority"))
    del before.versions["ece"]
    before.versions["brier"] = 1
    assert versions.changes([before]) == [
        "ece is new (version 1); 1 experiment is computed again",
        "brier takes no part any more; 1 experiment is computed again",
    ]


def test_records_from_before_versions_are_computed_again():
    old = Record.model_validate({**record().model_dump(), "versions": {}})
    assert versions.changes([old]) == [
        "records made by a release without versions cannot be compared; 1 experiment is computed again"
    ]
