"""Fashion-Gen's files are read as they are: bytes, products, class names, channels, and images that stay on disk."""

import multiprocessing
import pickle
import re
import shutil
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import psutil
import pytest

from benchmarks import datasets
from benchmarks.datasets.fashion_gen import channel_evidence, selection
from benchmarks.datasets.fashion_gen.layout import IMAGE, KEYS, NAMES, PRODUCT, TEXTS
from benchmarks.datasets.fashion_gen.pixels import ImageFile, row_of
from benchmarks.datasets.splits import DataError, Source
from benchmarks.datasets.twins import fashion_gen as twin

ROWS = 120
TRAIN_ROWS, VALIDATION_ROWS = 96, 24
TRAIN, VALIDATION = NAMES["train"], NAMES["validation"]


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fashion-gen") / "quirks"
    twin.make(folder, ROWS, seed=7, quirks=True)
    return folder


@pytest.fixture(scope="session")
def smallest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fashion-gen") / "smallest"
    twin.make(folder, twin.LEAST_ROWS, seed=2)
    return folder


@pytest.fixture
def root(made, tmp_path):
    """A twin of the test's own, free to be changed."""
    return shutil.copytree(made, tmp_path / "data")


@pytest.fixture(scope="session")
def swapped(made, tmp_path_factory):
    """The same twin with blue first."""
    folder = shutil.copytree(made, tmp_path_factory.mktemp("fashion-gen") / "bgr")
    for name in (TRAIN, VALIDATION):
        change_pixels(folder, name, lambda pixels: pixels[..., ::-1])
    return folder


@pytest.fixture(scope="session")
def splits(made, tmp_path_factory):
    return datasets.load("fashion-gen", Source(made, tmp_path_factory.mktemp("cache")), {})


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


# The layout


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


# Texts and labels


def test_texts_are_latin_1(splits):
    texts = [text for text in splits.train.texts() if text]
    assert any(text.endswith("Appliqué at chest.") for text in texts)
    assert not any(text.endswith("Appliqué at chest.".encode().decode("latin-1")) for text in texts)


def test_an_empty_description_is_a_missing_text(made, splits):
    empty = {f"product-{p}" for p in column(made, TRAIN, PRODUCT)[column(made, TRAIN, "input_description") == b""]}
    texts = zip(splits.train.groups(), splits.train.texts(), strict=True)
    assert empty
    assert all((text is None) == (group in empty) for group, text in texts)


def test_the_name_stands_before_the_description(made, tmp_path, splits):
    named = load(made, tmp_path, text="title+description")
    names = column(made, TRAIN, "input_name")[:, 0]
    for identity, text, description in zip(named.train.ids(), named.train.texts(), splits.train.texts(), strict=True):
        name = names[row_of(identity)].decode("latin-1")
        assert text == (f"{name}. {description}" if description else name)


def test_class_names_are_normalised(made, splits):
    assert b"JACKETS\t&\tCOATS\t" in column(made, TRAIN, "input_category")
    assert b"Shirts" in column(made, TRAIN, "input_category")
    category, subcategory = splits.tasks
    assert set(category.classes) <= {kind.category.lower() for kind in twin.KINDS}
    assert set(subcategory.classes) <= {kind.subcategory.lower() for kind in twin.KINDS}


def test_labels_are_those_of_the_row(made, splits):
    wanted = [" ".join(label.decode().lower().split()) for label in column(made, TRAIN, "input_category")[:, 0]]
    category = splits.tasks[0]
    labels = zip(splits.train.ids(), splits.train.labels("category"), strict=True)
    assert all(category.classes[label] == wanted[row_of(identity)] for identity, label in labels)


