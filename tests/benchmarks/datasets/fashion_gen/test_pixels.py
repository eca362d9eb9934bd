"""Pixels, their channels, and photos that stay on disk."""

import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import psutil
import pytest

from benchmarks import datasets
from benchmarks.datasets.fashion_gen import channel_evidence
from benchmarks.datasets.fashion_gen.layout import IMAGE
from benchmarks.datasets.fashion_gen.pixels import ImageFile, row_of
from benchmarks.datasets.loading.splits import DataError, Source
from tests.benchmarks.datasets.fashion_gen.files import (
    TRAIN,
    VALIDATION,
    change_pixels,
    column,
    load,
    write_photos,
)


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
