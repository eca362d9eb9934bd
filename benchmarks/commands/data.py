"""`cma-bench data list`, `show`, `make-twin` and `check`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg, subcommand

from benchmarks.commands.options import CommonOptions, Pairs, pairs
from benchmarks.commands.own_data import first_look
from benchmarks.processes import quiet


def _list() -> None:
    """List the data sets with their options."""
    from benchmarks.datasets import DATASETS

    for name, dataset in DATASETS.items():
        place = f"needs --data {name}=DIR" if dataset.needs_root else dataset.otherwise
        options = ", ".join(
            f"{option} (required)"
            if info.is_required()
            else f"{option}={info.get_default(call_default_factory=True)!r}"
            for option, info in dataset.options.model_fields.items()
        )
        print(f"{name}: {dataset.card.title}; {place}\n    {options}")


def _show(common: CommonOptions, name: Positional[str] = "catalog", option: Pairs = ()) -> None:
    """Load a data set and show its card, splits, classes and what was left out.

    Of a table of your own (`manifest`) without the option labels, show the columns and propose a command.

    Args:
        common: folders.
        name: a data set.
        option: options of the data set.
    """
    options = pairs(option)
    print(
        first_look(options, common)
        if name == "manifest" and not options.get("labels")
        else show_data(name, options, common)
    )


def show_data(name: str, options: Mapping[str, Any], common: CommonOptions) -> str:
    """Load a data set; returns its card, sizes, classes and what was left out."""
    from benchmarks import datasets

    splits = datasets.load(name, common.source(name), options)
    lines = [f"{key}: {value}" for key, value in asdict(splits.card).items() if value]
    lines += [f"{part}: {len(examples)} examples" for part, examples in splits.parts().items()]
    for task in splits.tasks:
        names = ", ".join(_listed(name) for name in task.classes)
        lines.append(f"task {task.name}: {len(task.classes)} classes: {names}")
    report = splits.report
    found = f"{report.rows}" if report.products is None else f"{report.rows} views of {report.products} products"
    lines += [f"fingerprint: {splits.fingerprint}", f"rows found: {found}", *report.notes]
    for column, dropped in report.dropped_classes.items():
        names = ", ".join(f"{_listed(name)} ({count:,})" for name, count in dropped.items())
        lines.append(
            f"{column}: {sum(dropped.values()):,} labels of {len(dropped):,} rare classes are missing: {names}"
        )
    lines += [f"skipped: {reason}" for reason in report.bad_samples]
    lines += [f"kept without its photo: {reason}" for reason in report.blanked]
    return "\n".join(lines)


def _listed(name: str) -> str:
    """A class name as it stands in a list: in quotes if it could be taken for several, or for none."""
    plain = bool(name) and name == name.strip() and not set(",\"'\n") & set(name)
    return name if plain else json.dumps(name, ensure_ascii=False)


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
    from benchmarks import twins

    twins.make_twin(name, folder, rows, seed, with_quirks)
    skip = " --on-bad-sample skip" if with_quirks else ""
    print(f"{folder} holds a twin of {name}; use it with --data {name}={folder}{skip}")


@dataclass(frozen=True)
class CheckOptions:
    """How a data set is looked at, and where the report goes beside the terminal.

    Attributes:
        backbone: whose tokeniser, image size and embeddings are used; see `cma-bench models --backbones`.
        json: a file for the findings.
        html: a file for a page with thumbnails.
        strict: exit with 1 at warnings, too.
    """

    backbone: str = "tiny-product-clip"
    json: Path | None = None
    html: Path | None = None
    strict: bool = False


def _check(
    name: Positional[str],
    common: CommonOptions,
    checks: CheckOptions,
    folder: Positional[Path | None] = None,
    option: Pairs = (),
) -> None:
    """Look at every row and image: what is missing, corrupt, repeated, leaking, lopsided, cut, suspicious.

    Exits with 1 if there are errors, with --strict also if there are warnings.

    Args:
        name: a data set.
        common: folders.
        checks: what is looked with, and where the report goes.
        folder: where it is; not needed for embedded data sets, or with --data NAME=DIR.
        option: options of the data set.
    """
    from benchmarks.datasets import check_names

    options = pairs(option)
    check_names(name, options)
    source = common.source(name)
    from benchmarks.data_checks import check
    from benchmarks.data_checks.page import to_html, to_json, to_text
    from benchmarks.records.store import write_text

    quiet()
    findings = check(name, source if folder is None else replace(source, root=folder), options, checks.backbone)
    if checks.json is not None:
        write_text(checks.json, to_json(findings))
    if checks.html is not None:
        write_text(checks.html, to_html(findings))
    print(to_text(findings))
    if findings.failed(checks.strict):
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
