"""Fill the empty cells of a table of any size with answers that can be trusted.

`question` settles what is asked, `run` answers it part by part, `on_engine` many parts at a time, `parts` keeps the
parts on disk, `writing` makes the new file of them, `summary` says what came of it, `review` makes a page on which a
person checks it.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.engines.task import Engine
from benchmarks.filling.parts import Work
from benchmarks.filling.question import Question, TableOptions
from benchmarks.filling.review import Review, check_page, review_page
from benchmarks.filling.run import Filled, answer_table, check_out, write_out
from benchmarks.filling.summary import count, told
from benchmarks.records import store


def fill(  # noqa: PLR0913 - what is filled, and how
    table: Path,
    model: Path,
    out: Path,
    question: Question,
    review: Review | None = None,
    *,
    overwrite: bool = False,
    engine: Engine | None = None,
) -> str:
    """Write the filled table, and a page to check it on if asked for; returns what came of it.

    A run that was killed at any moment goes on where it was, and ends with the same bytes.

    Raises:
        DataError: the table cannot be read or written, or `out` exists; names the way out.
        ModelError: the folder holds no model.
    """
    check_out(out, table, overwrite=overwrite)
    if review is not None:
        check_page(review, out, table, overwrite=overwrite)
    with Work.beside(out) as work:
        filled = answer_table(table, model, work, question, engine)
        summary = told(filled, count(filled))
        page = None if review is None else review_page(filled, review.rows)
        write_out(filled, work)
        if review is not None and page is not None:
            store.write_text(review.page, page)
        work.remove()
    return summary


__all__ = ["Filled", "Question", "Review", "TableOptions", "Work", "answer_table", "fill"]
