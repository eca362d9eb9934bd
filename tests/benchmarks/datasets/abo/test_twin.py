import pytest

from benchmarks.twins import abo


def test_the_twin_is_the_same_for_the_same_seed(clean, tmp_path):
    abo.make(tmp_path / "again", 120, seed=0)
    files = sorted(path.relative_to(clean) for path in clean.rglob("*") if path.is_file())
    assert len(files) == 16 + 1 + 120
    assert all((clean / path).read_bytes() == (tmp_path / "again" / path).read_bytes() for path in files)


def test_the_twin_needs_rows_and_a_new_folder(clean, tmp_path):
    with pytest.raises(ValueError, match="at least 60"):
        abo.make(tmp_path / "small", 12, seed=0)
    with pytest.raises(ValueError, match="is not empty"):
        abo.make(clean, 120, seed=0)
