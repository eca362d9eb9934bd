"""The notebook in examples/ runs from its first cell to its last, in a kernel and a folder of its own."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

TOUR = Path(__file__).parents[1] / "examples" / "tour.ipynb"


def answers(notebook):
    """The last output of every code cell that has one, as text."""
    cells = (cell.outputs[-1:] for cell in notebook.cells if cell.cell_type == "code")
    return [output.data["text/plain"] for outputs in cells for output in outputs if "data" in output]


def test_the_tour_runs(tmp_path):
    shown, run = (nbformat.read(TOUR, as_version=4) for _ in range(2))
    NotebookClient(run, timeout=200, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert len(answers(run)) == len(answers(shown)) == 6
    assert answers(run)[0] == answers(shown)[0]  # the data are the same everywhere
    assert answers(run)[-1] == "True"  # the saved model says the same
    assert {path.name for path in tmp_path.iterdir()} == {"results", "runs", "tour-model"}
