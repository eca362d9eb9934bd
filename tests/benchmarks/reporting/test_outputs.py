import csv

import pytest

from benchmarks.records import store
from benchmarks.records.record import CLEAN
from benchmarks.reporting import outputs
from benchmarks.suites import MODEL_ORDER
from tests.benchmarks.made_records import record, suite

RECORDS = suite(["majority", "text_only", "cma_clip"], [0, 1])
KINDS = {"tables": {".md", ".csv", ".tex"}, "figures": {".svg", ".png"}}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results") / "default"
    return folder, outputs.write(folder, RECORDS, "default")


def test_every_table_and_figure_is_there_in_every_format(written):
    folder, _ = written
    for name, kinds in KINDS.items():
        found = {(path.stem, path.suffix) for path in (folder / name).iterdir()}
        stems = {stem for stem, _ in found}
        assert stems
        assert found == {(stem, kind) for stem in stems for kind in kinds}
    assert (folder / "figures" / "catalog-accuracy.png").read_bytes().startswith(b"\x89PNG")
    page = (folder / "report.html").read_text()
    assert "nox -s benchmark -- --suite default" in page
    assert "Procedural product catalogue" in page


def test_the_printed_tables_are_the_accuracies(written):
    folder, printed = written
    assert (folder / "tables" / "catalog-accuracy.md").read_text().strip() in printed
    assert printed.endswith(f"6 records; tables, figures and report.html are in {folder}")


def test_the_same_records_are_the_same_bytes(written, tmp_path):
    folder, _ = written
    outputs.write(tmp_path / "default", list(reversed(RECORDS)), "default")
    for path in folder.rglob("*.*"):
        assert (tmp_path / "default" / path.relative_to(folder)).read_bytes() == path.read_bytes(), path.name


def test_tables_of_other_records_are_stale(written):
    folder, _ = written
    assert "21 tables are what 6 records say" in outputs.check(folder, RECORDS)
    with pytest.raises(outputs.StaleError, match=r"catalog-accuracy.md, .*; run `cma-bench tables`"):
        outputs.check(folder, RECORDS[:3])


def test_a_csv_holds_the_means_over_seeds():
    rows = list(csv.DictReader(outputs.table_texts(RECORDS)["catalog-accuracy.csv"].splitlines()))
    measured = {record.experiment.model for record in RECORDS}
    assert [row["model"] for row in rows] == [model for model in MODEL_ORDER if model in measured]
    for row in rows:
        values = [r.metrics[CLEAN]["color"]["accuracy"].value for r in RECORDS if r.experiment.model == row["model"]]
        assert float(row["color"]) == pytest.approx(100 * sum(values) / 2)


def test_without_a_reference_that_is_said(tmp_path):
    assert outputs.compare(RECORDS, tmp_path) == ""


def test_a_reference_is_compared_with(tmp_path):
    for made in RECORDS:
        store.save_record(tmp_path, made)
    assert str(tmp_path) in outputs.compare(RECORDS, tmp_path)
    assert outputs.compare(RECORDS, tmp_path) != outputs.compare([record("majority", n=30)], tmp_path)


def test_the_report_tells_the_agreement_with_the_reference(tmp_path):
    for made in RECORDS:
        store.save_record(tmp_path / "reference" / "default", made)
    outputs.write(tmp_path / "default", RECORDS, "default")
    outputs.write(tmp_path / "reference" / "default", RECORDS, "default")
    sentence = "12 of 12 cells fall inside"
    assert sentence in (tmp_path / "default" / "report.html").read_text()
    assert sentence not in (tmp_path / "reference" / "default" / "report.html").read_text()


def test_the_headline_is_the_mean_accuracy_of_every_model():
    found = outputs.headline(RECORDS)
    assert set(found) == {f"suite/catalog/accuracy/{model}" for model in ("majority", "text_only", "cma_clip")}
    values = [r.metrics[CLEAN]["mean"]["accuracy"].value for r in RECORDS if r.experiment.model == "cma_clip"]
    assert found["suite/catalog/accuracy/cma_clip"] == pytest.approx(sum(values) / len(values))
