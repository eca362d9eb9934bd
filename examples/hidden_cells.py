"""Does the promise hold on my catalogue? Hide cells that are known, fill them, compare.

python examples/hidden_cells.py hide products.csv hidden labels=color,season
nox -s benchmark -- --suite manifest --data manifest=hidden/products.csv --option labels=color,season
cma-bench fill hidden/products.csv --model FOLDER --out hidden/filled.csv
python examples/hidden_cells.py compare hidden/filled.csv hidden/hidden.csv

Cells are hidden in the test split only, of which training, selection and thresholds see nothing.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from benchmarks import datasets
from benchmarks.commands.options import pairs
from benchmarks.datasets.loading.splits import Source
from benchmarks.datasets.reading import read_table

SHARE = 0.4
"""Of the test split's known cells that are hidden."""


def hide(table: Path, options: Mapping[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(The table without them, and what was hidden: row from 0, column, value). The same cells on every machine.

    Raises:
        DataError: the table or an option cannot be used.
    """
    frame = read_table(table).columns.to_pandas()
    splits = datasets.load("manifest", Source(table), options)
    ids = frame[options["id"]] if options.get("id") else [f"row-{row}" for row in range(len(frame))]
    rows = {id: row for row, id in enumerate(ids)}
    hidden = [
        (rows[id], task)
        for id, known in zip(splits.test.ids(), splits.test.label_rows(), strict=True)
        if id in rows  # further photos of a row have ids of their own
        for task in known
        if int(hashlib.sha256(f"{id} {task}".encode()).hexdigest(), 16) % 1000 < 1000 * SHARE
    ]
    answers = pd.DataFrame(
        [(row, task, frame[task].iat[row]) for row, task in hidden], columns=["row", "task", "value"]
    )
    for row, task in hidden:
        frame.iat[row, frame.columns.get_loc(task)] = None
    return frame, answers


def compare(filled: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Per task: cells hidden, the share of them that was answered, and the share of the answers that is right.

    `low` and `high` are its exact 95 % interval (Clopper-Pearson). Without an answer it is NaN, from 0 to 1.
    """
    rows = []
    for task, hidden in answers.groupby("task", sort=False):
        found = filled.iloc[hidden["row"]]
        answered = (found[f"{task}_decision"] == "filled").to_numpy()
        right = found[task].to_numpy() == hidden["value"].to_numpy()
        reached, low, high = np.nan, 0.0, 1.0
        if answered.any():
            reached = right[answered].mean()
            low, high = binomtest(int(right[answered].sum()), int(answered.sum())).proportion_ci()
        rows.append((task, len(hidden), answered.mean(), reached, low, high))
    return pd.DataFrame(rows, columns=["task", "hidden", "answered", "precision reached", "low", "high"])


def main(command: str, *arguments: str) -> None:
    """`hide TABLE FOLDER NAME=VALUE ...` (options of the data set `manifest`) or `compare FILLED HIDDEN`."""
    if command == "hide":
        table, folder, *options = arguments
        frame, answers = hide(Path(table), pairs(tuple(options)))
        Path(folder).mkdir(parents=True, exist_ok=True)
        frame.to_csv(Path(folder) / "products.csv", index=False)
        answers.to_csv(Path(folder) / "hidden.csv", index=False)
        print(f"{len(answers):,} cells of {len(frame):,} rows are hidden; {folder}/products.csv, {folder}/hidden.csv")
    elif command == "compare":
        filled, answers = (pd.read_csv(path, dtype=str, keep_default_na=False) for path in arguments)
        answers["row"] = answers["row"].astype(int)
        print(compare(filled, answers).to_string(index=False, float_format="{:.3f}".format))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    try:
        main(*(sys.argv[1:] or ["help"]))
    except ValueError as error:  # says what is wrong and the way out
        raise SystemExit(str(error)) from error
