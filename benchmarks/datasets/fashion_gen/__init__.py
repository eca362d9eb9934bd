"""Fashion-Gen: studio photos (256 x 256 px) of luxury fashion, 1-6 views a product, with a stylist's description.

Input: a photo and the product's description, or its name and description; all views of a product share the text.
Tasks, in one run: `category` (48 classes in the published tables) and `subcategory` (121), names in lower case, tabs
and repeated spaces as one. CMA-CLIP's summary speaks of 41 categories, of which no list was found: its number and
those beside it in its table (121 subcategories) do not compare.

Source: https://fashion-gen.com, after registration. Licence: research use, see there. Layout: two HDF5 files,
`fashiongen_256_256_train.h5` (260,490 rows) and `fashiongen_256_256_validation.h5` (32,528), with 16 keys of one row a
view. Photos stay in the files: they are read row by row and never copied.

Protocol: the test set was never released, so everybody tests on the validation file, and so does this loader. Its own
validation split is a tenth of the training file's products, by a hash of the product's number. Views of a product
never cross splits; a training product that the validation file has too is left out of training. Scores are given
per image, and per product from the mean of the probabilities of its views (`product-level`): published tables do both.

Labels that no training row has cannot be predicted by any model. They count as missing, as too rare classes do in the
other data sets: left out of the scores, counted and named in the report, with the points of accuracy that they could
cost as errors. (Published code silently takes them for its first class.)

Whether red or blue comes first in the files is disputed between published loaders: `channels` says it, and the report
says so if the data disagree (`channel_evidence`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from benchmarks.datasets.fashion_gen.channels import ChannelEvidence, channel_evidence
from benchmarks.datasets.fashion_gen.layout import Split, find
from benchmarks.datasets.fashion_gen.pixels import Channels
from benchmarks.datasets.fashion_gen.selection import RULE, Thinning
from benchmarks.datasets.fashion_gen.views import COLUMNS, Views
from benchmarks.datasets.loading.build import TaskSpec, build_splits
from benchmarks.datasets.loading.splits import Card, DataError, Names, Options, Source, Splits
from benchmarks.names import choose

__all__ = ["CARD", "ChannelEvidence", "FashionGenOptions", "channel_evidence", "load"]

TEXTS = {"description": ("input_description",), "title+description": ("input_name", "input_description")}

CARD = Card(
    title="Fashion-Gen",
    image="studio photo, 256 x 256 px, 1-6 views a product; streamed from the HDF5 files",
    text="the product's description (default), or its name and description; the same for all views",
    labels="category (48) and subcategory (121), in lower case; classes are those of the training split",
    splits=f"test = the official validation file (the test set was never released); validation = a tenth of the "
    f"training file's products by a hash (rule {RULE}); views of a product never cross splits",
    source="https://fashion-gen.com (registration)",
    licence="research use; see the terms of https://fashion-gen.com",
    notes="Scores per image and, as `product-level`, per product. Labels unseen in training count as missing and are "
    "named in the report. CMA-CLIP's 41 categories are not these 48.",
)


class FashionGenOptions(Options):
    """What of it is used, and how it is read.

    Attributes:
        tasks: category, subcategory, or both in one model.
        text: what stands beside the photo; `title+description` is "name. description", as FAME-ViL has it, and the
            paper's example shows a description.
        channels: what the files hold; `auto` asks the data, and stops if they do not tell.
        views: all views of a training product, or its first one only; validation and test have all.
        train_rows: at most so many training rows, product by product in the order of a hash; None takes all. Fewer
            rows are a subset of more, and validation and test do not depend on it.
    """

    tasks: Names = Field(("category", "subcategory"), min_length=1)
    text: Literal["description", "title+description"] = "description"
    channels: Literal["rgb", "bgr", "auto"] = "rgb"
    views: Thinning = "all"
    train_rows: int | None = Field(None, ge=2)

    @field_validator("tasks")
    @classmethod
    def _known(cls, tasks: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(choose(task, COLUMNS, "task") for task in tasks)


def load(source: Source, options: FashionGenOptions) -> Splits:
    """Read the two official files below `source.root`.

    Raises:
        DataError: a missing or damaged file, missing keys, other shapes, an image that cannot be read.
    """
    files = find(source.root)
    views = Views(files, _channels(files, options), options.views, options.train_rows)
    splits = build_splits(
        name="fashion-gen",
        card=CARD,
        key=_key(views, options),
        rows=partial(views.rows, options.tasks, TEXTS[options.text]),
        tasks=[TaskSpec(task, refuse_unseen=False) for task in options.tasks],
        source=source,
        notes=partial(_notes, views, options),
    )
    return replace(
        splits,
        train=views.with_photos(splits.train, "train"),
        val=views.with_photos(splits.val, "val"),
        test=views.with_photos(splits.test, "test"),
        per_group="product-level",
    )


def _key(views: Views, options: FashionGenOptions) -> str:
    """Options, and place, size and time of the files: a changed file is noticed."""
    facts = [(str(path.absolute()), path.stat().st_size, path.stat().st_mtime_ns) for path in views.files.values()]
    return hashlib.sha256(f"{options.model_dump_json()} {views.channels} {facts}".encode()).hexdigest()


def _channels(files: Mapping[Split, Path], options: FashionGenOptions) -> Channels:
    if options.channels != "auto":
        return options.channels
    evidence = channel_evidence(files["train"])
    if evidence.verdict is None:
        raise DataError(
            f"{files['train']}: channels=auto cannot decide, {evidence}; choose channels=rgb or channels=bgr"
        )
    return evidence.verdict


def _notes(views: Views, options: FashionGenOptions) -> list[str]:
    """How far these data are from the published ones, and what the options and the protocol leave out."""
    notes = [*views.notes(options.tasks)]
    evidence = channel_evidence(views.files["train"])
    if options.channels == "auto":
        notes.append(f"channels=auto: read as {views.channels}; {evidence}.")
    elif evidence.verdict not in {None, options.channels}:
        notes.append(f"channels={options.channels} contradicts the photos: {evidence}.")
    return notes
