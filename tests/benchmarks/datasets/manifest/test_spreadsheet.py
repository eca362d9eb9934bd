"""The same products from a plain table beside its photos, and as a spreadsheet saves it, with the photos elsewhere."""

import csv
import os
import tarfile
import tempfile
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
    plain = _write(tmp_path / "plain" / "styles.csv", products)
    original = load(plain, {**OPTIONS, "images": str(folder)}, on_bad_sample="skip")
    saved = _write(tmp_path / "office" / "styles.csv", products, delimiter=";", lineterminator="\r\n")
    spreadsheet = load(saved, {**OPTIONS, "images": str(folder / "images")}, on_bad_sample="skip")
    assert spreadsheet.fingerprint == original.fingerprint
    assert spreadsheet.tasks[3].classes == ("0", "0.5", "1", "1.5")
    return original


def test_of_a_twin(tmp_path, load):
    folder = tmp_path / "twin"
    fashion_products.make(folder, 120, seed=0)
    original = _same_either_way(folder, tmp_path, load)
    beside = _write(folder / "products.csv", read_styles(folder / "styles.csv"))
    assert load(beside, OPTIONS).fingerprint == original.fingerprint
    assert sum(map(len, original.parts().values())) == original.report.rows


@pytest.mark.skipif("CMA_BENCH_DATA" not in os.environ, reason="CMA_BENCH_DATA does not name a folder of real data")
def test_of_the_real_file(tmp_path, load):
    given = Path(os.environ["CMA_BENCH_DATA"]) / "fashion-products"
    with tempfile.TemporaryDirectory() as unpacked:  # pytest would keep 44,441 files of three runs
        folder = given
        if not (given / "images").is_dir():
            folder = Path(unpacked)
            (folder / "styles.csv").symlink_to(given / "styles.csv")
            with tarfile.open(given / "images.tar.gz") as archive:
                archive.extractall(folder, filter="data")
        original = _same_either_way(folder, tmp_path, load)
    assert original.report.rows == len(read_styles(given / "styles.csv"))
    assert sum(map(len, original.parts().values())) == original.report.rows - len(original.report.bad_samples) == 44441
