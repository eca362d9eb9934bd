import pytest

from cma_clip.backbone.provenance import save_trained_on, text_key, trained_rows


def test_case_and_spaces_do_not_count():
    assert text_key(" Red  Shirt") == text_key("red shirt")
    assert text_key("red shirt") != text_key("red shirts")


def test_rows_with_a_text_trained_on_are_counted(tmp_path):
    save_trained_on(["Red shirt", "blue box", "", None, "red shirt"], tmp_path)
    backbone = f"local-dir:{tmp_path}"
    assert trained_rows(backbone, ["red shirt", "green shirt", "RED  SHIRT", None, "", "blue box"]) == 3
    assert trained_rows(backbone, ["green shirt"]) == 0


@pytest.mark.parametrize("backbone", ["random:ViT-B-32", "ViT-B-32-quickgelu/openai", "local-dir:/no/such/folder"])
def test_silence_is_not_innocence(backbone):
    assert trained_rows(backbone, ["red shirt"]) is None


def test_what_a_start_was_trained_on_is_kept_and_an_unknown_past_is_not_taken_for_none(tmp_path):
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    for folder in (first, second, third):
        folder.mkdir()
    save_trained_on(["red shirt"], first, before="random:ViT-B-32")
    save_trained_on(["blue box"], second, before=f"local-dir:{first}")
    assert trained_rows(f"local-dir:{second}", ["Red shirt", "blue box", "hat"]) == 2
    save_trained_on(["blue box"], third, before="ViT-B-32/openai")
    assert trained_rows(f"local-dir:{third}", ["hat"]) is None
    assert trained_rows(f"local-dir:{third}", ["hat", "blue box"]) == 1  # what is known counts all the same
