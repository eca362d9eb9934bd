"""Files are read as they are, and refused by name where they are not what they should be."""

import h5py
import numpy as np
import pytest

from benchmarks.datasets.fashion_gen.layout import IMAGE, KEYS, PRODUCT, TEXTS
from benchmarks.datasets.loading.splits import DataError
from benchmarks.twins import fashion_gen as twin
from tests.benchmarks.datasets.fashion_gen.files import (
    TRAIN,
    TRAIN_ROWS,
    VALIDATION,
    VALIDATION_ROWS,
    column,
    load,
    replace_column,
)


def test_the_twin_has_the_official_keys_shapes_and_dtypes(made):
    for name, rows in ((TRAIN, TRAIN_ROWS), (VALIDATION, VALIDATION_ROWS)):
        with h5py.File(made / name) as file:
            assert set(file) == set(KEYS)
            assert len(KEYS) == 16
            assert file[IMAGE].shape == (rows, 256, 256, 3)
            assert file[IMAGE].dtype == np.uint8
            assert file["index_2"].shape == (rows,)
            assert file[PRODUCT].shape == (rows, 1)
            assert all(file[key].shape == (rows, 1) and file[key].dtype.kind == "S" for key in TEXTS)
            views = np.unique_counts(file[PRODUCT][:]).counts
            assert views.max() <= 6
            assert np.count_nonzero(np.diff(file[PRODUCT][:, 0])) == len(views) - 1  # consecutive


def test_the_twin_depends_on_its_seed_alone(made, smallest, tmp_path):
    twin.make(tmp_path, twin.LEAST_ROWS, seed=2)
    assert {path.name for path in tmp_path.iterdir()} == {TRAIN, VALIDATION}
    for name in (TRAIN, VALIDATION):
        assert (tmp_path / name).read_bytes() == (smallest / name).read_bytes()
        assert not np.array_equal(column(tmp_path, name, IMAGE)[0], column(made, name, IMAGE)[0])


def test_the_smallest_twin_has_all_its_classes_in_training(smallest, tmp_path):
    assert load(smallest, tmp_path).report.dropped_classes == {}


def test_views_of_a_product_differ(made):
    pixels = column(made, TRAIN, IMAGE)
    assert len({view.tobytes() for view in pixels}) == len(pixels)


def test_a_twin_too_small_for_three_splits_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"59 rows.*at least 60"):
        twin.make(tmp_path, 59, 0)


def test_missing_keys_are_all_named(root, tmp_path):
    for key in ("input_pose", "index_2"):
        replace_column(root, VALIDATION, key, None)
    with pytest.raises(
        DataError, match=rf"{VALIDATION}: keys are missing: index_2, input_pose; Fashion-Gen has index,"
    ):
        load(root, tmp_path)


@pytest.mark.parametrize(
    ("key", "values", "message"),
    [
        ("input_name", np.full(96, b"a"), r"input_name has shape \(96,\) .*expected \(96, 1\) of bytes"),
        ("input_name", np.zeros((96, 1)), r"input_name has .*float64, expected \(96, 1\) of bytes"),
        (PRODUCT, np.full((96, 1), b"a"), r"input_productID has .*expected \(96, 1\) of numbers"),
        (IMAGE, np.zeros((96, 64, 64, 3), np.uint8), r"input_image has .*expected \(96, 256, 256, 3\) of uint8"),
        (IMAGE, np.zeros((0, 256, 256, 3), np.uint8), "it has no rows"),
    ],
)
def test_another_shape_or_dtype_is_refused(root, tmp_path, key, values, message):
    replace_column(root, TRAIN, key, values)
    with pytest.raises(DataError, match=message):
        load(root, tmp_path)


def test_files_that_are_missing_or_not_hdf5_are_named(root, tmp_path):
    (root / VALIDATION).write_bytes(b"<html>please register</html>")
    with pytest.raises(DataError, match=rf"{VALIDATION} cannot be opened as HDF5"):
        load(root, tmp_path)
    (root / VALIDATION).unlink()
    with pytest.raises(DataError, match=rf"{VALIDATION} is not a file; it needs {TRAIN} and"):
        load(root, tmp_path)
