from benchmarks.records.groups import Groups
from benchmarks.reporting import outputs
from benchmarks.reporting.notes import cut_texts, footnotes
from tests.benchmarks.made_records import record


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


def of_shop(model, **changes):
    return record(model, dataset="fashion-products", **changes)


def said_of_groups(*records):
    return [note for note in footnotes({one.experiment.model: [one] for one in records}) if "Intervals" in note]


def test_tables_say_what_intervals_are_over():
    groups = {"clean": Groups.of(["a", "a", "b"], {})}
    new = of_shop("cma_clip", groups=groups, versions={"group intervals": 1})
    whole = (
        "Intervals and tests draw groups of rows whole (views of a product, equal titles, equal photos), as splits are "
        "made: 2 groups of 3 test rows."
    )
    assert said_of_groups(new) == [whole]
    (rows,) = said_of_groups(of_shop("mmbt"), of_shop("cma_clip"))
    assert rows.startswith("Intervals and tests are over rows, as if none were like another")
    mixed = said_of_groups(of_shop("mmbt"), new)
    assert mixed[0] == whole
    assert mixed[1].startswith("Intervals of mmbt are over rows")
    assert said_of_groups(record("mmbt"), record("cma_clip")) == []  # every row of the catalogue is a group of its own
    assert said_of_groups(of_shop("mmbt", versions={"group intervals": 1})) == []


def test_tables_name_regressions_that_did_not_converge():
    some = record("tfidf_logistic", facts={"unconverged": ["color"]}, config={"max_iter": 200})
    notes = footnotes({"tfidf_logistic": [some], "cma_clip": [record()]})
    assert "tfidf_logistic had not converged after 200 iterations on color; max_iter allows more." in notes
    assert not any("converged" in note for note in footnotes({"cma_clip": [record()]}))
