"""Folders that are whole or absent, made once by whoever comes first."""

import multiprocessing
import os
import shutil

import pytest

from cma_clip.places.claims import claim
from cma_clip.places.folders import is_there, make_once, new_folder


def fill(folder, text):
    (folder / "file").write_text(text)


def test_a_folder_is_absent_the_old_one_or_the_new_one(tmp_path):
    target = tmp_path / "some" / "folder"

    def fail():
        with new_folder(target) as folder:
            fill(folder, "half")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        fail()
    assert list(target.parent.iterdir()) == []
    with new_folder(target) as folder:
        fill(folder, "old")
    with pytest.raises(OSError, match="the disk is full"):
        fail()
    assert (target / "file").read_text() == "old"
    (target / "of old").touch()
    with new_folder(target) as folder:
        fill(folder, "new")
    assert list(target.parent.iterdir()) == [target]
    assert [path.read_text() for path in target.iterdir()] == ["new"]


def test_at_a_url_there_is_nothing_before_the_end_and_one_object_then(bucket, tmp_path):
    def fail():
        with new_folder(bucket / "model") as folder:
            fill(folder, "half")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        fail()
    assert not list(bucket.glob("*"))
    with new_folder(bucket / "model") as folder:
        fill(folder, "whole")
        assert not is_there(bucket / "model")
    assert is_there(bucket / "model")
    assert [path.name for path in bucket.iterdir()] == ["model.tar"]
    assert not [path for path in (tmp_path / "node").rglob("*") if path.is_file()]


def want(node, folder, published, log):
    """A node that wants the same as another one."""
    os.environ["CMA_BENCH_CACHE"] = str(node)

    def make(staging):
        with log.open("a") as file:
            file.write("made\n")
        fill(staging, "made")

    make_once(folder, "file", make, published)


def in_two_processes(*arguments):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=want, args=given) for given in zip(*arguments, strict=True)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]


def test_two_processes_that_want_the_same_of_a_shared_folder(tmp_path):
    folder, log = tmp_path / "shared" / "features", tmp_path / "log"
    in_two_processes([tmp_path] * 2, [folder] * 2, [None] * 2, [log] * 2)
    assert log.read_text() == "made\n"
    assert list(folder.parent.iterdir()) == [folder]


def test_two_nodes_that_want_the_same_of_an_object_store(tmp_path, bucket):
    nodes, log = [tmp_path / "a", tmp_path / "b"], tmp_path / "log"
    in_two_processes(nodes, [node / "features" for node in nodes], [bucket / "features"] * 2, [log] * 2)
    assert log.read_text() == "made\n"
    assert [path.name for path in bucket.iterdir()] == ["features.tar"]
    assert [(node / "features" / "file").read_text() for node in nodes] == ["made", "made"]


def test_who_lost_its_claim_takes_what_the_other_has_made(tmp_path):
    """As a process does that was suspended for longer than a claim holds."""

    def be_overtaken(staging):
        shutil.rmtree(staging)
        with new_folder(tmp_path / "features") as folder:
            fill(folder, "of the other")
        fill(staging, "too late")

    make_once(tmp_path / "features", "file", be_overtaken)
    assert (tmp_path / "features" / "file").read_text() == "of the other"


def test_what_is_there_is_taken_without_a_claim(tmp_path):
    with new_folder(tmp_path / "features") as folder:
        fill(folder, "there")
    with claim(tmp_path / "features"):
        make_once(tmp_path / "features", "file", pytest.fail)
