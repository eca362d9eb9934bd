import pytest

from benchmarks.records.record import CLEAN, MEAN, Experiment
from benchmarks.reporting.outputs import all_figures, all_tables, headline
from benchmarks.reporting.pick import picks
from benchmarks.reporting.statistics.aggregate import Score
from benchmarks.reporting.statistics.curves import largest, learning_curves
from benchmarks.reporting.tables.learning_curve import enough_rows
from tests.benchmarks.made_records import estimate, record, with_accuracy

MODELS = ("tfidf_logistic", "cma_clip")
ACCURACY = {250: (0.80, 0.60), 1000: (0.86, 0.84), 4000: (0.865, 0.89)}


def made(rows, model, seed, mean):
    options = {"train_rows": rows, "val_rows": rows // 7}
    experiment = Experiment(dataset="fashion-products", model=model, seed=seed, dataset_options=options)
    fingerprints = {"data": f"{rows} rows", "weights": None}
    sizes = {"train": rows, "val": rows // 7, "test": 400}
    plain = record(model, seed, "fashion-products", experiment=experiment, fingerprints=fingerprints, sizes=sizes)
    found = with_accuracy(plain, mean=mean + seed / 1000)
    found.metrics[CLEAN][MEAN]["answered_at_90_precision"] = estimate(mean / 2)
    return found


RECORDS = [
    made(rows, model, seed, mean)
    for rows, means in ACCURACY.items()
    for model, mean in zip(MODELS, means, strict=True)
    for seed in (0, 1)
]


def test_a_curve_is_a_data_set_with_several_numbers_of_training_rows():
    assert {name: list(by) for name, by in learning_curves(RECORDS).items()} == {"fashion-products": list(ACCURACY)}
    assert learning_curves(largest(RECORDS)) == {}
    assert {found.sizes["train"] for found in largest(RECORDS)} == {4000}
    assert largest([record()]) == [record()]


def test_a_table_has_a_column_a_size_and_the_answer():
    tables = all_tables(RECORDS, MODELS)
    table = tables["fashion-products-learning_curve_accuracy"]
    assert table.header == ("model", "250", "1,000", "4,000", "rows to within a point")
    rows = {row[0].text: row[1:] for row in table.rows}
    assert [cell.value for cell in rows["cma_clip"][:3]] == pytest.approx([60.05, 84.05, 89.05])
    assert [cell.best for cell in rows["cma_clip"][:3]] == [False, False, True]
    assert (rows["tfidf_logistic"][3].text, rows["cma_clip"][3].text) == ("1,000", "4,000")
    assert table.footnotes[0] == (
        "How many products must be labelled: cma_clip, the best with 4,000 training rows, has 89.1 % there, and is "
        "within a point of that from 4,000 on."
    )
    assert "35 rows beside 250" in " ".join(table.footnotes)
    assert tables["fashion-products-learning_curve_answered"].rows[1][3].value == pytest.approx(44.5)


def test_all_else_is_about_the_most_rows():
    tables = all_tables(RECORDS, MODELS)
    (cell,) = [row[-1] for row in tables["fashion-products-accuracy"].rows if row[0].text == "cma_clip"]
    assert cell.value == pytest.approx(89.05)
    assert headline(RECORDS)["suite/fashion-products/accuracy/cma_clip"] == pytest.approx(0.8905)
    assert {pick.record.sizes["train"] for pick in picks(RECORDS, MODELS)} == {4000}


def test_a_figure_has_a_line_a_model_over_all_sizes():
    figures = all_figures(RECORDS, MODELS)
    (axes,) = figures["fashion-products-learning_curve_accuracy"].axes
    assert {line.get_label(): list(line.get_xdata()) for line in axes.lines} == {
        model: list(ACCURACY) for model in MODELS
    }
    assert [text.get_text() for text in axes.get_xticklabels()] == ["250", "1,000", "4,000"]


@pytest.mark.parametrize(
    ("values", "rows"), [((0.5, 0.9, 0.9), 2), ((0.9, 0.5, 0.9), 3), ((0.895, 0.95, 0.9), 1), ((0.9,), 1)]
)
def test_enough_is_what_no_larger_number_falls_behind(values, rows):
    assert enough_rows({n: Score(value, None, 1) for n, value in enumerate(values, 1)}) == rows
