import pytest

from cma_clip.provenance import save_trained_on, text_key, trained_rows


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
