"""Data sets by name. Importing this is cheap; Arrow and Pillow are loaded with the first data set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import ValidationError

from benchmarks.datasets import abo, catalog, fashion_gen, fashion_products, food101, hub, manifest, mrwpa
from benchmarks.datasets.loading.masking import mask
from benchmarks.datasets.loading.splits import Card, DataError, Options, Source, Splits
from benchmarks.names import UnknownName, choose


@dataclass(frozen=True)
class Dataset:
    """A registry entry: how to load a data set, its options, and whether the user must bring a folder.

    `otherwise` says where the data come from if the user brings none; `shares_groups` whether rows may be of one group,
    as views of a product and equal titles are.
    """

    load: Callable[[Source, Any], Splits]
    options: type[Options]
    card: Card
    needs_root: bool
    otherwise: str = "embedded"
    shares_groups: bool = True


DATASETS: dict[str, Dataset] = {
    "abo": Dataset(abo.load, abo.ABOOptions, abo.CARD, needs_root=True),
    "catalog": Dataset(catalog.load, catalog.CatalogOptions, catalog.CARD, needs_root=False, shares_groups=False),
    "fashion-gen": Dataset(fashion_gen.load, fashion_gen.FashionGenOptions, fashion_gen.CARD, needs_root=True),
    "fashion-products": Dataset(
        fashion_products.load, fashion_products.FashionProductsOptions, fashion_products.CARD, needs_root=True
    ),
    "food101": Dataset(food101.load, food101.Food101Options, food101.CARD, needs_root=True, shares_groups=False),
    "manifest": Dataset(manifest.load, manifest.ManifestOptions, manifest.CARD, needs_root=True),
    "mrwpa": Dataset(mrwpa.load, mrwpa.MRWPAOptions, mrwpa.CARD, needs_root=True),
    **{
        name: Dataset(
            partial(hub.load, name),
            hub.options_of(name),
            spec.card,
            needs_root=False,
            otherwise=f"from the Hugging Face hub, or --data {name}=DIR",
        )
        for name, spec in hub.SPECS.items()
    },
}


def load(name: str, source: Source, options: Mapping[str, Any]) -> Splits:
    """The splits of a data set.

    Raises:
        DataError: unknown name or option, a value out of range, or anything wrong with the data.
    """
    try:
        check_names(name, options)
        dataset = DATASETS[name]
        parsed = parse_options(name, dataset, options)
        splits = dataset.load(source, parsed.model_copy(update={"titles": "as-is"}))
        return mask(splits) if parsed.titles == "masked" else splits
    except UnknownName as error:
        raise DataError(str(error)) from error


def check_names(name: str, options: Iterable[str]) -> None:
    """Refuse an unknown data set or option without reading data and without importing torch.

    Raises:
        KeyError: with the valid names.
    """
    dataset = DATASETS[choose(name, DATASETS, "data set")]
    for option in options:
        choose(option, dataset.options.model_fields, f"option of {name}")


def parse_options(name: str, dataset: Dataset, options: Mapping[str, Any]) -> Options:
    """The data set's own options, validated.

    Raises:
        UnknownName: an unknown option, with the valid ones.
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


__all__ = ["DATASETS", "Dataset", "check_names", "load", "parse_options"]
