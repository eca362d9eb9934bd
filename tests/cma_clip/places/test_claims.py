"""Claims in a folder and in an object store, held by real processes."""

import multiprocessing
import os
import time

import pytest

from cma_clip.places.claims import Claim, claim

LEASE = 0.6
"""Short, so that its end is seen; every process that claims has to name the same."""


@pytest.fixture(params=["folder", "object store"])
def wanted(request, tmp_path):
    place = tmp_path / "shared" if request.param == "folder" else request.getfixturevalue("bucket")
    return place / "features"


@pytest.fixture
def begun():
    """Begin a function in a process of its own, which is killed at the end."""
    context, processes = multiprocessing.get_context("spawn"), []

    def begin(function, *arguments):
        mine, theirs = context.Pipe()
        process = context.Process(target=function, args=(theirs, *arguments))
        process.start()
        processes.append(process)
        return process, mine

    yield begin
    for process in processes:
        process.kill()
        process.join()


def hold(told, wanted, lease=LEASE):
    """Until it is told to stop."""
    with claim(wanted, lease):
        told.send("held")
        told.recv()


def test_who_lives_is_waited_for(wanted, begun):
    _, other = begun(hold, wanted)
    other.recv()
    start = time.monotonic()
    other_ends = 3 * LEASE  # much longer than a claim that is not refreshed
    begun(send_later, other, other_ends)
    with claim(wanted, LEASE):
        assert time.monotonic() - start > other_ends


def send_later(_, other, seconds):
    time.sleep(seconds)
    other.send("stop")


def test_who_was_killed_is_not(wanted, begun):
    lease = 60
    process, other = begun(hold, wanted, lease)
    other.recv()
    process.kill()
    process.join()
    start = time.monotonic()
    with claim(wanted, lease):
        assert time.monotonic() - start < lease / 2


def test_it_can_be_taken_again(wanted):
    held = claim(wanted, LEASE)
    for _ in range(2):
        with held:
            held.release()
    assert not list(wanted.parent.glob("*"))


MARKER = "filelock/2\npid=1\nhost={host}\nmode=lease\ntoken=00\nduration={lease}\n"


def test_who_died_on_another_machine_is_waited_for_as_long_in_an_object_store(bucket):
    (bucket / "features.claim").write_bytes(b"elsewhere 1 00")
    start = time.monotonic()
    with claim(bucket / "features", LEASE):
        assert LEASE < time.monotonic() - start < 10 * LEASE


@pytest.mark.parametrize("left", [MARKER.format(host="elsewhere", lease=LEASE), ""])
def test_who_died_on_another_machine_or_before_it_said_its_name_is_waited_for_no_longer_than_that(tmp_path, left):
    (tmp_path / "features.claim").write_text(left)
    start = time.monotonic()
    with claim(tmp_path / "features", LEASE):
        assert LEASE < time.monotonic() - start < 10 * LEASE


def test_who_has_it_is_told(tmp_path, begun):
    process, other = begun(hold, tmp_path / "features")
    other.recv()
    mine = Claim(tmp_path / "features", LEASE)
    assert mine.take() == f"process {process.pid} on {os.uname().nodename}"
    process.kill()
    process.join()
    assert mine.take() is None
    mine.release()


def test_one_that_was_lost_does_not_take_that_of_another(wanted):
    first, second = claim(wanted, LEASE), claim(wanted, LEASE)
    first.acquire()
    (wanted.parent / "features.claim").unlink()
    second.acquire()
    first.release()
    assert (wanted.parent / "features.claim").is_file()
    second.release()
