import csv
import shlex
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import datasets
from benchmarks.commands.options import pairs
from benchmarks.datasets.loading.splits import DataError, Source
from benchmarks.datasets.manifest import ManifestOptions, command_line, look

from ..samples import photo

WORDS = ("matte", "glazed", "tall", "wide", "plain", "ribbed")


def products(count=60):
    """Rows as a shop has them: two kinds of labels, ids, prices, dates, one value everywhere."""
    return [
        {
            "sku": f"P{number:03d}",
            "family_id": f"F{number // 3}",
            "photo": f"photos/P{number:03d}.png",
            "headline": f"{WORDS[number % 6]} thing {number} for the table",
            "colour": ("red", "green", "blue")[number % 3],
            "kind": ("mug", "plate")[number // 7 % 2],
            "price": f"{number % 9}.99",
            "added": f"2024-01-{number % 20 + 1:02d}",
            "currency": "EUR",
            "set": "test" if number % 5 == 0 else "train",
        }
        for number in range(count)
    ]


def write(path, rows, **style):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], **style)
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "photos").mkdir()
    rows = products()
    for number, row in enumerate(rows):
        (tmp_path / row["photo"]).write_bytes(photo(number))
    return tmp_path, rows


def proposed(path, **options):
    return look(path, ManifestOptions(**options))[2]


def options_of(command):
    """The options of a command line, as the suite would get them."""
    words = shlex.split(command)
    return pairs(tuple(words[words.index("--option") + 1 :]))


def test_every_role_is_found(shop):
    folder, rows = shop
    assert dict(proposed(write(folder / "p.csv", rows)).options) == {
        "labels": ("colour", "kind"),
        "text": "headline",
        "image": "photo",
        "id": "sku",
        "group": "family_id",
        "split": "set",
    }


def test_the_proposed_command_loads(shop):
    folder, rows = shop
    path = write(folder / "p.csv", [{**row, "set": ""} for row in rows], delimiter=";")
    options = options_of(command_line(path, proposed(path).options))
    splits = datasets.load("manifest", Source(path, folder / "cache"), options)
    assert [task.name for task in splits.tasks] == ["colour", "kind"]
    assert splits.report.rows == 60
    assert splits.test.image_present().all()


NAMES = {
    "comma": ("colour, main", "the text"),
    "number": ("1960", "title"),
    "null": ("null", "true"),
    "quotes": ("it's", 'a "text"'),
    "shell": ("$HOME", "a;b"),
    "chinese": ("颜色", "标题"),
}


@pytest.mark.parametrize(("label", "text"), NAMES.values(), ids=NAMES)
def test_any_name_survives_the_shell_and_the_option(tmp_path, label, text):
    rows = [{label: row["colour"], "kind": row["kind"], text: row["headline"]} for row in products()]
    proposal = proposed(write(tmp_path / "p.csv", rows))
    options = datasets.parse_options(
        "manifest", datasets.DATASETS["manifest"], options_of(command_line("p.csv", proposal.options))
    )
    assert (options.labels, options.text, options.image) == ((label, "kind"), text, None)


def test_defaults_are_left_out(tmp_path):
    options = {"labels": ("a",), "text": "text", "image": "image", "id": None}
    assert command_line("p.csv", options) == (
        "cma-bench suite --suite manifest --data manifest=p.csv --option labels=a"
    )


def test_photos_that_are_named_by_an_id(shop):
    folder, rows = shop
    path = write(folder / "p.csv", [{name: row[name] for name in ("sku", "headline", "colour")} for row in rows])
    assert {proposed(path).options[name] for name in ("id", "image")} == {"sku"}


@pytest.mark.parametrize("absolute", [True, False])
def test_the_folder_of_photos_that_lie_elsewhere_is_proposed(shop, absolute):
    folder, rows = shop
    (folder / "home").mkdir()
    cells = [str(folder / row["photo"]) if absolute else Path(row["photo"]).name for row in rows]
    path = write(folder / "home" / "p.csv", [{**row, "photo": cell} for row, cell in zip(rows, cells, strict=True)])
    proposal = proposed(path)
    assert (proposal.options["image"], proposal.options["images"]) == ("photo", "../photos")
    assert not [note for note in proposal.notes if "do not exist" in note]


