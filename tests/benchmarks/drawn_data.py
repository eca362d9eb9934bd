"""Digests of drawn data: `python -m tests.benchmarks.drawn_data [FACTOR]` prints {what was drawn: digest} as JSON.

`test_same_data_everywhere` compares them across processors; FACTOR times as many are drawn, for a search by hand.
"""

import gzip
import hashlib
import itertools
import json
import sys
import tempfile
from pathlib import Path

import h5py

from benchmarks.datasets.catalog import CatalogOptions, product
from benchmarks.perturbations import PERTURBATIONS, at
from benchmarks.perturbations.view import Perturbed
from benchmarks.twins import TWINS, make_twin
from cma_clip.examples import ExampleList
from cma_clip.types import Example

PRODUCTS, ROWS, DAMAGED = 300, 60, 2
SIZES = (64, 256)
"""Of photos. A last digit changes one byte of millions, so that it takes large photos to notice."""


def digest(*parts):
    hashed = hashlib.sha256()
    for part in parts:
        hashed.update((part if isinstance(part, bytes) else repr(part).encode()) + b"\0")
    return hashed.hexdigest()[:16]


def of_example(example):
    pixels = (example.image.size, example.image.tobytes()) if example.image else ()
    return digest(example.text, *pixels)


def of_file(path):
    """Of what was compressed: the bytes of a deflated file depend on the library that deflates."""
    if path.suffix == ".gz":
        return digest(gzip.decompress(path.read_bytes()))
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            return digest(*(file[name][()].tobytes() for name in sorted(file)))
    return digest(path.read_bytes())


def catalog(factor, size):
    options = CatalogOptions(image_size=size)
    for index in range(PRODUCTS * factor):
        made = product(index, options)
        yield Example(f"catalog {index} of {size} pixels", f"{index}", made.image, made.title)


def perturbed(factor):
    """Small photos, and photos as large as those that people bring: many pixels, wide blurs."""
    base = ExampleList([each for size in SIZES for each in itertools.islice(catalog(factor, size), DAMAGED * factor)])
    for name, perturbation in PERTURBATIONS.items():
        for severity in range(1, len(perturbation.parameters) + 1):
            condition = at(name, severity)
            for example in Perturbed(base, condition):
                yield f"{example.id} under {condition.name}", of_example(example)


def twins(factor):
    for name in TWINS:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "twin"
            make_twin(name, root, ROWS * factor, seed=0)
            for path in sorted(path for path in root.rglob("*") if path.is_file()):
                yield f"twin of {name}: {path.relative_to(root)}", of_file(path)


def digests(factor):
    drawn = {each.id: of_example(each) for size in SIZES for each in catalog(factor, size)}
    return drawn | dict(twins(factor)) | dict(perturbed(factor))


if __name__ == "__main__":
    print(json.dumps(digests(int(sys.argv[1]) if len(sys.argv) > 1 else 1)))
