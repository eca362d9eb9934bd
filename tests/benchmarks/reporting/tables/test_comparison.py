"""What tables say, and that nothing vanishes or is mixed unsaid."""

import math
import random
import statistics

import pytest

from benchmarks.records.record import CLEAN, Experiment
from benchmarks.reporting.outputs import all_tables
from benchmarks.reporting.statistics.aggregate import by_dataset
from benchmarks.reporting.table import FORMATS, MISSING
from benchmarks.reporting.tables.comparison import UNDEFINED, comparison_table
from tests.benchmarks.made_records import ORDER, TASKS, N, estimate, record, suite, with_accuracy, with_condition

TWO = ("text_only", "cma_clip")
DEEPER = Experiment(dataset="catalog", model="cma_clip", seed=1, hparams={"depth": 3})


@pytest.fixture(scope="module")
def records():
    return suite()


def comparison(records, order, metric="accuracy"):
    [(dataset, models)] = by_dataset(records, order).items()
    return comparison_table(dataset, models, [metric])


def weights(records):
    return all_tables(records, ())["catalog-modality_weights"]


def rows(table):
    return {row[0].text: row[1:] for row in table.rows}


def notes(table):
    return " ".join(table.footnotes)


def test_models_are_rows_in_order_and_tasks_are_columns_with_the_mean_last(records):
    table = comparison(records, ORDER)
    assert [row[0].text for row in table.rows] == list(ORDER)
    assert table.header == ("model", *TASKS, "mean")


def test_a_cell_is_mean_and_sample_standard_deviation_over_seeds(records):
    cell = rows(comparison(records, ORDER))["cma_clip"][1]
    values = [100 * r.metrics[CLEAN]["pattern"]["accuracy"].value for r in records if r.experiment.model == "cma_clip"]
    assert (cell.value, cell.spread) == pytest.approx((statistics.mean(values), statistics.stdev(values)))
    assert cell.text == f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f}"


def test_a_single_seed_has_no_spread():
    table = comparison(suite(TWO, seeds=(0,)), TWO)
    assert all("±" not in cell.text and cell.spread is None for row in table.rows for cell in row)
    assert "1 seed;" in table.title


def test_the_title_states_what_a_reader_must_know(records):
    title = comparison(records, ORDER, "macro_f1").title
    for fact in ("catalog", "macro-F1 in %", CLEAN, "mean ± std over 3 seeds", f"{N} test examples", "validation"):
        assert fact in title


def test_the_best_of_a_column_is_bold_and_so_is_what_rounds_to_it():
    records = [
        with_accuracy(record(model), color=color, style=style)
        for model, color, style in (("mmbt", 0.90012, 0.5), ("text_only", 0.90049, 0.6), ("cma_clip", 0.5, 0.601))
    ]
    table = rows(comparison(records, ("text_only", "mmbt", "cma_clip")))
    assert [table[model][0].best for model in ("text_only", "mmbt", "cma_clip")] == [True, True, False]
    assert [table[model][2].best for model in ("text_only", "mmbt", "cma_clip")] == [False, False, True]


def test_lower_is_better_for_log_loss(records):
    table = all_tables(records, ORDER)["catalog-calibration"]
    best = [row[0].text for row in table.rows if row[-1].best]
    assert best == ["cma_clip"]
    assert min(row[-1].value for row in table.rows) == rows(table)["cma_clip"][-1].value


def test_cells_that_do_not_differ_from_the_best_are_marked():
    close, best, far = record("cma_clip", 1), record("cma_clip", 2), record("majority", 0)
    relabelled = close.model_copy(update={"experiment": close.experiment.model_copy(update={"model": "mmbt"})})
    table = comparison([best, relabelled, far], ("majority", "mmbt", "cma_clip"))
    for column in range(len(TASKS) + 1):
        cells = {model: cells[column] for model, cells in rows(table).items()}
        assert (cells["majority"].best, cells["majority"].tied) == (False, False)
        assert all(cells[model].best != cells[model].tied for model in ("mmbt", "cma_clip"))
    assert "paired bootstrap" in notes(table)
    assert "Holm's correction" in notes(table)


def test_only_accuracy_is_compared_pair_by_pair(records):
    assert not any(cell.tied for row in comparison(records, ORDER, "log_loss").rows for cell in row)


def test_a_model_without_records_keeps_its_row():
    table = comparison(suite(TWO), ("majority", *TWO))
    assert [cell.text for cell in rows(table)["majority"]] == [MISSING] * 4
    assert "No record of majority." in table.footnotes


