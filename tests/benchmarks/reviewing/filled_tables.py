"""Filled tables as `cma-bench fill` writes them, with everything that can stand in one."""

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks.datasets.manifest.folder import PhotoFolder
from benchmarks.reviewing.cards import RowColumns
from benchmarks.reviewing.page import About
from benchmarks.reviewing.selection import FilledTask
from cma_clip.answering import Point

CLASSES = ("Black", "Navy Blue", "Red", "White")
UNKNOWN = "Turquoise"
THRESHOLD = 0.6
COLOR = FilledTask(
    "color",
    "color",
    "color_suggested",
    "color_confidence",
    "color_decision",
    CLASSES,
    Point(THRESHOLD, 300, 285),
    "color_text_weight",
    "color_photo_weight",
)
SEASON = FilledTask(
    "season", "season", "season_suggested", "season_confidence", "season_decision", ("Summer", "Winter"), None
)
TASKS = (COLOR, SEASON)
ABOUT = About("products.csv", "cma_clip", 0.9, 0.9)


def filled_table(rows, seed=0):
    """Rows numbered from 2, as a spreadsheet does; confidences of one decimal, so that many are equal."""
    rng = np.random.default_rng(seed)
    numbers = np.arange(2, rows + 2)
    table = pd.DataFrame({"sku": [f"P{n}" for n in numbers], "title": [f"product {n}" for n in numbers]}, index=numbers)
    table["problem"] = rng.choice([None, "text cut at 32 tokens"], rows, p=(0.9, 0.1))
    for task in TASKS:
        confidence = rng.random(rows).round(1)
        empty, blind = rng.random(rows) < 0.5, rng.random(rows) < 0.1
        suggested = rng.choice(task.classes, rows).astype(object)
        threshold = np.inf if task.promise is None else task.promise.threshold
        answered = np.where(confidence >= threshold, "filled", "review")
        values = rng.choice([*task.classes, f" {task.classes[1].lower()}", UNKNOWN], rows).astype(object)
        suggested[blind], confidence[blind] = None, np.nan
        table[task.cell] = np.where(empty, "", values)
        table[task.suggested], table[task.confidence] = suggested, confidence
        table[task.decision] = np.where(empty, np.where(blind, "no evidence", answered), "kept")
    table["color_text_weight"] = rng.random(rows)
    table["color_photo_weight"] = 1 - table["color_text_weight"]
    return table


def write_photos(table, folder):
    """A column of photos below a folder: every fifth row has none, one in seven is missing, one in eleven broken."""
    table["image"] = [None if row % 5 == 0 else f"{row}.jpg" for row in table.index]
    for row in table.index:
        if row % 11 == 0:
            (folder / f"{row}.jpg").write_bytes(b"no photo")
        elif row % 5 and row % 7:
            Image.new("RGB", (300, 200), (row % 256, 90, 160)).save(folder / f"{row}.jpg")
    return table


def columns_of(folder):
    return RowColumns("sku", "title", "image", "problem", PhotoFolder(folder, folder), ())
