"""Excel as the source has it: the same workbook with its other sheets and formats, cells filled, columns appended."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading.table import BLANKS
from benchmarks.filling.writing.changes import Changes, Source, merged

ROWS = 1_048_576
LETTERS = 32_767
"""What a sheet and a cell can hold."""


def check(source: Source, changes: Changes, target: Path) -> None:
    """Refuse more rows than a sheet has.

    Raises:
        DataError: names the limit.
    """
    if source.raw.columns.num_rows >= ROWS:
        raise DataError(
            f"{target}: a sheet has {ROWS:,} rows, the table {source.raw.columns.num_rows:,}; "
            "let --out end in .csv or .parquet"
        )


def copy(source: Source, changes: Changes, target: Path) -> None:
    """The source's own workbook, its sheet with cells filled and columns appended."""
    import openpyxl

    file = source.file
    assert file is not None
    book = openpyxl.load_workbook(file, keep_vba=file.suffix.lower() == ".xlsm")
    sheet = book[source.options.sheet] if source.options.sheet else book.worksheets[0]
    filled_cells = [cell for row in sheet.iter_rows() for cell in row if _content(cell.value)]
    header = min(cell.row for cell in filled_cells)
    width = max(cell.column for cell in filled_cells)
    first = [_content(cell.value) for cell in next(sheet.iter_rows(header, header, 1, width))]
    named = source.options.header is not False
    names = [(name if named else "") or f"column_{n}" for n, name in enumerate(first, start=1)]
    if named:
        for place, name in enumerate(changes.added.names, start=width + 1):
            sheet.cell(header, place).value = name
    for number, (fills, added) in zip(source.raw.origins.numbers.tolist(), changes.rows(), strict=True):
        for name, fill in zip(changes.filled, fills, strict=True):
            if fill is not None:
                sheet.cell(number, names.index(name) + 1).value = fill
        for place, value in enumerate(added, start=width + 1):
            sheet.cell(number, place).value = value
    _save(book, target)


def _content(value: object) -> str:
    return "" if value is None else str(value).strip(BLANKS)


def write(source: Source, changes: Changes, target: Path) -> None:
    """A new workbook of one sheet with the cells as they were read.

    Raises:
        DataError: a cell that Excel cannot hold; names it.
    """
    import openpyxl
    from openpyxl.utils.exceptions import IllegalCharacterError

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("filled")
    names = [*source.raw.columns.column_names, *changes.added.names]
    sheet.append(names)
    for number, row in enumerate(row for table in merged(source, changes) for row in table.to_pylist()):
        try:
            sheet.append([_held(book, sheet, row[name]) for name in names])
        except (IllegalCharacterError, ValueError) as error:
            raise DataError(
                f"{source.raw.origins[number]}: a cell that Excel cannot hold: {error}; "
                "let --out end in .csv or .parquet"
            ) from error
    _save(book, target)


def _held(book: Any, sheet: Any, value: str | float | None) -> Any:  # noqa: ANN401 - openpyxl has no types
    """Text stays text, also where it begins with `=`."""
    if not isinstance(value, str):
        return value
    if len(value) > LETTERS:
        raise ValueError(f"{len(value):,} letters, the limit is {LETTERS:,}")
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value)
    cell.data_type = "s"
    return cell


def _save(book: Any, target: Path) -> None:  # noqa: ANN401 - openpyxl has no types
    """Without the time of writing, so that equal workbooks are equal bytes."""
    written = io.BytesIO()
    book.save(written)
    with zipfile.ZipFile(written) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:(?:modified|created)[^>]*>)[^<]*<", rb"\g<1>2000-01-01T00:00:00Z<", data)
            new.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
