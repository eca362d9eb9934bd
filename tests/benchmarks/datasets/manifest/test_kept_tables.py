"""A second opening is fast, and never of data that have changed."""

import os

import pytest

from benchmarks.datasets import manifest

from ..samples import photo, write_csv

COUNT = 40
LABELS = {"labels": ["colour"]}


@pytest.fixture
def table(tmp_path):
    (tmp_path / "photos").mkdir()
    for number in range(COUNT):
        (tmp_path / "photos" / f"{number}.png").write_bytes(photo(number))
    rows = [
        {"image": f"photos/{number}.png", "text": f"title {number}", "colour": ("red", "blue")[number % 2]}
        for number in range(COUNT)
    ]
    return write_csv(tmp_path / "items.csv", rows)


@pytest.fixture
def readings(monkeypatch):
    """The paths that were read, one for each time."""
    paths, read = [], manifest.read_table

    def counted(path, options):
        paths.append(path)
        return read(path, options)

    monkeypatch.setattr(manifest, "read_table", counted)
    return paths


def test_a_table_with_photos_is_read_once(table, load, readings):
    first = load(table, LABELS)
    again = load(table, LABELS)
    assert len(readings) == 1
    assert (again.fingerprint, again.report) == (first.fingerprint, first.report)


def _change(folder):
    (folder / "3.png").write_bytes(photo(99))


def _touch_up(folder):
    """Other pixels in a file of the same size, moments later."""
    path = folder / "3.png"
    data, found = bytearray(path.read_bytes()), path.stat()
    path.write_bytes(photo(98)[: len(data)].ljust(len(data), b"\0"))
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 1))


def _replace_by_link(folder):
    (folder.parent / "photos" / "other.png").write_bytes(photo(97))
    (folder / "3.png").unlink()
    (folder / "3.png").symlink_to("other.png")


def _swap(folder):
    (folder / "3.png").rename(folder / "aside.png")
    (folder / "4.png").rename(folder / "3.png")
    (folder / "aside.png").rename(folder / "4.png")


@pytest.mark.parametrize("change", [_change, _touch_up, _replace_by_link, _swap])
def test_a_changed_photo_is_seen(table, load, change):
    first = load(table, LABELS)
    change(table.parent / "photos")
    assert load(table, LABELS).fingerprint != first.fingerprint


def test_two_links_that_change_places_are_seen(table, load):
    photos = table.parent / "photos"
    for number in (3, 4):
        (photos / f"{number}.png").rename(photos / f"_{number}.png")
        (photos / f"{number}.png").symlink_to(f"_{number}.png")
    first = load(table, LABELS)
    _swap(photos)
    assert load(table, LABELS).fingerprint != first.fingerprint


def test_a_photo_that_vanishes_and_comes_back_is_seen(table, load):
    path = table.parent / "photos" / "3.png"
    first = load(table, LABELS, on_bad_sample="blank")
    data = path.read_bytes()
    path.unlink()
    without = load(table, LABELS, on_bad_sample="blank")
    assert len(without.report.blanked) == 1
    assert load(table, LABELS, on_bad_sample="blank").report == without.report
    path.write_bytes(data)
    assert load(table, LABELS, on_bad_sample="blank").fingerprint == first.fingerprint
    path.unlink()
    with pytest.raises(ValueError, match=r"items.csv, row 5: .*3.png"):
        load(table, LABELS)


def test_a_photo_that_makes_a_name_ambiguous_is_refused_with_its_row(table, load):
    write_csv(
        table,
        [
            {"image": f"{number}.png", "text": f"title {number}", "colour": ("red", "blue")[number % 2]}
            for number in range(COUNT)
        ],
    )
    load(table, LABELS)
    (table.parent / "more").mkdir()
    (table.parent / "more" / "3.png").write_bytes(photo(3))
    with pytest.raises(ValueError, match=r"items.csv, row 5: image path '3.png' may be"):
        load(table, LABELS)


def test_the_photos_folder_of_an_option_is_looked_at_anew(table, load):
    options = {**LABELS, "images": "photos"}
    write_csv(
        table, [{"image": f"{n}.png", "text": f"title {n}", "colour": ("red", "blue")[n % 2]} for n in range(COUNT)]
    )
    load(table, options)
    (table.parent / "photos").rename(table.parent / "gone")
    with pytest.raises(ValueError, match="no such folder"):
        load(table, options)
