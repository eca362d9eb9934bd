"""Data sets by name. Importing this is cheap; Arrow and Pillow are loaded with the first data set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from benchmarks.datasets import catalog, fashion_products, manifest
from benchmarks.datasets.splits import DataError, Dataset, Options, Source, Splits
from benchmarks.names import choose

DATASETS: dict[str, Dataset] = {
    "catalog": Dataset(catalog.load, catalog.CatalogOptions, catalog.CARD, needs_root=False),
    "fashion-products": Dataset(
        fashion_products.load, fashion_products.FashionProductsOptions, fashion_products.CARD, needs_root=True
    ),
    "manifest": Dataset(manifest.load, manifest.ManifestOptions, manifest.CARD, needs_root=True),
}


def load(name: str, source: Source, options: Mapping[str, Any]) -> Splits:
    """The splits of a data set.

    Raises:
        DataError: unknown name or option, a value out of range, or anything wrong with the data.
    """
    try:
        dataset = DATASETS[choose(name, DATASETS, "data set")]
        return dataset.load(source, parse_options(name, dataset, options))
    except KeyError as error:
        raise DataError(str(error.args[0])) from error


def parse_options(name: str, dataset: Dataset, options: Mapping[str, Any]) -> Options:
    """The data set's own options, validated.

    Raises:
        KeyError: an unknown option, with the valid ones.
        DataError: a value out of range.
    """
    for option in options:
        choose(option, dataset.options.model_fields, f"option of {name}")
    try:
        return dataset.options.model_validate(options)
    except ValidationError as error:
        raise DataError(f"{name}: {_in_one_line(error)}") from error


def _in_one_line(error: ValidationError) -> str:
    first = error.errors()[0]
    option = str(first["loc"][0]) if first["loc"] else "options"
    problem = first["msg"].removeprefix("Value error, ")
    if first["type"] == "missing" or not first["loc"]:
        return f"{option}: {problem}"
    return f"{option}={first['input']!r}: {problem}"


__all__ = ["DATASETS", "Dataset", "load", "parse_options"]
