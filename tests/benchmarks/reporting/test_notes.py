from benchmarks.records.record import Experiment
from benchmarks.reporting import outputs
from benchmarks.reporting.notes import cut_texts, notes_on_cma_clip
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
        "Against cma_clip on the mean, by the paired bootstrap with Holm's correction: not told apart mmbt."
    ]


def test_alone_or_absent_there_is_nothing_to_say():
    assert notes(record()) == []
    assert notes(record("mmbt"), record("majority")) == []


def test_cut_texts_are_told_where_there_are_any():
    shares = {"train": 0.5, "val": 0.0, "test": 0.25}  # of 3,000, 600 and 400 texts
    one, two = (record(name, facts={"text_tokens": 32, "cut_texts": shares}) for name in ("mmbt", "cma_clip"))
    assert list(cut_texts({"mmbt": [one], "cma_clip": [two], "cma_clip_wo_sa": [record("cma_clip_wo_sa")]})) == [
        "40 % of the texts are longer than the 32 tokens that tiny-product-clip reads; the rest of them is not seen by "
        "mmbt, cma_clip. text_windows=4 reads more of them."
    ]
    facts = {"text_tokens": 482, "cut_texts": shares}
    windows = {"backbone": "tiny-product-clip", "text_windows": 16}
    assert list(cut_texts({"cma_clip": [record(facts=facts, config=windows)]})) == [
        "40 % of the texts are longer than the 482 tokens that tiny-product-clip reads; the rest of them is not seen "
        "by cma_clip."
    ]
    whole = record(facts={"text_tokens": 32, "cut_texts": dict.fromkeys(shares, 0.0)})
    assert not list(cut_texts({"cma_clip": [whole]}))


def test_the_terminal_has_one_line_a_data_set():
    facts = {"text_tokens": 302, "cut_texts": {"train": 0.1, "val": 0.1, "test": 0.1}}
    records = [
        record(model, seed, dataset, facts=facts)
        for dataset in ("abo", "catalog")
        for model in ("mmbt", "cma_clip")
        for seed in (0, 1)
    ]
    lines = outputs.cut_texts([*records, record("tfidf_logistic")])
    assert [line.partition(": 10 % of the texts")[0] for line in lines] == ["abo", "catalog"]
    assert all("cma_clip, mmbt." in line for line in lines)
