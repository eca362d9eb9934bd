"""The three splits in use, by name. They share the test images, but for one, and nothing else.

MMBT's lists are read as objects, not as a table, from which `reading` takes characters of no width: texts would change.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, NamedTuple

from benchmarks.datasets.food101.titles import Folder, Page, page, read_titles
from benchmarks.datasets.loading import grouping as groups
from benchmarks.datasets.loading.rows import PARTS, Part
from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading.encoding import read_utf8
from benchmarks.datasets.reading.json_rows import read_objects
from benchmarks.datasets.reading.values import cell

Name = Literal["kaggle", "mmbt", "missing-aware"]
VAL_SHARE = 0.1
"""Share of the training titles that become validation where nobody says which (our choice)."""

TITLES: Mapping[Folder, str] = {"train": "texts/train_titles.csv", "test": "texts/test_titles.csv"}
MMBT_LISTS: Mapping[Part, str] = {"train": "train.jsonl", "val": "dev.jsonl", "test": "test.jsonl"}
MISSING_AWARE_LIST = "split.json"
FROZEN = Path(__file__).parent.parent / "frozen_splits" / "food101-mmbt.json"


class Partition(NamedTuple):
    """Which pages are in which split; `notes` begin with the split's name and how far it is the published one."""

    pages: Sequence[tuple[Part, Page]]
    notes: Sequence[str]


def partition(root: Path, name: Name) -> Partition:
    """Read a folder's lists.

    Raises:
        DataError: a list that cannot be read, or that does not fit the split.
    """
    return _PARTITIONS[name](root)


def sources(root: Path, name: Name) -> list[str]:
    """Names of the files below `root` that decide the split."""
    if name == "mmbt" and any((root / file).exists() for file in MMBT_LISTS.values()):
        return list(MMBT_LISTS.values())
    if name == "missing-aware" and (root / MISSING_AWARE_LIST).exists():
        return [*TITLES.values(), MISSING_AWARE_LIST]
    return list(TITLES.values())


def _kaggle(root: Path) -> Partition:
    pages = _read_all(root)
    note = f"validation is {VAL_SHARE:.0%} of the training titles by a hash (the original has none)"
    return Partition(_carved(pages, "food101/kaggle/v1"), (f"Split kaggle: {note}.", *_test_list(pages)))


def _missing_aware(root: Path) -> Partition:
    pages = _read_all(root)
    if (root / MISSING_AWARE_LIST).exists():
        return _listed(pages, root / MISSING_AWARE_LIST)
    note = (
        f"there is no {MISSING_AWARE_LIST} in {root.name}/, so this is a stand-in for it: validation is "
        f"{VAL_SHARE:.0%} of the training titles by a hash"
    )
    carved = _carved(pages, "food101/missing-aware-stand-in/v1")
    return Partition(carved, (f"Split missing-aware-stand-in: {note}.", *_test_list(pages)))


def _mmbt(root: Path) -> Partition:
    if sources(root, "mmbt") == list(MMBT_LISTS.values()):
        listed = [(part, found) for part, file in MMBT_LISTS.items() for found in _read_jsonl(root / file)]
        return Partition(listed, (f"Split mmbt: images and wording of {', '.join(MMBT_LISTS.values())}.",))
    pages, dev, left_out = _read_all(root), _frozen_dev(), set(_frozen()["not_in_test"])
    present = sum(own.file in dev for own in pages if own.folder == "train")
    if present < 0.99 * len(dev):  # copies of the data differ in a few images; the note counts them
        raise DataError(
            f"{root / TITLES['train']} has {present:,} of the {len(dev):,} validation images of split=mmbt; put "
            f"{', '.join(MMBT_LISTS.values())} into {root}, or take split=kaggle or split=missing-aware"
        )
    parts = [("val" if own.file in dev else own.folder, own) for own in pages if own.file not in left_out]
    note = f"the {present:,} of its {len(dev):,} validation images that are in {TITLES['train']}, wording of the csv"
    return Partition(parts, (f"Split mmbt: {note}.", *_test_list(pages)))


