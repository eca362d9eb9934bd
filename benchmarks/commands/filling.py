"""`cma-bench fill`: a table's empty cells filled by a saved model."""

from __future__ import annotations

from pathlib import Path

from tyro.conf import Positional

from benchmarks.commands.finishing import chosen
from benchmarks.commands.options import RESULTS, RUNS, Names, Pairs, PlaceOption, pairs
from benchmarks.engines import EngineOptions
from benchmarks.processes import quiet
from cma_clip.places.urls import is_url


def fill(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    table: Positional[PlaceOption],
    model: PlaceOption,
    out: PlaceOption,
    engine: EngineOptions,
    precision: float = 0.9,
    tasks: Names = (),
    text: str | None = None,
    image: str | None = None,
    images: Path | None = None,
    option: Pairs = (),
    review: Path | None = None,
    review_rows: int = 60,
    overwrite: bool = False,
    results: PlaceOption = RESULTS,
    runs: PlaceOption = RUNS,
) -> None:
    """Fill the empty cells of a table with a saved model's answers, where they can be trusted.

    Every cell that is there stays as it is. Beside the table's own columns come, for each task, what the model
    suggests, how sure it is, and what was decided: kept, filled, review or no evidence. A run that was stopped goes
    on where it was.

    Args:
        table: a file, a folder or a quoted glob of files, or their URL, in any form that the data set `manifest`
            reads.
        model: a folder runs/experiments/KEY/model, or a suite whose pick is taken.
        out: the new table; its ending decides the format. Like the table's: the same dialect, encoding and types.
        engine: where parts are answered, and how many at a time.
        precision: the share of filled cells that has to be right; the threshold for it is from validation.
        tasks: columns to fill; all that the model knows by default.
        text: the column of texts; by default the one that the model was trained on, '' if there is none.
        image: the column of photos, likewise.
        images: folder of the photos, seen from the table or from the current folder; the table's own by default.
        option: how the table is read: encoding, separator, quotes, header, sheet, missing (more words for empty cells).
        review: a page, FILE.html, to check the filled table on: suspect labels, cells close to the threshold, and a
            sample of the filled that tells how many are right.
        review_rows: most cells of each of these sections, for each task.
        overwrite: replace a file that is there.
        results: where the suites are.
        runs: where their models are.
    """
    from benchmarks.filling import Question, Review, TableOptions
    from benchmarks.filling import fill as fill_table
    from cma_clip.places.copies import local_data

    quiet()
    if is_url(out):
        raise ValueError(f"--out {out}: a table is filled part by part beside the new file; give a path")
    question = Question(precision, tasks, text, image, images, TableOptions.of(pairs(option)))
    page = None if review is None else Review(review, review_rows)
    folder = model_folder(model, results, runs)
    with engine.open_if_several() as opened:
        print(fill_table(local_data(table), folder, out, question, page, overwrite=overwrite, engine=opened))
    print(f"\n{out} holds the table" + (f"; open {review} in a browser to check it" if review else ""))


def model_folder(model: Path, results: Path, runs: Path) -> Path:
    """The folder itself, or that of the model which `cma-bench pick` takes of a suite; a copy of one at a URL.

    Raises:
        ValueError: neither a folder nor a suite; or the suite has no single pick, or its model is gone.
    """
    from cma_clip.places.copies import local_folder
    from cma_clip.places.folders import is_there

    if is_there(model):
        return local_folder(model)
    if is_url(model) or not (results / str(model) / "records").is_dir():
        raise ValueError(f"--model {model} is neither a folder nor a suite with records below {results}")
    way_out = f"give --model the folder of one, as `cma-bench pick {model}` names it"
    folder = runs / "experiments" / chosen(str(model), results, None, None, {}, way_out).key / "model"
    if not is_there(folder):
        raise ValueError(f"--model {model}: {folder}, the model to take, is gone; see `cma-bench pick {model}`")
    return local_folder(folder)
