"""The same products from a plain table beside its photos, and as a spreadsheet saves it, with the photos elsewhere."""

import csv
import os
import tarfile
from pathlib import Path

import pytest

from benchmarks.datasets.fashion_products import read_styles
from benchmarks.twins import fashion_products

OPTIONS = {"id": "id", "text": "productDisplayName", "labels": ["articleType", "baseColour", "season", "rating"]}


def _write(path, products, **style):
    rows = [{"image": f"images/{cells['id']}.jpg", **cells, "rating": f"{number % 4 / 2:.1f}"}
            for number, cells in enumerate(products)]  # fmt: skip
    if style:
        rows = [{**row, "image": Path(row["image"]).name, "rating": row["rating"].replace(".", ",")} for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8-sig" if style else "utf-8") as file:
        writer = csv.DictWriter(
            file, ["image", *OPTIONS["labels"], "id", "productDisplayName"], extrasaction="ignore", **style
        )
        writer.writeheader()
        writer.writerows(rows)
    return path


def _same_either_way(folder, tmp_path, load):
    products = read_styles(folder / "styles.csv")
    (tmp_path / "original").mkdir()
    (tmp_path / "original" / "images").symlink_to(folder / "images")
    images = str(folder / "images")
    original = load(
        _write(tmp_path / "original" / "styles.csv", products), {**OPTIONS, "images": str(folder)}, on_bad_sample="skip"
    )
    saved = _write(tmp_path / "office" / "styles.csv", products, delimiter=";", lineterminator="\r\n")
    spreadsheet = load(saved, {**OPTIONS, "images": images}, on_bad_sample="skip")
    assert spreadsheet.fingerprint == original.fingerprint
    assert spreadsheet.tasks[3].classes == ("0", "0.5", "1", "1.5")
    return original


def test_of_a_twin(tmp_path, load):
    fashion_products.make(tmp_path / "twin", 120, seed=0)
    original = _same_either_way(tmp_path / "twin", tmp_path, load)
    assert sum(map(len, original.parts().values())) == original.report.rows


@pytest.mark.skipif("CMA_BENCH_DATA" not in os.environ, reason="CMA_BENCH_DATA does not name a folder of real data")
def test_of_the_real_file(tmp_path, load):
    given = Path(os.environ["CMA_BENCH_DATA"]) / "fashion-products"
    folder = tmp_path / "real"
    folder.mkdir()
    (folder / "styles.csv").symlink_to(given / "styles.csv")
    if (given / "images").is_dir():
        (folder / "images").symlink_to(given / "images")
    else:
        with tarfile.open(given / "images.tar.gz") as archive:
            archive.extractall(folder, filter="data")
    original = _same_either_way(folder, tmp_path, load)
    assert original.report.rows == 44446
    assert len(original.report.bad_samples) == 5
