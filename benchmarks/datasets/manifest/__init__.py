"""Your own data: a table with an image column, a text column and label columns, as people have it.

What files are read and how is said in `benchmarks.datasets.reading`. Image paths are seen from the table, or from the
folder that `images` names, and may not leave it. Missing words (empty, NA, null ...) are no image, no text, no label.
Rows with the same text, the same photo or the same group cell share a group, and no group crosses splits. Without a
split column, groups are split 70 / 10 / 20 % by a hash of their name, which is made of the content only.

Where unlike products share a text or a placeholder photo, or a split of your own separates such rows, `ties` lets
them go; then the condition `deduplicated` scores the test rows of which no training or validation row has the text or
the photo, and the report counts them.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.datasets.loading.build import TaskSpec, build_splits
from benchmarks.datasets.loading.rows import LeakError
from benchmarks.datasets.loading.splits import Card, DataError, Source, Splits
from benchmarks.datasets.manifest.columns import Table, images_folder, photo_notes
from benchmarks.datasets.manifest.command import command_line
from benchmarks.datasets.manifest.folder import PhotoFolder, files_below
from benchmarks.datasets.manifest.label_cells import refuse_lists
from benchmarks.datasets.manifest.options import TIES, ManifestOptions, Ties
from benchmarks.datasets.manifest.placement import SPLITS
from benchmarks.datasets.manifest.proposal import Column, Proposal, describe, propose
from benchmarks.datasets.reading import RawTable, read_table
from benchmarks.datasets.reading.values import clean_text, mark_missing, settle_labels
from benchmarks.names import UnknownName, choose
from cma_clip.version import Version

TABLES = (".csv", ".tsv", ".txt", ".gz", ".json", ".jsonl", ".parquet", ".arrow", ".xlsx")
"""Files of a folder that may hold rows."""

CARD = Card(
    title="Your own data",
    image="files named by a column, below the table's folder or the one given; or image bytes in Parquet",
    text="a column",
    labels="one column a task",
    splits="a column, or 70 / 10 / 20 % by a hash of the group (same text, photo or group cell)",
    source="yours",
    licence="yours",
    version=Version(2, "equal photos tie rows by content, not by name; classes of one training row are missing labels"),
)


def load(source: Source, options: ManifestOptions) -> Splits:
    """Read the table at `source.root`: a file, a folder or a glob.

    Raises:
        DataError: names the file, the row, the value and the valid choices.
    """
    path = source.root
    if path is None:
        raise DataError("manifest needs a table: --data manifest=FILE, a folder or a quoted glob of files")
    if not options.labels:
        raise DataError(_without_labels(path, options))
    return build("manifest", CARD, _content(path), lambda: _read(path, options, source), options, source)


def build(
    name: str, card: Card, content: str, read: Callable[[], Table], options: ManifestOptions, source: Source
) -> Splits:
    """The splits of a table; `content` is a hash of its files, and it is read only if that is not known.

    Raises:
        DataError: names the file, the row, the value and the valid choices.
    """
    table = cache(read)  # photos are looked at before the tables of an earlier call are used
    hashed = hashlib.sha256(f"{content} {options.model_dump_json()}".encode())
    if options.image is not None and (photos := table().photos) is not None:
        hashed.update("".join(photos.facts()).encode())
    try:
        return build_splits(
            name=name,
            card=card,
            key=hashed.hexdigest(),
            rows=lambda: table().samples(),
            tasks=[TaskSpec(label, None, options.min_count, options.prompts) for label in options.labels],
            source=source,
            notes=lambda: (*table().notes, *photo_notes(table().photos, options)),
        )
    except LeakError as error:
        if not options.ties:  # then it is the group column, which the user gave
            raise
        loose = "--option 'ties=[]' lets rows share text and photo, and scores the others as `deduplicated`"
        raise DataError(f"{error} ({loose})") from error


def _content(path: Path) -> str:
    """Hash of a file's bytes; of a folder or glob, the names, sizes and times of its tables."""
    hashed = hashlib.sha256(str(path.absolute()).encode())
    if path.is_file():
        with path.open("rb") as file:
            hashed.update(hashlib.file_digest(file, "sha256").digest())
        return hashed.hexdigest()
    files = (path / name for name in files_below(str(path))) if path.is_dir() else sorted(path.parent.glob(path.name))
    for file_ in files:
        if file_.suffix.lower() in TABLES:
            found = file_.stat()
            hashed.update(f"{file_} {found.st_size} {found.st_mtime_ns}\n".encode())
    return hashed.hexdigest()


