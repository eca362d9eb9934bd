"""What is at a URL, copied to this machine once."""

import io
import tarfile
import zipfile
from importlib.util import find_spec

import pytest

from cma_clip.places.copies import downloaded, local_data, local_folder
from cma_clip.places.folders import new_folder
from cma_clip.places.urls import on_node, place


def zipped(names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, name)
    return file.getvalue()


def tarred(names):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(name)
            archive.addfile(member, io.BytesIO(name.encode()))
    return file.getvalue()


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_paths_are_what_they_were(tmp_path):
    assert place(str(tmp_path)) == place(f"file://{tmp_path}") == tmp_path
    assert local_data(tmp_path) is local_folder(tmp_path) is on_node(tmp_path) is tmp_path


def test_a_file_keeps_its_name_and_is_copied_once(bucket):
    shop = bucket / "data" / "shop.csv"
    shop.write_bytes(b"title\nred\n")
    copy = local_data(shop)
    assert (copy.name, copy.read_bytes()) == ("shop.csv", b"title\nred\n")
    copy.write_bytes(b"the copy that is there is taken")
    assert local_data(shop).read_bytes() == b"the copy that is there is taken"
    shop.write_bytes(b"title\nblue\n")
    assert local_data(shop).read_bytes() == b"title\nblue\n"


def test_a_folder_is_copied_with_all_below(bucket):
    for name in ("styles.csv", "images/1.jpg", "images/more/2.jpg"):
        (bucket / "shop" / name).write_bytes(name.encode())
    (bucket / "shops.csv").write_bytes(b"another file")
    copy = local_data(bucket / "shop")
    assert copy.name == "shop"
    assert contents(copy) == {name: name for name in ("styles.csv", "images/1.jpg", "images/more/2.jpg")}


@pytest.mark.parametrize(("ending", "pack"), [("zip", zipped), ("tar.gz", tarred)])
@pytest.mark.parametrize("above", ["", "shop/"])
def test_an_archive_is_unpacked_to_its_one_folder_or_to_what_is_in_it(bucket, ending, pack, above):
    (bucket / f"shop.{ending}").write_bytes(pack([f"{above}styles.csv", f"{above}images/1.jpg"]))
    copy = local_data(bucket / f"shop.{ending}")
    assert contents(copy) == {name: f"{above}{name}" for name in ("styles.csv", "images/1.jpg")}


def test_a_glob_finds_the_same_files(bucket):
    for name in ("part-1.csv", "part-2.csv", "other.csv"):
        (bucket / "data" / name).write_bytes(name.encode())
    copy = local_data(place(f"{bucket}/data/part-*.csv"))
    assert [path.name for path in sorted(copy.parent.glob(copy.name))] == ["part-1.csv", "part-2.csv"]


def test_what_is_not_there_is_named_by_its_url(bucket):
    with pytest.raises(FileNotFoundError, match=f"{bucket}/shop.csv: nothing is there"):
        local_data(bucket / "shop.csv")
    assert local_folder(bucket / "model") == bucket / "model"


def test_a_model_is_copied_once_and_again_when_it_was_replaced(bucket):
    for text in ("old", "new"):
        with new_folder(bucket / "model") as folder:
            (folder / "file").write_text(text)
        assert contents(local_folder(bucket / "model")) == {"file": text}
        assert local_folder(bucket / "model") == local_folder(bucket / "model")


def test_a_url_that_nothing_reads_says_what_to_install():
    with pytest.raises(ValueError, match="nonsense://bucket: nothing is installed that reads nonsense"):
        place("nonsense://bucket")


def test_some_of_what_is_in_a_folder_is_there_for_a_while(bucket, tmp_path):
    for name in ("tables/1.md", "tables/2.md", "report.html", "records/1.json"):
        (bucket / "suite" / name).write_bytes(name.encode())
    with downloaded(bucket / "suite", ("tables", "figures", "report.html")) as folder:
        assert contents(folder) == {name: name for name in ("tables/1.md", "tables/2.md", "report.html")}
    assert not folder.exists()
    with downloaded(tmp_path, ("tables",)) as folder:
        assert folder == tmp_path


@pytest.mark.skipif(find_spec("gcsfs") is not None, reason="it is installed")
def test_an_extra_of_this_project_is_named():
    with pytest.raises(ValueError, match=r"gs://bucket: .* \(pip install 'cma-clip-bench\[gs\]'\)"):
        place("gs://bucket")