def test_a_class_unseen_in_training_is_missing_and_reported_with_its_weight(made, splits):
    unseen = column(made, VALIDATION, "input_subcategory")[:, 0] == b"LONG SKIRTS"
    assert unseen.any()
    assert "long skirts" not in splits.tasks[1].classes
    assert splits.report.dropped_classes["subcategory"]["long skirts"] == unseen.sum()
    assert ((splits.test.labels("subcategory") < 0) >= unseen).all()
    assert (splits.test.labels("category") >= 0).all()
    (note,) = (note for note in splits.report.notes if "labels in test count as missing" in note)
    assert "'long skirts'" in note
    count, points = int(note.split()[1]), float(re.search(r"at most ([\d.]+) points", note)[1])
    assert points == pytest.approx(100 * count / VALIDATION_ROWS, abs=0.005)


def test_data_that_are_not_the_published_ones_say_so(splits):
    notes = " ".join(splits.report.notes)
    assert f"{TRAIN} has {TRAIN_ROWS} rows, not 260,490" in notes
    assert f"subcategory: {len(splits.tasks[1].classes)} classes in training; the published tables have 121" in notes


def test_one_task_may_be_chosen_and_unknown_ones_are_named(made, tmp_path):
    assert [task.name for task in load(made, tmp_path, tasks="category").tasks] == ["category"]
    with pytest.raises(DataError, match=r"unknown task 'categories'; did you mean 'category'"):
        load(made, tmp_path, tasks=["categories"])


# Splits


def test_the_validation_file_is_the_test_split_and_products_stay_together(made, splits):
    products = column(made, VALIDATION, PRODUCT)[:, 0]
    assert splits.test.groups() == tuple(f"product-{product}" for product in products)
    assert splits.per_group == "product-level"
    assert not set(splits.train.groups()) & set(splits.val.groups())
    total = len(np.unique(column(made, TRAIN, PRODUCT)))
    assert len(set(splits.val.groups())) == round(0.1 * total)
    assert len(splits.train) + len(splits.val) == TRAIN_ROWS


def test_a_training_product_that_is_in_the_validation_file_is_left_out_and_named(root, tmp_path):
    own, other = column(root, TRAIN, PRODUCT), column(root, VALIDATION, PRODUCT)
    leaking, elsewhere = int(own[0, 0]), other[0, 0]
    replace_column(root, VALIDATION, PRODUCT, np.where(other == elsewhere, leaking, other))
    loaded = load(root, tmp_path)
    assert f"product-{leaking}" in loaded.test.groups()
    assert f"product-{leaking}" not in {*loaded.train.groups(), *loaded.val.groups()}
    assert any(note.startswith("1 products") and note.endswith(f"too: {leaking}.") for note in loaded.report.notes)


def test_thinning_touches_the_training_split_alone():
    train, validation = np.repeat(np.arange(500), 4), np.repeat(np.arange(500, 600), 3)
    whole = selection.select(train, validation, "all", None).parts
    first = selection.select(train, validation, "first", None).parts
    some, fewer = (selection.select(train, validation, "all", rows).parts for rows in (400, 90))
    assert len(first["train"]) == 450
    assert set(first["train"] % 4) == {0}
    assert set(fewer["train"]) < set(some["train"]) < set(whole["train"])
    assert (len(fewer["train"]), len(some["train"])) == (90, 400)
    assert len(set(train[fewer["train"]])) == 23  # product by product
    for part in ("val", "test"):
        assert all(np.array_equal(other[part], whole[part]) for other in (first, some, fewer))


# Pixels and channels


def test_pixels_are_those_of_the_row(made, splits):
    stored = column(made, TRAIN, IMAGE)
    for index in (0, len(splits.val) - 1):
        example = splits.val[index]
        assert np.array_equal(np.asarray(example.image), stored[row_of(example.id)])


def test_bgr_files_read_as_such_are_the_same_data(swapped, tmp_path, splits):
    read = load(swapped, tmp_path, channels="bgr")
    assert read.fingerprint == splits.fingerprint
    assert read.report.notes == splits.report.notes


def test_the_photos_tell_the_order_of_the_channels(made, swapped):
    evidence, reverse = channel_evidence(made / TRAIN), channel_evidence(swapped / TRAIN)
    assert (evidence.verdict, reverse.verdict) == ("rgb", "bgr")
    assert (evidence.bgr, reverse.rgb) == (0, 0)
    assert evidence.rgb == reverse.bgr >= 8
    assert str(reverse).startswith(f"0 products speak for rgb, {reverse.bgr} for bgr (blue 0:")