def _read(path: Path, options: ManifestOptions, source: Source) -> Table:
    wanted = options.columns()
    raw = read_table(path, options.reading())
    names = raw.columns.column_names
    for column, option in wanted.items():
        try:
            choose(column, names, "column")
        except UnknownName as error:
            raise DataError(f"{path}: option {option}: {error} ({raw.notes[0]})") from error
    columns, notes = _settled(
        replace(raw, columns=raw.columns.select([name for name in names if name in wanted])), options
    )
    notes += _unused(names, options)
    on_bad_sample = None if source.look_only else source.on_bad_sample
    return Table(raw.folder, columns, raw.origins, options, on_bad_sample, (*raw.notes, *notes))


def _unused(names: Sequence[str], options: ManifestOptions) -> list[str]:
    """A column that is called as an option and means nothing unless that option names it."""
    found = [(name, name.strip().casefold()) for name in names if name not in options.columns()]
    return [
        f"Column {name!r} is not used for the splits: --option {option}={name} uses it."
        for name, option in found
        if option in {"split", "group"} and getattr(options, option) is None
    ]


def _settled(raw: RawTable, options: ManifestOptions) -> tuple[pa.Table, list[str]]:
    """The columns with null where a value is missing; (columns, sentences about values)."""
    columns: dict[str, Any] = {}
    notes: list[str] = []
    missing: dict[str, Mapping[str, int]] = {}
    for name in raw.columns.column_names:
        column = raw.columns[name]
        if name in options.labels:
            settled = settle_labels(
                column, options.missing, decimal_comma=raw.decimal_comma, fold_case=options.fold_case
            )
            if options.list_cells == "error":
                refuse_lists(name, settled.values, raw.origins)
        elif pa.types.is_string(column.type):
            settled = mark_missing(column, () if name == options.id else options.missing)
        else:
            columns[name] = column
            continue
        columns[name], missing[name] = settled.values, settled.missing
        if name == options.text and options.text_cleaning == "html":
            columns[name], changed = clean_text(settled.values)
            if changed:
                notes.append(f"HTML was taken out of {changed:,} texts (text_cleaning=none keeps it).")
        notes += [f"Column {name!r}: {note}." for note in settled.notes]
    words = {name: ", ".join(f"{w!r} {n:,}" for w, n in counts.items() if w) for name, counts in missing.items()}
    notes += [f"Taken as missing in column {name!r}: {said}." for name, said in words.items() if said]
    return pa.table(columns), notes


def look(path: Path, options: ManifestOptions) -> tuple[RawTable, tuple[Column, ...], Proposal]:
    """(The table as it is written, what its columns hold, options for it); `options` may lack the labels.

    Raises:
        DataError: the file cannot be read.
    """
    raw = read_table(path, options.reading())
    columns = describe(raw, options.missing)
    return raw, columns, propose(raw, columns, options, images_folder(options.images, raw.folder))


def _without_labels(path: Path, options: ManifestOptions) -> str:
    _, columns, proposal = look(path, options)
    return (
        f"manifest: option labels is missing: which columns are to be predicted? {path} has the columns "
        f"{', '.join(column.name for column in columns)}; proposed: {command_line(path, proposal.options)}; "
        f"`{shlex.join(['cma-bench', 'data', 'show', 'manifest', '--data', f'manifest={path}'])}` says more"
    )


__all__ = ["SPLITS", "TIES", "ManifestOptions", "PhotoFolder", "Table", "Ties", "build", "command_line", "load", "look"]
