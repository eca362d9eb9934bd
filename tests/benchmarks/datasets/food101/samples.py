"""Folders of titles, and what a loader made of them."""

import csv

from benchmarks.datasets.food101.titles import CLASSES

TEXT_ONLY = {"images": False}


def write_texts(folder, train, test):
    (folder / "texts").mkdir(parents=True)
    for name, rows in (("train", train), ("test", test)):
        with (folder / "texts" / f"{name}_titles.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
    return folder


def some(count, title="title {}", first=0):
    return [(f"{c}_{n}.jpg", title.format(n), c) for n in range(first, first + count) for c in (CLASSES[n % 2],)]


def ids_of(splits):
    return {part: set(examples.ids()) for part, examples in splits.parts().items()}


def texts_of(splits):
    return {i: t for e in splits.parts().values() for i, t in zip(e.ids(), e.texts(), strict=True)}