def test_a_wrong_order_and_an_order_found_are_reported(swapped, tmp_path):
    wrong, found = (load(swapped, tmp_path, channels=channels) for channels in ("rgb", "auto"))
    evidence = channel_evidence(swapped / TRAIN)
    assert wrong.report.notes[-1] == f"channels=rgb contradicts the photos: {evidence}."
    assert found.report.notes[-1] == f"channels=auto: read as bgr; {evidence}."
    assert wrong.fingerprint != found.fingerprint


def test_auto_does_not_guess(root, tmp_path):
    change_pixels(root, TRAIN, np.zeros_like)
    with pytest.raises(DataError, match=r"channels=auto cannot decide, 0 products.*channels=rgb or channels=bgr"):
        load(root, tmp_path, channels="auto")


def test_a_changed_photo_is_noticed(root, tmp_path, splits):
    assert load(root, tmp_path).fingerprint == splits.fingerprint
    with h5py.File(root / VALIDATION, "r+") as file:
        file[IMAGE][7, 0, 0, 0] ^= 1
    assert load(root, tmp_path).fingerprint != splits.fingerprint


def test_a_damaged_photo_is_named_or_left_out(root, tmp_path):
    with h5py.File(root / TRAIN) as file:
        where = file[IMAGE].id.get_chunk_info(5)
    with (root / TRAIN).open("r+b") as file:
        file.seek(where.byte_offset)
        file.write(bytes(where.size))
    with pytest.raises(DataError, match=rf"{TRAIN}, row 5: the image cannot be read"):
        load(root, tmp_path)
    skipped = datasets.load("fashion-gen", Source(root, tmp_path, on_bad_sample="skip"), {})
    assert len(skipped.report.bad_samples) == 1
    assert "train-5" not in {*skipped.train.ids(), *skipped.val.ids()}


# Streaming


def _sum(examples, index):
    return int(np.asarray(examples[index].image, dtype=np.int64).sum())


@pytest.mark.parametrize(("start", "count"), [("fork", 2), ("spawn", 1)])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_other_processes_read_the_same_pixels(splits, start, count):
    examples = splits.train
    wanted = [_sum(examples, index) for index in range(24)]  # the file is open before the processes start
    with multiprocessing.get_context(start).Pool(count) as pool:
        assert pool.starmap(_sum, [(examples, index) for index in range(24)], chunksize=3) == wanted


def test_threads_read_the_same_pixels(splits):
    examples = pickle.loads(pickle.dumps(splits.test))
    wanted = [_sum(splits.test, index) for index in range(len(examples))]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda index: _sum(examples, index), range(len(examples)))) == wanted


def test_memory_does_not_grow_with_the_file(tmp_path):
    """Photos of 310 MB, in compressed chunks of 32 and in none: reading them takes a few chunks of memory."""
    process, photos = psutil.Process(), []
    photos.append(ImageFile(write_photos(tmp_path / "packed.h5", 1600, (32, 256, 256, 3), compressed=True), "rgb"))
    photos.append(ImageFile(write_photos(tmp_path / "flat.h5", 1600), "rgb"))
    before = process.memory_info().rss
    for file in photos:
        for row in range(1600):
            file.pixels(row)
            if row % 50 == 0:
                assert process.memory_info().rss - before < 100e6


def test_compressed_chunks_that_hold_a_little_of_each_of_many_rows_are_refused(tmp_path):
    """h5py's automatic chunks of the official shape: one photo lies in more than a gigabyte of them."""
    packed, plain = (write_photos(tmp_path / f"{c}.h5", 8141, (8141, 8, 8, 1), compressed=c) for c in (True, False))
    with pytest.raises(DataError, match=r"1,601 MB of compressed chunks must be unpacked.*h5repack -l input_image:"):
        ImageFile(packed, "rgb").pixels(0)
    assert not ImageFile(plain, "rgb").pixels(0).any()
