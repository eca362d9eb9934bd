import json
from functools import partial

import pytest

from .test_commands import run_apart, told


@pytest.fixture
def data(cma_bench):
    """`cma-bench data ...` in an empty folder."""
    return partial(cma_bench, "data")


def test_a_twin_is_made_checked_and_reported(data, tmp_path):
    printed, code = data("make-twin", "fashion-products", "twin", "--rows", 80, "--seed", 1)
    assert code is None
    assert "use it with --data fashion-products=twin" in printed
    asked = ["check", "fashion-products", "twin", "--option", "min_count=2", "--json", "a/report.json"]
    printed, code = data(*asked, "--html", "report.html")
    assert code is None
    assert "fashion-products: 80 rows looked at" in printed
    assert json.loads((tmp_path / "a" / "report.json").read_text())["dataset"] == "fashion-products"
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
    assert data(*asked, "--strict")[1] == 1  # its titles tell colour and article


def test_errors_fail_the_command(data):
    data("make-twin", "fashion-products", "twin", "--rows", 60, "--with-quirks")
    printed, code = data("check", "fashion-products", "--data", "fashion-products=twin", "--option", "min_count=2")
    assert "ERROR   unreadable: 3 of 60 rows cannot be used" in printed
    assert code == 1


WRONG = {
    "twin": (
        ["make-twin", "fashion-product", "twin"],
        "unknown twin 'fashion-product'; did you mean 'fashion-products'",
    ),
    "data set": (["check", "fashion", "."], "unknown data set 'fashion'; did you mean"),
    "no folder": (["check", "food101"], "food101 needs a folder: --data food101=DIR"),
    "option": (["check", "catalog", "--option", "sead=1"], "unknown option of catalog 'sead'; did you mean 'seed'"),
    "backbone": (["check", "catalog", "--backbone", "tiny-product"], "unknown backbone 'tiny-product'; did you mean"),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_answered_in_one_line(data, arguments, message):
    printed, code = data(*arguments)
    assert printed == ""
    assert str(code).startswith(f"cma-bench: {message}")
    assert "\n" not in code


def test_a_table_without_labels_is_shown_with_a_command(tmp_path):
    lines = [f"red {n} thing here;{('red', 'blue')[n % 2]}" for n in range(30)]
    (tmp_path / "shown").mkdir()
    (tmp_path / "shown" / "my shop.csv").write_text("\n".join(["text;colour", *lines]), encoding="utf-8")
    run_apart({"shown": ["data", "show", "manifest", "--data", "manifest=my shop.csv"]}, tmp_path)
    printed, complaint = told(tmp_path, "shown")
    assert complaint == ""
    assert "separator ';', 30 rows" in printed
    command = "cma-bench suite --suite manifest --data 'manifest=my shop.csv' --option labels=colour image=null"
    assert printed.splitlines()[-2:] == [command, "heavy: []"]
