from benchmarks.records.record import Experiment
from benchmarks.reporting.tables.verdicts import notes_on_cma_clip
from tests.benchmarks.made_records import record, with_accuracy


def notes(*records):
    return list(notes_on_cma_clip({found.experiment.model: [found] for found in records}, "clean"))


def test_the_best_is_only_compared():
    (verdict,) = notes(record("majority"), record("late_fusion"), record())
    assert verdict.startswith("Against cma_clip on the mean, by the paired bootstrap with Holm's correction: ")
    assert "behind majority" in verdict
    assert "ahead" not in verdict


def test_who_is_ahead_by_how_much_and_what_one_modality_reaches():
    ours = with_accuracy(record(), mean=0.5)
    behind, _ = notes(
        with_accuracy(record("text_only"), mean=0.48), with_accuracy(record("tfidf_logistic"), mean=0.6), ours
    )
    assert behind == (
        "cma_clip does not have the best mean: tfidf_logistic is 10.0 points ahead. Of one modality: words alone "
        "60.0 % (tfidf_logistic). The same network has 48.0 % of texts alone: photos are worth 2.0 points to it."
    )


def test_a_table_without_photos_says_nothing_of_their_worth():
    ours = record(facts={"evidence": {"test": {"text": 1.0, "image": 0.0}}})
    behind, _ = notes(with_accuracy(record("text_only"), mean=0.6), with_accuracy(ours, mean=0.5))
    assert "ahead" in behind
    assert "photos are worth" not in behind


def test_networks_that_were_tuned_apart_are_not_called_the_same():
    ours, texts = (
        with_accuracy(
            record(model, experiment=Experiment(dataset="catalog", model=model, seed=0, hparams={"depth": depth})),
            mean=mean,
        )
        for model, depth, mean in (("cma_clip", 1, 0.5), ("text_only", 2, 0.48))
    )
    behind, _ = notes(texts, with_accuracy(record("mmbt"), mean=0.6), ours)
    assert behind.endswith("with hyper-parameters of its own (text_only), has 48.0 %, -2.0 points.")


def test_what_the_outcomes_cannot_tell_apart_is_not_called_better():
    same = record("mmbt", outcomes=record().outcomes, metrics=record().metrics)
    assert notes(same, record()) == [
        "Against cma_clip on the mean, by the paired bootstrap with Holm's correction: no significant difference mmbt."
    ]


def test_alone_or_absent_there_is_nothing_to_say():
    assert notes(record()) == []
    assert notes(record("mmbt"), record("majority")) == []
