"""Excel sheets to columns, by calamine: a tenth of openpyxl's time, no dependencies, and .xls and .ods as well."""

from __future__ import annotations

from datetime import date, datetime
from functools import reduce
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading.table import Origins, RawTable, ReadOptions, blank_rows, named_columns, strip
from benchmarks.names import UnknownName, choose


def read_excel(path: Path, options: ReadOptions) -> RawTable:
    """The rows of one sheet, the first if none is named; empty rows are left out.

    Raises:
        DataError: it cannot be read, has no such sheet, or no header.
    """
    import python_calamine

    try:
        book = python_calamine.CalamineWorkbook.from_path(path)
        name = choose(options.sheet, book.sheet_names, "sheet") if options.sheet else book.sheet_names[0]
        cells = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except UnknownName as error:
        raise DataError(f"{path}: {error.args[0]}") from error
    except (python_calamine.CalamineError, OSError, IndexError) as error:
        raise DataError(f"{path}: cannot be read as a spreadsheet: {error}; save it as .xlsx or CSV") from error
    if not cells:
        raise DataError(f"{path}: sheet {name!r} is empty; other sheets: {', '.join(book.sheet_names)}")
    columns_ = [strip(pa.array([_text(cell) for cell in column], pa.string())) for column in zip(*cells, strict=True)]
    filled = reduce(pc.or_, [pc.not_equal(column, "") for column in columns_])
    numbers = np.flatnonzero(filled.to_numpy(zero_copy_only=False)) + 1
    rows = pa.table(columns_, [str(n) for n in range(len(columns_))]).filter(filled)
    if not len(numbers):
        raise DataError(f"{path}: sheet {name!r} is empty; other sheets: {', '.join(book.sheet_names)}")
    table, header, notes = named_columns(rows, f"{path}, row {numbers[0]}", options.header)
    notes += blank_rows(len(filled) - len(numbers))
    others = [sheet for sheet in book.sheet_names if sheet != name]
    more = f"; not read: sheet {', '.join(map(repr, others))} (sheet=NAME)" if others else ""
    return RawTable(
        table,
        Origins.of_file(path.name, numbers[header:].astype(np.int64)),
        path.parent,
        (
            f"{path.name}: Excel, sheet {name!r}, {table.num_rows:,} rows{more}",
            *(f"{path.name}: {note}" for note in notes),
        ),
    )


def _text(cell: object) -> str:
    """As the sheet shows it: whole numbers without .0, days without a time."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(" ").removesuffix(" 00:00:00")
    return cell.isoformat() if isinstance(cell, date) else str(cell)
