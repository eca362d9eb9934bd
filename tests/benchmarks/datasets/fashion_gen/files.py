"""Fashion-Gen's files as tests make and change them."""

import h5py

from benchmarks import datasets
from benchmarks.datasets.fashion_gen.layout import IMAGE, NAMES
from benchmarks.datasets.loading.splits import Source

ROWS = 120
TRAIN_ROWS, VALIDATION_ROWS = 96, 24
TRAIN, VALIDATION = NAMES["train"], NAMES["validation"]


def load(root, cache, **options):
    return datasets.load("fashion-gen", Source(root, cache), options)


def column(root, name, key):
    with h5py.File(root / name) as file:
        return file[key][:]


def replace_column(root, name, key, values):
    with h5py.File(root / name, "r+") as file:
        del file[key]
        if values is not None:
            file[key] = values


def change_pixels(root, name, change):
    with h5py.File(root / name, "r+") as file:
        file[IMAGE][:] = change(file[IMAGE][:])


def write_photos(path, rows, chunks=None, compressed=False):
    """A file of any size whose photos were never written: they take no room on the disk, and are read as zeros."""
    with h5py.File(path, "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        if chunks:
            plist.set_chunk(chunks)
        if compressed:
            plist.set_deflate(1)
        space = h5py.h5s.create_simple((rows, 256, 256, 3))
        h5py.h5d.create(file.id, IMAGE.encode(), h5py.h5t.NATIVE_UINT8, space, plist)
    return path
