"""Fill the empty cells of a table of any size with answers that can be trusted.

`question` settles what is asked, `run` answers it part by part, `parts` keeps the parts on disk, `writing` makes the
new file of them, `summary` says what came of it, `review` what a person should look at.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.filling.parts import Work
from benchmarks.filling.question import Question, TableOptions
from benchmarks.filling.run import Filled, answer_table, check_out, write_out
from benchmarks.filling.summary import count, told


def fill(table: Path, model: Path, out: Path, question: Question, *, overwrite: bool = False) -> str:
    """Write the filled table; returns what came of it.

    A run that was killed at any moment goes on where it was, and ends with the same bytes.

    Raises:
        DataError: the table cannot be read or written, or `out` exists; names the way out.
        ModelError: the folder holds no model.
    """
    check_out(out, table, overwrite=overwrite)
    with Work.beside(out) as work:
        filled = answer_table(table, model, work, question)
        summary = told(filled, count(filled))
        write_out(filled, work)
    work.remove()
    return summary


__all__ = ["Filled", "Question", "TableOptions", "Work", "answer_table", "fill"]