def test_a_model_that_the_order_does_not_know_keeps_its_row_too():
    assert [row[0].text for row in comparison(suite(TWO), ("cma_clip",)).rows] == ["cma_clip", "text_only"]


def test_a_metric_that_a_record_lacks_is_shown_as_missing():
    old = record("text_only")
    metrics = {task: {"accuracy": by_name["accuracy"]} for task, by_name in old.metrics[CLEAN].items()}
    table = comparison([record(), old.model_copy(update={"metrics": {CLEAN: metrics}})], TWO, "macro_f1")
    assert [cell.text for cell in rows(table)["text_only"]] == [MISSING] * 4
    assert f"{MISSING}: not measured." in table.footnotes


def test_an_undefined_metric_is_no_number_and_never_the_best():
    nowhere = [with_accuracy(r, color=math.nan, mean=math.nan) for r in suite(TWO)]
    table = comparison(nowhere, TWO)
    for cells in rows(table).values():
        assert [cell.text == UNDEFINED for cell in cells] == [True, False, False, True]
        assert not cells[0].best
    assert f"{UNDEFINED}: undefined, no labelled test example." in table.footnotes


def test_fewer_seeds_are_said():
    table = comparison(suite(TWO)[:-1], TWO)
    assert "2 to 3 seeds" in table.title
    assert "Fewer than 3 seeds: cma_clip 2." in table.footnotes


def test_what_the_loader_left_out_is_said():
    report = {
        "rows": 1_000,
        "bad_samples": ["styles.csv, row 3: truncated"],
        "dropped_classes": {"color": {"teal": 3, "rust": 2}},
        "notes": ["Titles were taken as they are."],
    }
    text = notes(comparison([record(data_report=report)], ()))
    assert "color: 2 classes with too few training rows were dropped; their 5 labels" in text
    assert "1 of 1,000 samples could not be used" in text
    assert "Titles were taken as they are." in text


def test_labelled_examples_are_counted_where_labels_are_missing():
    original = record()
    metrics = {**original.metrics[CLEAN], "style": {"accuracy": estimate(0.5, n=7)}}
    table = comparison([original.model_copy(update={"metrics": {CLEAN: metrics}})], ())
    assert f"Labelled test examples: color {N}, pattern {N}, style 7." in table.footnotes


def test_backbones_are_named_with_the_models_that_use_them():
    frozen, tuned = record("mmbt"), record("cma_clip", config={"backbone": "ViT-B-32-quickgelu/openai", "freeze": 2})
    assert "Backbone tiny-product-clip, frozen." in comparison([frozen], ()).footnotes
    text = notes(comparison([frozen, tuned], ()))
    assert "Backbone tiny-product-clip, frozen: mmbt." in text
    assert "Backbone ViT-B-32-quickgelu/openai, last 2 blocks fine-tuned: cma_clip." in text


def test_test_examples_that_a_backbone_was_pretrained_on_are_cautioned_against():
    found = notes(comparison([record("majority"), record("mmbt", trained_rows=7), record()], ("mmbt", "cma_clip")))
    assert "Caution: the backbone was pretrained on the texts of 7 of the 400 test examples: mmbt." in found
    assert "not recorded" not in found


def test_a_backbone_whose_past_nobody_knows_is_named():
    hub = {"backbone": "ViT-B-32/openai", "freeze": "all"}
    untrained = {"backbone": "random:ViT-B-32", "freeze": "all"}
    models = [record("mmbt", config=hub, trained_rows=None), record(config=untrained, trained_rows=None)]
    found = notes(comparison(models, ("mmbt", "cma_clip")))
    assert "What ViT-B-32/openai was pretrained on is not recorded" in found
    assert found.count("not recorded") == 1


@pytest.mark.parametrize(
    ("changes", "caution"),
    [
        ({"versions": {"cma_clip": 1, "training": 2}}, "the rows mix versions 1, 2 of training"),
        ({"fingerprints": {"data": "other"}}, "the rows mix 2 versions of the data"),
        ({"environment": {"libraries": {"torch": "1.0"}}}, "the rows mix 2 sets of library versions"),
        ({"experiment": DEEPER}, "the seeds differ in hyper-parameters: cma_clip"),
        (
            {"fingerprints": {"data": "catalog", "weights": "w"}},
            "the seeds differ in pretrained weights: cma_clip",
        ),
    ],
)
def test_mixtures_are_cautioned_against(changes, caution):
    assert f"Caution: {caution}." in comparison([record(), record(seed=1, **changes)], ()).footnotes
    assert not any(note.startswith("Caution") for note in comparison([record(), record(seed=1)], ()).footnotes)