def test_photos_that_are_nowhere_are_said(tmp_path):
    rows = [{**row, "photo": f"lost/{row['sku']}.jpg"} for row in products()]
    proposal = proposed(write(tmp_path / "p.csv", rows))
    assert proposal.options["image"] == "photo"
    assert proposal.notes[0].startswith("60 of 60 photos do not exist, for example 'lost/P000.jpg' (p.csv, row 2)")


def test_encoded_images_are_the_image(tmp_path):
    rows = products()
    columns = {name: [row[name] for row in rows] for name in ("headline", "colour")}
    pq.write_table(pa.table({"pixels": [photo(n) for n in range(60)], **columns}), tmp_path / "p.parquet")
    assert proposed(tmp_path / "p.parquet").options["image"] == "pixels"


def test_what_the_user_says_stays(shop):
    folder, rows = shop
    path = write(folder / "p.csv", rows)
    proposal = proposed(path, text="colour", split=None, missing="green")
    assert (proposal.options["text"], proposal.options["split"]) == ("colour", None)
    assert proposal.labels == ("kind",)
    assert options_of(command_line(path, proposal.options))["missing"] == "green"


def test_several_labels_a_cell_are_no_label_and_said(tmp_path):
    rows = [{**row, "tags": f"{row['colour']}|{row['kind']}"} for row in products()]
    proposal = proposed(write(tmp_path / "p.csv", rows))
    assert "tags" not in proposal.labels
    assert any("'tags'" in note and "'|'" in note for note in proposal.notes)


def test_equal_numbers_count_once(tmp_path):
    rows = [{"text": f"a text of row {n}", "grade": f"{n % 3}.0" if n % 2 else str(n % 3)} for n in range(30)]
    _, columns, proposal = look(write(tmp_path / "p.csv", rows), ManifestOptions())
    assert {column.name: column.values for column in columns}["grade"] == 3
    assert proposal.labels == ("grade",)


def test_a_table_without_labels_to_learn(tmp_path):
    path = write(tmp_path / "p.csv", [{"text": f"a text of row {n}"} for n in range(30)])
    assert proposed(path).labels == ()
    assert command_line(path, proposed(path).options).endswith("--option labels=COLUMN image=null")


def test_missing_labels_are_answered_with_columns_and_a_command(shop):
    folder, rows = shop
    path = write(folder / "p.csv", rows)
    with pytest.raises(DataError) as refused:
        datasets.load("manifest", Source(path, folder / "cache"), {})
    assert "has the columns sku, family_id, photo" in str(refused.value)
    assert "--option labels=colour,kind image=photo text=headline" in str(refused.value)
    assert "Field required" not in str(refused.value)


@pytest.mark.parametrize("lost", [1, 3])
@pytest.mark.parametrize(("text", "way_on"), [("headline", "blank"), (None, "skip")])
def test_the_proposed_command_loads_where_a_few_photos_are_missing(shop, text, way_on, lost):
    folder, rows = shop
    kept = rows[lost:]
    gone = [{**row, "photo": f"gone{n}.jpg"} for n, row in enumerate(rows[:lost])]
    path = write(folder / "p.csv", [{**row, "set": ""} for row in [*gone, *kept]])
    proposal = proposed(path, text=text, image="photo")
    assert any("gone0.jpg" in note for note in proposal.notes)
    command, _, given = proposal.command(path).rpartition(" --on-bad-sample ")
    assert given == way_on
    splits = datasets.load("manifest", Source(path, folder / "cache", way_on), options_of(command))
    assert sum(map(len, splits.parts().values())) == (60 if way_on == "blank" else 60 - lost)


def test_no_way_on_is_proposed_where_most_photos_are_missing(shop):
    folder, rows = shop
    path = write(
        folder / "p.csv", [{**row, "photo": row["photo"] if n < 20 else "gone.jpg"} for n, row in enumerate(rows)]
    )
    assert "--on-bad-sample" not in proposed(path, image="photo").command(path)


@pytest.mark.parametrize("name", ["Artikelnr.", "Artikelnummer", "Ref."])
def test_an_article_number_is_the_id(tmp_path, name):
    rows = [{name: row["sku"], "text": row["headline"], "colour": row["colour"]} for row in products()]
    assert proposed(write(tmp_path / "p.csv", rows)).options["id"] == name
