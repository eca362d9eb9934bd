import json
import re

import pytest
from PIL import Image

from benchmarks import data_checks
from benchmarks.data_checks import duplicates, files, labels, suspects
from benchmarks.data_checks.findings import Findings
from benchmarks.data_checks.page import to_html, to_json, to_text
from benchmarks.data_checks.rows import examine
from benchmarks.datasets.catalog import CatalogOptions, product
from benchmarks.datasets.loading.splits import LoadReport, Splits
from cma_clip.backbone.loading import load_backbone
from cma_clip.examples import ExampleList
from cma_clip.features.processing import Processor
from cma_clip.types import Example, Task
from tests.benchmarks.datasets.samples import CARD

COLOURS = ("red", "navy blue", "nan")


@pytest.fixture(scope="module")
def backbone():
    return load_backbone("tiny-product-clip")


@pytest.fixture(scope="module")
def drawn():
    return [product(index, CatalogOptions(image_size=96)).image for index in range(12)]


@pytest.fixture
def examined(backbone, drawn):
    """What the checks see of a few examples; (part, changes) each."""

    def build(*rows, report=None, classes=COLOURS):
        parts = {"train": [], "val": [], "test": []}
        rows = [("train", {}), ("train", {"labels": {"colour": 1}}), ("val", {}), ("test", {}), *rows]
        for number, (part, changes) in enumerate(rows):
            facts = {"image": drawn[number], "text": f"title {number}", "labels": {"colour": 0}, "group": f"g{number}"}
            parts[part].append(Example(id=f"r{number}", **{**facts, **changes}))
        tasks = (Task("colour", classes),)
        lists = {part: ExampleList(own) for part, own in parts.items()}
        splits = Splits(
            "test", **lists, tasks=tasks, card=CARD, fingerprint="f", report=report or LoadReport(len(rows))
        )
        return examine(splits, backbone, progress=False)

    return build


def _ids(findings, check):
    (found,) = (finding for finding in findings if finding.check == check)
    return [sample.id for group in found.samples for sample in group]


def test_clean_examples_are_clean(examined):
    good = examined()
    assert [finding for look in data_checks.CHECKS for finding in look(good) if finding.severity != "info"] == []


def test_unreadable_rows_are_an_error_and_named(examined):
    report = LoadReport(9, bad_samples=tuple(f"items.csv, row {row}: no image" for row in range(7)))
    (found,) = files.check_readable(examined(report=report))
    assert (found.severity, found.count) == ("error", 7)
    assert found.sentence.startswith("7 of 9 rows cannot be used: items.csv, row 0: no image; ")
    assert "and 2 more" in found.sentence
    assert found.rows == report.bad_samples


def test_missing_modalities_are_told_apart(examined):
    found = list(files.check_missing(examined(("train", {"text": None}), ("test", {"image": None}))))
    assert _ids(found, "no-text") == ["r4"]
    assert _ids(found, "no-image") == ["r5"]


def test_grey_and_odd_images_are_found(examined, drawn):
    changes = {"image": drawn[4].convert("L").convert("RGB")}, {"image": Image.new("RGB", (300, 64), "red")}
    rows = examined(*(("train", change) for change in changes))
    assert "r4" in _ids(files.check_colour(rows), "greyscale")
    assert _ids(files.check_sizes(rows), "aspect-ratio") == ["r5"]


def test_an_image_in_train_and_test_is_an_error(examined, drawn):
    found = list(duplicates.check_identical_images(examined(("test", {"image": drawn[0]}))))
    assert [finding.severity for finding in found] == ["info", "error"]
    assert _ids(found, "identical-images-across-splits") == ["r0", "r4"]
    assert "1 of the 2 test rows" in found[1].sentence


def test_one_image_with_two_labels_is_a_warning(examined, drawn):
    found = list(duplicates.check_identical_images(examined(("train", {"image": drawn[0], "labels": {"colour": 1}}))))
    assert [finding.severity for finding in found] == ["info", "warning"]
    assert _ids(found, "identical-images-conflicting-labels") == ["r0", "r4"]


def test_a_resized_image_across_splits_is_a_warning(examined, drawn):
    found = list(duplicates.check_near_duplicates(examined(("test", {"image": drawn[0].resize((80, 80))}))))
    assert _ids(found, "near-identical-images-across-splits") == ["r0", "r4"]
    assert found[-1].severity == "warning"


def test_texts_are_equal_but_for_case_and_spaces(examined):
    found = list(duplicates.check_texts(examined(("train", {"text": " TITLE  0"}), ("test", {"text": "Title 1"}))))
    assert sorted(_ids(found, "identical-texts")) == ["r0", "r1", "r4", "r5"]
    assert sorted(_ids(found, "identical-texts-across-splits")) == ["r1", "r5"]


