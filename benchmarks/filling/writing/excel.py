"""Excel as the source has it: the same workbook with its other sheets and formats, cells filled, columns appended."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading.table import BLANKS
from benchmarks.filling.writing.changes import Changes, Source, literal, merged

ROWS = 1_048_576
LETTERS = 32_767
"""What a sheet and a cell can hold."""
UNHELD = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"
"""Characters that no cell can hold."""


def check(source: Source, changes: Changes, target: Path) -> None:
    """Refuse what a sheet cannot hold, and cells to fill that are not simply empty.

    Raises:
        DataError: names the limit, or the cell and the way out.
    """
    if source.raw.columns.num_rows >= ROWS:
        raise DataError(
            f"{target}: a sheet has {ROWS:,} rows, the table {source.raw.columns.num_rows:,}; "
            "let --out end in .csv or .parquet"
        )
    file = source.file
    alike = file is not None and file.suffix.lower() == target.suffix.lower()
    if target.suffix.lower() == ".xlsm" and not alike:
        raise DataError(f"--out {target}: the table has no macros that .xlsm is for; let it end in .xlsx")
    if file is not None and alike:
        _check_cells(_Sheet.of(source, file), source, changes, file)
    else:
        _check_texts(source)
    classes = pa.array([text for texts in changes.filled.values() for text in texts], pa.string())
    wrong = pc.index(pc.match_substring_regex(classes, UNHELD), value=True).as_py()
    if wrong >= 0:
        raise DataError(
            f"{target}: Excel cannot hold the class {classes[wrong].as_py()!r}; let --out end in .csv or .parquet"
        )


def _check_texts(source: Source) -> None:
    for name, column in zip(source.raw.columns.column_names, source.raw.columns.columns, strict=True):
        for kind, found in (
            (f"has more than {LETTERS:,} letters", pc.greater(pc.utf8_length(column), LETTERS)),
            ("has a control character", pc.match_substring_regex(column, UNHELD)),
        ):
            row = pc.index(found, value=True).as_py()
            if row >= 0:
                raise DataError(
                    f"{source.raw.origins[row]}: Excel cannot hold column {name!r}, which {kind}; "
                    "let --out end in .csv or .parquet"
                )


def _check_cells(sheet: _Sheet, source: Source, changes: Changes, file: Path) -> None:
    for name in changes.filled:
        place = sheet.names.index(name) + 1
        for area in sheet.sheet.merged_cells.ranges:
            if area.min_col <= place <= area.max_col and area.max_row > max(area.min_row, sheet.header):
                raise DataError(
                    f"{file}: cells {area.coord} of column {name!r} are merged; split them in the file first"
                )
        values = source.raw.columns[name].to_pylist()
        for number, value in zip(source.raw.origins.numbers.tolist(), values, strict=True):
            if not value and sheet.sheet.cell(number, place).data_type == "f":
                raise DataError(
                    f"{file}, row {number}: {name!r} is a formula without a value; open the file in a spreadsheet and "
                    "save it, or put values in the place of formulas"
                )


@dataclass(frozen=True)
class _Sheet:
    """The sheet that a table was read from.

    Attributes:
        header: number of its first row with content.
        width: columns that are in use.
        names: of these columns, as the table calls them.
    """

    book: Any
    sheet: Any
    header: int
    width: int
    names: list[str]

    @classmethod
    def of(cls, source: Source, file: Path) -> _Sheet:
        """From the file."""
        import openpyxl

        book = openpyxl.load_workbook(file, keep_vba=file.suffix.lower() == ".xlsm")
        sheet = book[source.options.sheet] if source.options.sheet else book.worksheets[0]
        filled_cells = [cell for row in sheet.iter_rows() for cell in row if _content(cell.value)]
        header = min(cell.row for cell in filled_cells)
        width = max(cell.column for cell in filled_cells)
        first = [_content(cell.value) for cell in next(sheet.iter_rows(header, header, 1, width))]
        named = source.options.header is not False
        names = [(name if named else "") or f"column_{n}" for n, name in enumerate(first, start=1)]
        return cls(book, sheet, header, max([width, *(m.max_col for m in sheet.merged_cells.ranges)]), names)

    def holds_numbers(self, name: str) -> bool:
        """Whether the first value below the header is a number or a truth value: answers are written as such."""
        place = self.names.index(name) + 1
        cells = self.sheet.iter_rows(self.header + 1, None, place, place, values_only=True)
        return isinstance(next((value for (value,) in cells if _content(value)), None), int | float)

    def put(self, row: int, column: int, value: str | float | None) -> None:
        """Fill a cell; text stays text, also where it begins with `=`, and what Excel cannot hold is escaped."""
        cell = self.sheet.cell(row, column)
        if isinstance(value, str):
            cell.value = _escaped(value)
            cell.data_type = "s"
        else:
            cell.value = value


def copy(source: Source, changes: Changes, target: Path) -> None:
    """The source's own workbook, its sheet with cells filled and columns appended."""
    file = source.file
    assert file is not None
    sheet = _Sheet.of(source, file)
    if source.options.header is not False:
        for place, name in enumerate(changes.added.names, start=sheet.width + 1):
            sheet.put(sheet.header, place, name)
    places = [(sheet.names.index(name) + 1, sheet.holds_numbers(name)) for name in changes.filled]
    for number, (fills, added) in zip(source.raw.origins.numbers.tolist(), changes.rows(), strict=True):
        for (place, as_number), fill in zip(places, fills, strict=True):
            if fill is not None:
                sheet.put(number, place, literal(fill) if as_number else fill)
        for place, value in enumerate(added, start=sheet.width + 1):
            if value is not None:
                sheet.put(number, place, value)
    _save(sheet.book, target)


def _content(value: object) -> str:
    return "" if value is None else str(value).strip(BLANKS)


def write(source: Source, changes: Changes, target: Path) -> None:
    """A new workbook of one sheet with the cells as they were read."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("filled")
    names = [*source.raw.columns.column_names, *changes.added.names]
    sheet.append([_held(sheet, name) for name in names])
    for table in merged(source, changes):
        for row in table.to_pylist():
            sheet.append([_held(sheet, row[name]) for name in names])
    _save(book, target)


def _held(sheet: Any, value: str | float | None) -> Any:  # noqa: ANN401 - openpyxl has no types
    """Text stays text, also where it begins with `=`."""
    if not isinstance(value, str):
        return value
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, _escaped(value))
    cell.data_type = "s"
    return cell


def _escaped(text: str) -> str:
    r"""Characters that a sheet cannot hold as \x escapes; of messages, since cells and classes are checked."""
    return re.sub(UNHELD, lambda match: f"\\x{ord(match[0]):02x}", text)


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