def test_one_seed_twice_is_refused():
    first = record()
    options = first.experiment.model_copy(update={"hparams": {"depth": 3}})
    with pytest.raises(ValueError, match=r"catalog/cma_clip/seed-0 .*depth=3"):
        comparison([first, record(experiment=options, key="other")], ())


def test_all_tables_cover_every_data_set(records):
    names = set(all_tables([*records, *suite(TWO, dataset="manifest")], ORDER))
    kinds = {"accuracy", "macro_f1", "recall_at_90_precision", "differences", "calibration", "cost", "modality_weights"}
    assert names == {f"{dataset}-{kind}" for dataset in ("catalog", "manifest") for kind in kinds}


def test_cost_shows_what_training_took(records):
    table = all_tables(records, ORDER)["catalog-cost"]
    parameters, epochs, chosen, seconds, _ = rows(table)["cma_clip"]
    assert (parameters.text, epochs.text, chosen.text) == ("1,234,567", "13.0 ± 1.0", "9")
    assert seconds.value == pytest.approx(records[-1].seconds["fit"])
    assert rows(table)["majority"][1].text == MISSING


def test_modality_weights_stand_beside_the_known_relevance(records):
    table = weights(records)
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["cma_clip", "color", "51.0 ± 1.0", "49.0 ± 1.0", "50.0", "50.0"],
        ["cma_clip", "pattern", "35.0 ± 1.0", "65.0 ± 1.0", "10.0", "90.0"],
        ["cma_clip", "style", "65.0 ± 1.0", "35.0 ± 1.0", "85.0", "15.0"],
    ]
    assert "cma_clip puts 3 of 3 pairs of tasks in the order of their known relevance." in table.footnotes


def test_weights_that_contradict_the_relevance_are_told():
    swapped = {CLEAN: {"color": (0.5, 0.5), "pattern": (0.9, 0.1), "style": (0.1, 0.9)}}
    assert "0 of 3 pairs" in notes(weights([record(modality_weights=swapped)]))


def test_without_known_relevance_the_weights_stand_alone():
    table = weights([record(relevance={})])
    assert [cell.text for cell in table.rows[0][-2:]] == [MISSING, MISSING]
    assert "pairs of tasks" not in notes(table)


def test_the_order_of_the_records_changes_no_byte(records):
    shuffled = random.Random(0).sample(records, len(records))
    tables, again = all_tables(records, ORDER), all_tables(shuffled, ORDER)
    assert list(tables) == list(again)
    for render in FORMATS.values():
        assert [render(table) for table in tables.values()] == [render(table) for table in again.values()]


def test_a_part_of_the_test_split_has_tables_of_its_own_and_noise_is_summed_up(records):
    parts = [with_condition(r, "deduplicated", n=90) for r in records]
    tables = all_tables([with_condition(r, "noisy", n=N) for r in parts], ORDER)
    new = set(tables) - set(all_tables(records, ORDER))
    kinds = ("accuracy", "macro_f1", "recall_at_90_precision", "calibration")
    assert new == {*(f"catalog-deduplicated-{kind}" for kind in kinds), "catalog-robustness"}
    assert "catalog, deduplicated" in tables["catalog-deduplicated-accuracy"].title
    assert "90 test examples" in tables["catalog-deduplicated-accuracy"].title
    assert tables["catalog-accuracy"].title == comparison(records, ORDER).title


def test_a_cell_holds_its_interval_for_csv(records):
    table = comparison(records, ORDER)
    cell = rows(table)["cma_clip"][0]
    found = [r.metrics[CLEAN]["color"]["accuracy"] for r in records if r.experiment.model == "cma_clip"]
    assert cell.interval == pytest.approx(
        (100 * statistics.mean(e.low for e in found), 100 * statistics.mean(e.high for e in found))
    )
    header, first = FORMATS["csv"](table).splitlines()[:2]
    assert header.startswith("model,color,color std,color low,color high,pattern,")
    assert header.count(",") == first.count(",")


def test_whole_numbers_of_one_seed_have_no_digits():
    parameters, epochs, chosen, *_ = rows(all_tables(suite(TWO, seeds=(0,)), TWO)["catalog-cost"])["cma_clip"]
    assert (parameters.text, epochs.text, chosen.text) == ("1,234,567", "12", "9")


def test_the_title_says_that_labels_were_taken_out_of_the_texts():
    experiment = record().experiment.model_copy(update={"dataset_options": {"titles": "masked"}})
    assert comparison([record(experiment=experiment)], ("cma_clip",)).title.startswith(
        "catalog with masked titles, clean:"
    )
