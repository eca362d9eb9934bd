"""The command `cma-bench`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import tyro

from benchmarks.commands.backbones import backbone, pretrain
from benchmarks.commands.data import data
from benchmarks.commands.experiments import run, suite, suites
from benchmarks.commands.filling import fill
from benchmarks.commands.finishing import card, finish
from benchmarks.commands.models import attention, models, predict
from benchmarks.commands.options import joined
from benchmarks.commands.picking import pick
from benchmarks.commands.results import compare, rank, tables
from benchmarks.commands.tuning import tune
from cma_clip import __version__
from cma_clip.places.urls import store_errors

COMMANDS: dict[str, Callable[..., Any]] = {
    "run": run,
    "suite": suite,
    "tune": tune,
    "pick": pick,
    "tables": tables,
    "rank": rank,
    "compare": compare,
    "models": models,
    "suites": suites,
    "data": data,
    "finish": finish,
    "card": card,
    "predict": predict,
    "fill": fill,
    "attention": attention,
    "pretrain": pretrain,
    "backbone": backbone,
}


ABOUT = """Find out which image-text classifier to use, and whether the photo, the title or both tell the answer.

On your own table: compare models on it, take the one that pays, fill the table's empty cells where it can be trusted.

Three examples:
    cma-bench suite --suite smoke
        every model on little embedded data, in minutes; results/smoke/report.html says how they did
    cma-bench suite --suite manifest --data manifest=products.csv --option labels=color,style
        every model on a table of yours with columns image, text, color and style
    cma-bench fill new.csv --model manifest --out filled.csv
        the best of them fills the empty cells of another

`cma-bench COMMAND --help` says more of a command, `cma-bench --version` which release this is.
"""

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""

BROKEN_PIPE = 141
"""128 + SIGPIPE."""


def main() -> None:
    """Entry point; an error that names what is wrong is printed alone, without a traceback."""
    if sys.argv[1:] == ["--version"]:
        print(f"cma-bench {__version__}")
        return
    try:
        tyro.extras.subcommand_cli_from_dict(
            COMMANDS,
            prog="cma-bench",
            description=ABOUT,
            args=joined(sys.argv[1:]),
            config=(tyro.conf.OmitArgPrefixes,),
        )
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes at its end
        raise SystemExit(BROKEN_PIPE) from None
    except Exception as error:
        # OSError is the system's: no such file, no rights, disk full.
        told: tuple[type[Exception], ...] = (ValueError, FloatingPointError, OSError, *store_errors())
        if not isinstance(error, told) or os.environ.get("CMA_BENCH_DEBUG"):
            raise
        raise SystemExit(f"cma-bench: {error}") from error
    except KeyboardInterrupt:
        print(
            "cma-bench: interrupted; finished results are kept, the same command goes on with the rest", file=sys.stderr
        )
        raise SystemExit(INTERRUPTED) from None
