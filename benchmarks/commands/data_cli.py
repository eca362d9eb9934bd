"""cma-bench data: parse, call, print, as in `cli`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tyro.conf import OmitArgPrefixes, Positional, arg, subcommand

from benchmarks.commands.options import Checkup, Here, Pairs, pairs


def _list() -> None:
    """List the data sets with their options."""
    from benchmarks.commands.experiments import list_data

    print(list_data())


def _show(where: Here, name: Positional[str] = "catalog", option: Pairs = ()) -> None:
    """Load a data set and show its card, splits, classes and what was left out.

    Args:
        where: folders.
        name: a data set.
        option: options of the data set.
    """
    from benchmarks.commands.experiments import show_data

    print(show_data(name, pairs(option), where))


def _make_twin(
    name: Positional[str], folder: Positional[Path], rows: int = 300, seed: int = 0, with_quirks: bool = False
) -> None:
    """Write a procedural copy of a data set in its official layout.

    Args:
        name: fashion-products, food101, fashion-gen, abo or mrwpa.
        folder: a new folder.
        rows: products, pages or listings.
        seed: another seed, another twin.
        with_quirks: with the flaws of the original.
    """
    from benchmarks.commands.data import make_twin

    print(make_twin(name, folder, rows, seed, with_quirks))


def _check(
    name: Positional[str],
    where: Here,
    checkup: Annotated[Checkup, OmitArgPrefixes],
    folder: Positional[Path | None] = None,
    option: Pairs = (),
) -> None:
    """Look at every row and image: what is missing, corrupt, repeated, leaking, lopsided, cut, suspicious.

    Exits with 1 if there are errors, with --strict also if there are warnings.

    Args:
        name: a data set.
        where: folders.
        checkup: what is looked with, and where the report goes.
        folder: where it is; not needed for embedded data sets, or with --data NAME=DIR.
        option: options of the data set.
    """
    from benchmarks.commands.data import check_data

    checked = check_data(name, folder, pairs(option), checkup, where)
    print(checked.text)
    if checked.failed:
        raise SystemExit(1)


def data(
    command: Annotated[
        Annotated[None, subcommand("list", constructor=_list)]
        | Annotated[None, subcommand("show", constructor=_show)]
        | Annotated[None, subcommand("make-twin", constructor=_make_twin)]
        | Annotated[None, subcommand("check", constructor=_check)],
        arg(name=""),
    ],
) -> None:
    """List, show or check data sets, or write the twin of one."""