def _read_all(root: Path) -> list[Page]:
    return [found for folder, file in TITLES.items() for found in read_titles(root / file, folder)]


def _carved(pages: Sequence[Page], rule: str) -> list[tuple[Part, Page]]:
    """All pages of a title on one side: a title in training says nothing new in validation."""
    titles = {groups.normalise(own.title) or own.file for own in pages if own.folder == "train"}
    ordered = sorted(titles, key=lambda title: groups.position(title, rule))
    held_out = set(ordered[: max(1, round(VAL_SHARE * len(ordered)))])

    def part(own: Page) -> Part:
        return "val" if own.folder == "train" and (groups.normalise(own.title) or own.file) in held_out else own.folder

    return [(part(own), own) for own in pages]


def _listed(pages: Sequence[Page], path: Path) -> Partition:
    part_of = _read_split_json(path)
    used = [(part_of[own.file], own) for own in pages if own.file in part_of]
    without_title = len(part_of) - len({own.file for _, own in used})
    note = f"images of {path.name}; {without_title:,} of its {len(part_of):,} have no title and are left out"
    outside = len(pages) - len(used)
    return Partition(used, (f"Split missing-aware: {note}.", f"{outside:,} titles are not in {path.name}."))


def _read_split_json(path: Path) -> dict[str, Part]:
    try:
        lists = json.loads(read_utf8(path))
    except ValueError as error:
        raise DataError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(lists, dict) or set(lists) != set(PARTS):
        raise DataError(f"{path} must be an object of the lists {', '.join(PARTS)}")
    part_of: dict[str, Part] = {}
    for part in PARTS:
        for file in lists[part]:
            if part_of.setdefault(file, part) != part:
                raise DataError(f"{path}: {file!r} is in both {part_of[file]} and {part}")
    return part_of


def _read_jsonl(path: Path) -> list[Page]:
    """MMBT's lists, as `scripts/food_101.py` of facebookresearch/mmbt writes them and QMF and PDF ship them."""
    if not path.is_file():
        raise DataError(f"{path} is not a file; split=mmbt needs {', '.join(MMBT_LISTS.values())} together")
    return [_listed_page(found, f"{path.name}, row {number}") for number, found in read_objects(path)]


def _listed_page(found: Mapping[str, Any], origin: str) -> Page:
    try:
        image, text, label = (cell(found[name]) or "" for name in ("img", "text", "label"))
    except KeyError as error:
        raise DataError(f"{origin}: no {error}; split=mmbt needs img, text and label") from error
    except ValueError as error:
        raise DataError(f"{origin}: a value {error}") from error
    match Path(image).parts:
        case [*_, "train" | "test" as folder, _, file]:
            return page(file, text, label, folder, origin)
    raise DataError(f"{origin}: img {image!r} is not images/{{train,test}}/<class>/<file>")


def _test_list(pages: Sequence[Page]) -> list[str]:
    names = sorted(own.file for own in pages if own.folder == "test")
    official = _frozen()["test"]
    if sha256("\n".join(names).encode()).hexdigest() == official["sha256"]:
        return []
    return [f"Not the official test list: {len(names):,} images instead of {official['rows']:,}, or others."]


@cache
def _frozen() -> dict[str, Any]:
    return dict(json.loads(FROZEN.read_text(encoding="utf-8")))


@cache
def _frozen_dev() -> frozenset[str]:
    numbers: dict[str, str] = _frozen()["dev_numbers"]
    return frozenset(f"{label}_{number}.jpg" for label, own in numbers.items() for number in own.split())


_PARTITIONS: dict[Name, Callable[[Path], Partition]] = {
    "kaggle": _kaggle,
    "mmbt": _mmbt,
    "missing-aware": _missing_aware,
}
