"""A folder or a store that is gone for a moment."""

import threading
import time

import pytest

from cma_clip.places.patience import patiently, wait_for


@pytest.fixture
def gone(tmp_path):
    """A folder, away for half a second."""
    folder, away = tmp_path / "shared", tmp_path / "away"
    folder.mkdir()
    folder.rename(away)
    timer = threading.Timer(0.5, lambda: away.rename(folder))
    timer.start()
    yield folder
    timer.join()


def test_it_is_waited_for(gone):
    start = time.monotonic()
    wait_for([gone], seconds=10)
    assert gone.is_dir()
    assert time.monotonic() - start > 0.4


def test_not_forever(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone or read-only for 0\.3 s; the same command goes on.*shared"):
        wait_for([tmp_path / "shared"], seconds=0.3)


def test_what_failed_meanwhile_is_done_again(gone):
    assert patiently(lambda: list(gone.iterdir()), [gone]) == []


def test_what_fails_in_a_folder_that_is_there_fails_at_once(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        patiently((tmp_path / "nothing").read_bytes, [tmp_path])


def test_a_store_that_does_not_answer_is_asked_again(bucket, object_store):
    object_store.stop()
    timer = threading.Timer(1, object_store.start)
    timer.start()
    (bucket / "file").write_bytes(b"whole")
    timer.join()
    assert (bucket / "file").read_bytes() == b"whole"