def test_labels_in_texts_are_counted_word_by_word_and_loosely(examined):
    texts = ("Red dress", "reddish dress", "Reds for all", "tired")
    facts = labels.facts(examined(*(("train", {"text": text}) for text in texts)), Task("colour", COLOURS))
    assert facts.in_text_exact == pytest.approx(1 / 8)
    assert facts.in_text_loose == pytest.approx(2 / 8)
    facts = labels.facts(
        examined(*(("train", {"text": text, "labels": {"colour": 1}}) for text in ("NAVY BLUE cap", "navy-blue cap"))),
        Task("colour", COLOURS),
    )
    assert (facts.in_text_exact, facts.in_text_loose) == (pytest.approx(1 / 6), pytest.approx(2 / 6))
    assert list(labels.check_leakage(facts)) == []


def test_a_task_that_its_texts_tell_is_a_warning(examined):
    rows = examined(*(("train", {"text": f"red dress {number}"}) for number in range(6)))
    (found,) = labels.check_leakage(labels.facts(rows, rows.splits.tasks[0]))
    assert (found.severity, found.count) == ("warning", 6)
    assert "60.0%" in found.sentence


def test_a_lopsided_task_is_a_warning(examined):
    rows = examined(*[("train", {})] * 8)
    (found,) = labels.check_balance(labels.facts(rows, rows.splits.tasks[0]))
    assert "'red' (11, 91.7% of the labels)" in found.sentence


def test_classes_that_only_test_has_are_named(examined):
    rows = examined(("test", {"labels": {"colour": 2}}))
    (found,) = labels.check_unseen(rows, rows.splits.tasks[0])
    assert "1 labels of 1 classes occur in validation or test only: nan." in found.sentence
    (found,) = labels.check_names(rows, rows.splits.tasks[0])
    assert "the class 'nan', which looks like a missing value" in found.sentence


def test_texts_longer_than_all_windows_are_cut(examined, backbone):
    context = backbone.context_length
    texts = ("dress " * count for count in (context, 4 * context))  # of which the first needs two windows
    (found,) = labels.check_truncation(examined(*(("train", {"text": text}) for text in texts)))
    assert f"1 of 6 texts (16.67%) are longer than the {2 + 4 * (context - 2)} tokens" in found.sentence
    assert f"2 are longer than the {context} that" in found.sentence
    assert Processor(backbone).lengths(["dress", ""]).tolist() == [3, 2]


def test_the_tokens_of_a_hugging_face_tower_are_counted(architectures):
    backbone = load_backbone(architectures["bert"])
    one, two = Processor(backbone).lengths(["red", "red red"]).tolist()
    assert two > one > 0


def test_a_photo_among_another_class_is_suspected(backbone):
    """Plain squares of two colours; one of the reds bears the other label."""
    made = [
        Image.new("RGB", (64, 64), ((200 + number % 50, 0, 0), (0, 0, 200 + number % 50))[number % 2])
        for number in range(240)
    ]
    rows = [
        Example(
            f"r{number}",
            f"g{number}",
            image,
            f"title {number}",
            {"colour": 1 - number % 2 if number == 100 else number % 2},
        )
        for number, image in enumerate(made)
    ]
    parts = ExampleList(rows[:200]), ExampleList(rows[200:220]), ExampleList(rows[220:])
    splits = Splits("test", *parts, (Task("colour", ("red", "blue")),), CARD, "f", LoadReport(240))
    (found,) = suspects.check_suspects(examine(splits, backbone, progress=False))
    assert found.ids == ("r100",)
    assert "r100: blue among red" in found.sentence


@pytest.fixture(scope="module")
def report(twin):
    return data_checks.check("fashion-products", twin, {"min_count": 2})


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    from benchmarks.datasets.loading.splits import Source
    from benchmarks.twins import make_twin

    folder = tmp_path_factory.mktemp("checks")
    make_twin("fashion-products", folder / "twin", 120, seed=0, quirks=True)
    return Source(folder / "twin", folder / "cache")


def test_the_quirks_of_the_twin_are_found(report):
    found = {finding.check: finding for finding in report.findings}
    assert {check: found[check].count for check in ("unreadable", "no-text", "greyscale", "missing-as-class")} == {
        "unreadable": 6,
        "no-text": 6,
        "greyscale": 6,
        "missing-as-class": 6,
    }
    assert {"identical-images", "identical-images-conflicting-labels", "identical-texts"} <= set(found)
    assert report.failed(strict=False)


def test_a_report_in_json_reads_back_without_its_thumbnails(report):
    text = to_json(report)
    assert "data:image" not in text
    assert json.loads(text) == report.model_dump(mode="json")
    assert Findings.model_validate_json(text).counts() == report.counts()


def test_the_page_is_self_contained(report):
    page = to_html(report)
    assert page.count("data:image/jpeg;base64,") > 20
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert all(finding.check in page for finding in report.findings)


def test_the_text_starts_and_ends_with_the_headline(report):
    lines = to_text(report).splitlines()
    assert lines[0] == lines[-1]
    assert lines[0].startswith("fashion-products: 114 rows looked at")
    assert any(line.startswith("ERROR   unreadable: 6 of 120 rows") for line in lines)
