"""Procedural copies of data sets, written in their official layout: what the loaders read in tests and in CI.

A twin verifies a loader and a harness; numbers on it say nothing about the real data.
"""

from __future__ import annotations

import shutil
from importlib import import_module
from pathlib import Path

from benchmarks.names import choose

TWINS: dict[str, str] = {
    "fashion-products": "benchmarks.twins.fashion_products",
    "food101": "benchmarks.twins.food101",
    "fashion-gen": "benchmarks.twins.fashion_gen",
    "abo": "benchmarks.twins.abo",
    "mrwpa": "benchmarks.twins.mrwpa",
}
"""Data set -> module with `make(folder, rows, seed, quirks=...)`; imported when it is needed, for it draws."""


def make_twin(name: str, folder: Path, rows: int, seed: int, quirks: bool = False) -> None:
    """Write the twin of a data set into a new folder, which is whole or absent.

    Raises:
        UnknownName: a data set without a twin, with those that have one.
        ValueError: a folder that is there already; too few rows for the data set's splits.
    """
    module = import_module(TWINS[choose(name, TWINS, "twin")])
    if folder.exists():
        raise ValueError(f"{folder} exists; name a new folder for the twin of {name}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(staging, ignore_errors=True)
    module.make(staging, rows, seed, quirks=quirks)
    staging.rename(folder)
