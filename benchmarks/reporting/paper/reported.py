"""The numbers that the paper prints, as facts on disk."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

REPORTED = Path(__file__).parents[3] / "results" / "reported.json"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReportedRow(_Frozen):
    """One printed row.

    Attributes:
        method: as the paper calls it.
        values: in per cent, one per column of its table, as printed.
        training_data: where the table says it.
        classes: how many classes the number is over, where rows of a table differ in it.
    """

    method: str
    values: tuple[float, ...]
    training_data: str | None = None
    classes: int | None = None


class ReportedTable(_Frozen):
    """One printed table; `metric` names the nearest one of this project."""

    caption: str
    dataset: str
    metric: str
    columns: tuple[str, ...]
    rows: tuple[ReportedRow, ...]
    footnote: str | None = None


class Reported(_Frozen):
    """Everything known of the paper's results; tables by name, `table_2` ..."""

    source: str
    tables: dict[str, ReportedTable]
    figures: dict[str, str]
    not_in_available_sources: tuple[str, ...]


def load_reported(path: Path = REPORTED) -> Reported:
    """The published numbers.

    Raises:
        ValueError: the file is not of this form; names the first thing that is wrong.
    """
    try:
        return Reported.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"{path} holds no published numbers: {where}: {first['msg']}") from error
