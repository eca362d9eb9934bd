"""Studies in real databases."""

import os
import uuid

import pytest

from benchmarks.engines.local import Local
from benchmarks.tuning.storage import WORKER, open_storage, original_number
from benchmarks.tuning.workers import tune
from tests.benchmarks.tuning.plans import assert_exactly, finished, states, study_of
from tests.benchmarks.tuning.test_retry import claimed_by, gone


@pytest.fixture(params=["sqlite", "postgresql"])
def storage(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'studies.db'}"
    return request.getfixturevalue("postgres")


def test_a_database_keeps_studies_and_retries_lost_trials(storage, plan_of):
    plan = plan_of(trials=3, hparams={"max_epochs": int(uuid.uuid4().int % 1000) + 1}, storage=storage)
    claimed_by(plan, gone())
    tune(plan)
    study = study_of(plan)
    assert_exactly(study, 3)
    assert states(study)[0] == "FAIL"
    assert [original_number(trial) for trial in finished(study) if original_number(trial) != trial.number] == [0]
    tune(plan)
    assert_exactly(study_of(plan), 3)


def test_a_database_takes_silent_workers_of_other_machines_for_dead(storage):
    opened = open_storage(storage)
    assert opened.get_heartbeat_interval() == 30
    assert opened.grace_period == 120


def test_two_workers_share_a_study_in_postgresql(postgres, plan_of, tiny):
    plan = plan_of(("concat_fusion",), {"max_epochs": 6, "patience": 6, "backbone": tiny}, trials=8, storage=postgres)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    tune(plan, Local(2))
    study = study_of(plan)
    assert_exactly(study, 8)
    assert len({trial.user_attrs[WORKER] for trial in finished(study)}) == 2
