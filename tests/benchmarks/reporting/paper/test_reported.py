"""The published numbers as they are printed."""

import json

import pytest

from benchmarks.reporting.paper import load_reported
from benchmarks.reporting.paper.reported import REPORTED

ROWS = [(name, row) for name, table in load_reported().tables.items() for row in table.rows]
AVERAGED = [(name, row) for name, row in ROWS if load_reported().tables[name].columns[-1] == "average"]


def test_every_row_fills_its_table():
    assert set(load_reported().tables) == {"table_2", "table_3", "table_4", "table_6"}
    for name, row in ROWS:
        assert len(row.values) == len(load_reported().tables[name].columns)


@pytest.mark.parametrize("row", [row for _, row in AVERAGED], ids=[f"{name} {row.method}" for name, row in AVERAGED])
def test_a_printed_average_is_the_mean_of_its_cells(row):
    *cells, printed = row.values
    assert printed == round(sum(cells) / len(cells), 1)


def test_one_method_has_one_number_wherever_it_is_printed():
    tables = load_reported().tables
    full = [row.values for name in ("table_2", "table_6") for row in tables[name].rows if row.method == "CMA-CLIP"]
    assert full[0] == full[1]


def test_the_mixture_of_classes_is_kept():
    assert {row.classes for row in load_reported().tables["table_4"].rows} == {41, 121}


def test_a_file_of_another_form_is_refused(tmp_path):
    facts = json.loads(REPORTED.read_text())
    facts["tables"]["table_2"]["rows"][0]["values"] = "47.3"
    path = tmp_path / "reported.json"
    path.write_text(json.dumps(facts))
    with pytest.raises(ValueError, match=r"reported.json holds no published numbers: tables.table_2.rows.0.values"):
        load_reported(path)
