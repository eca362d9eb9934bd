"""Products as a retailer exports them: the schema of MRWPA, the paper's own data set, which is not public.

One row a product, in a table that `benchmarks.datasets.reading` reads: CSV, Excel, JSON, Parquet, or a folder with one:

| column | holds | may be missing |
| --- | --- | --- |
| `product_id` | a text or number of the product's own | no |
| `title` | the title a customer reads | where there is an image |
| `image` | path of the photo below the file's folder; a URL is refused | where there is a title |
| `color`, `pattern`, `style` | one class name each; other columns: option `attributes` | yes |
| `split` | train, val or test; optional column, without it 70 / 10 / 20 % by a hash of the group | no |
| `group` or `parent_id` | ties variants of one product, which never cross splits; optional column | yes |

Missing is an empty cell, null, NaN, or one of na, n/a, none, - in any case. Class names count in lower case with single
spaces. Other columns are left alone, and named in the report. Every row is checked before anything else is done: all
mistakes are counted, the first 20 told with file, row, column, value and what is valid; with `--on-bad-sample skip`
such rows are left out, counted and listed. Classes with fewer than `min_count` training rows become missing labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
from pydantic import Field, field_validator

from benchmarks.datasets import manifest
from benchmarks.datasets.loading.splits import Card, DataError, LoadReport, Names, Options, Source, Splits
from benchmarks.datasets.manifest import TIES, ManifestOptions, Table, Ties
from benchmarks.datasets.mrwpa.export import GROUPS, REQUIRED, Export, read
from cma_clip.version import Version

SHOWN = 20
"""Most mistakes of a file that are told; all are counted."""

CARD = Card(
    title="Products as a retailer exports them (the schema of MRWPA)",
    image="files named by the column `image`, relative to the table",
    text="the column `title`",
    labels="one column an attribute: color, pattern, style by default; cells may be missing",
    splits="the column `split`, or 70 / 10 / 20 % by a hash of the group (same group, title or image file)",
    source="yours; the paper's own MRWPA was never published",
    licence="yours",
    photos_may_be_copied=True,
    notes="Numbers on your export do not compare with the paper's MRWPA rows: other products, other classes.",
    version=Version(
        3,
        "equal photos tie rows by content, not by name",
        "read as any other table: numbers in JSON are classes as they are written (1.10), 1.0 in Parquet is 1",
    ),
)


class MRWPAOptions(Options):
    """What is predicted.

    Attributes:
        attributes: columns with class names, one task each.
        ties: what keeps rows that share it in one split, beside `group`: text (the title), image, both or none ([]).
        min_count: classes with fewer training rows become missing labels, counted.
    """

    attributes: Names = Field(("color", "pattern", "style"), min_length=1)
    ties: Ties = TIES
    min_count: int = Field(2, ge=1)

    @field_validator("attributes")
    @classmethod
    def _of_their_own(cls, attributes: tuple[str, ...]) -> tuple[str, ...]:
        for attribute in attributes:
            if attribute in (*REQUIRED, *GROUPS, "split"):
                raise ValueError(f"column {attribute!r} has a meaning of its own in this schema and is no attribute")
        return attributes


def load(source: Source, options: MRWPAOptions) -> Splits:
    """Read the table at `source.root`.

    Raises:
        DataError: missing columns; all rows with mistakes, unless they are to be skipped; anything that
            `manifest` refuses.
    """
    path = source.root
    if path is None:
        raise DataError("mrwpa needs a table: --data mrwpa=FILE, or a folder with one")
    export = read(path, options.attributes)
    if export.mistakes and source.on_bad_sample == "error":
        raise DataError(_listed(export.file, export.mistakes))
    meaning = ManifestOptions(
        labels=options.attributes,
        image="image",
        text="title",
        id="product_id",
        group="group",
        split="split" if export.has_split else None,
        ties=options.ties,
        min_count=options.min_count,
        prompts=("a photo of a {} product.", "{}"),
    )
    table = Table(
        export.folder,
        _columns(export, meaning),
        [record.origin for record in export.records],
        meaning,
        source.on_bad_sample,
        export.notes,
    )
    photos = "" if table.photos is None else table.photos.facts()
    key = f"{manifest.content(path)} {meaning.model_dump_json()}{photos}"
    splits = manifest.build("mrwpa", CARD, key, lambda: table, meaning, source)
    return replace(splits, report=_with_skipped(splits.report, export))


def _columns(export: Export, meaning: ManifestOptions) -> pa.Table:
    """The good rows as the manifest has them."""
    return pa.table(
        {name: pa.array([record.cells[name] for record in export.records], pa.string()) for name in meaning.columns()}
    )


def _listed(path: Path, mistakes: Mapping[str, Sequence[str]]) -> str:
    lines = [f"{origin}, {sentence}" for origin, sentences in mistakes.items() for sentence in sentences]
    shown = "" if len(lines) <= SHOWN else f", the first {SHOWN}"
    head = f"{path}: {len(lines)} mistakes in {len(mistakes)} rows{shown}"
    return "\n  ".join([f"{head} (--on-bad-sample skip leaves such rows out and lists them):", *lines[:SHOWN]])


def _with_skipped(report: LoadReport, export: Export) -> LoadReport:
    skipped = [f"{origin}, {'; '.join(sentences)}" for origin, sentences in export.mistakes.items()]
    return replace(report, rows=report.rows + len(skipped), bad_samples=(*skipped, *report.bad_samples))
