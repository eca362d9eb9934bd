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
import json
import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import pyarrow as pa

from benchmarks.datasets.loading.build import TaskSpec, build_splits
from benchmarks.datasets.loading.rows import LeakError
from benchmarks.datasets.loading.splits import Card, DataError, Source, Splits
from benchmarks.datasets.manifest.cells import Column, describe, settle
from benchmarks.datasets.manifest.columns import Table, images_folder, photo_notes
from benchmarks.datasets.manifest.command import command_line
from benchmarks.datasets.manifest.folder import PhotoFolder, files_below
from benchmarks.datasets.manifest.options import TIES, ManifestOptions, Ties
from benchmarks.datasets.manifest.photos import facts_of
from benchmarks.datasets.manifest.placement import SPLITS
from benchmarks.datasets.manifest.proposal import Proposal, propose
from benchmarks.datasets.reading import RawTable, read_table
from benchmarks.names import UnknownName, choose
from benchmarks.records.store import write_text
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
    photos_may_be_copied=True,
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
    table = cache(lambda: _read(path, options, source))
    key = f"{content(path)} {options.model_dump_json()}"
    return build("manifest", CARD, key + _photo_facts(key, table, options, source), table, options, source)


def build(
    name: str, card: Card, key: str, read: Callable[[], Table], options: ManifestOptions, source: Source
) -> Splits:
    """The splits of a table; it is read only if no splits of the same `key` are kept.

    Args:
        name: of the data set.
        card: of the data set.
        key: says all that the splits depend on: the table's content, the options, the photos.
        read: the table; asked for more than once.
        options: what its columns mean.
        source: where tables are kept, and what is done with bad samples.

    Raises:
        DataError: names the file, the row, the value and the valid choices.
    """
    try:
        return build_splits(
            name=name,
            card=card,
            key=hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest(),
            rows=lambda: read().samples(),
            tasks=[TaskSpec(label, None, options.min_count, options.prompts) for label in options.labels],
            source=source,
            notes=lambda: (*read().notes, *photo_notes(read().photos, options)),
        )
    except LeakError as error:
        if not options.ties:  # then it is the group column, which the user gave
            raise
        loose = "--option 'ties=[]' lets rows share text and photo, and scores the others as `deduplicated`"
        raise DataError(f"{error} ({loose})") from error


def _photo_facts(key: str, table: Callable[[], Table], options: ManifestOptions, source: Source) -> str:
    """What is known of the photos without opening them.

    Their names are kept by the table's key, for reading a large table takes seconds; which files they mean is found out
    anew every time. The table is read again if a name is to be refused, for the error that says where it stands.
    """
    if options.image is None:
        return ""
    kept = source.cache / "photo-names" / f"{hashlib.sha256(key.encode()).hexdigest()}.json"
    if kept.is_file():
        folder, names = json.loads(kept.read_text(encoding="utf-8"))
        with suppress(ValueError):
            return facts_of(names, PhotoFolder(images_folder(options.images, Path(folder)), Path(folder)))
    photos = table().photos
    names = [] if photos is None else photos.names
    write_text(kept, json.dumps([str(table().folder.absolute()), names]))
    return "" if photos is None else photos.facts()


def content(path: Path) -> str:
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
        if not option.startswith("image") and not pa.types.is_string(raw.columns[column].type):
            raise DataError(f"{path}: option {option}: column {column!r} holds images as bytes; only image may name it")
    columns, notes = settle(
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


def look(path: Path, options: ManifestOptions) -> tuple[RawTable, tuple[Column, ...], Proposal]:
    """(The table as it is written, what its columns hold, options for it); `options` may lack the labels.

    Raises:
        DataError: the file cannot be read.
    """
    raw = read_table(path, options.reading())
    columns = describe(raw, options)
    return raw, columns, propose(raw, columns, options, images_folder(options.images, raw.folder))


def _without_labels(path: Path, options: ManifestOptions) -> str:
    _, columns, proposal = look(path, options)
    return (
        f"manifest: option labels is missing: which columns are to be predicted? {path} has the columns "
        f"{', '.join(column.name for column in columns)}; proposed: {proposal.command(path)}; "
        f"`{shlex.join(['cma-bench', 'data', 'show', 'manifest', '--data', f'manifest={path}'])}` says more"
    )


__all__ = [
    "SPLITS",
    "TIES",
    "ManifestOptions",
    "PhotoFolder",
    "Table",
    "Ties",
    "build",
    "command_line",
    "content",
    "load",
    "look",
]
