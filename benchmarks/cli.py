"""cma-bench: parse, call, print. No logic, and nothing heavy is imported before a command needs it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from tyro.conf import OmitArgPrefixes, Positional, arg

from benchmarks.commands.data_cli import data
from benchmarks.commands.options import RESULTS, Here, Pairing, Pairs, Shown, Tuning, pairs

Names = Annotated[tuple[str, ...], arg(metavar="[NAME ...]")]
Folder = Annotated[tuple[Path, ...] | None, arg(metavar="[DIR]")]


def run(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    dataset: str,
    model: str,
    where: Here,
    seed: int = 0,
    protocol: str = "clean",
    option: Pairs = (),
    hparam: Pairs = (),
) -> None:
    """Run one experiment and print its metrics.

    Args:
        dataset: see `cma-bench data list`.
        model: see `cma-bench models`.
        where: folders and tracking.
        seed: drives the model, never the data.
        protocol: what the test split goes through: clean, plain, qmf-like, pdf-salt, missing-70, robustness ...
        option: options of the data set, e.g. train_rows=12000.
        hparam: hyper-parameters of the model, e.g. depth=3.
    """
    from benchmarks.commands.experiments import run_one

    experiment = {"dataset": dataset, "model": model, "seed": seed, "protocol": protocol}
    print(run_one({**experiment, "dataset_options": pairs(option), "hparams": pairs(hparam)}, where))


def suite(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    where: Here,
    suite: str = "default",
    models: Names = (),
    seeds: tuple[int, ...] = (),
    option: Pairs = (),
    hparam: Pairs = (),
    workers: int | None = None,
    tuned: Folder = None,
) -> None:
    """Run all missing experiments of a suite, then write its tables, figures and report.

    Args:
        where: folders and tracking.
        suite: see `cma-bench suites`.
        models: only these; all by default.
        seeds: instead of the suite's own.
        option: options of its data sets, e.g. train_rows=12000, or of one of them: abo.min_count=2.
        hparam: hyper-parameters that every network gets, e.g. max_epochs=3.
        workers: experiments at a time; one per core by default.
        tuned: use what `cma-bench tune` has chosen, from a folder, or from the suite's own or committed one.
    """
    from benchmarks.commands.experiments import run_suite
    from benchmarks.commands.tuning import with_tuned
    from benchmarks.suites import select

    chosen = select(suite, models, seeds, pairs(option), pairs(hparam))
    if tuned is not None:
        chosen, told = with_tuned(chosen, suite, next(iter(tuned), None), where)
        print(told)
    print(run_suite(chosen, suite, workers, where))


def tune(
    where: Here,
    tuning: Annotated[Tuning, OmitArgPrefixes],
    suite: str = "default",
    models: Names = (),
    option: Pairs = (),
    hparam: Pairs = (),
) -> None:
    """Tune every model of a suite on validation splits, all with the same budget; killed, it goes on where it was.

    Args:
        where: folders and tracking.
        tuning: budget, storage, workers.
        suite: see `cma-bench suites`.
        models: only these; all by default.
        option: options of its data sets, e.g. train_rows=12000, or of one of them: abo.min_count=2.
        hparam: hyper-parameters that every network has in every trial, e.g. max_epochs=3.
    """
    from benchmarks.commands.tuning import tune_suite
    from benchmarks.suites import select

    print(tune_suite(select(suite, models, (), pairs(option), pairs(hparam)), suite, tuning, where))


def tables(suite: Names = (), results: Path = RESULTS, check: bool = False, paper: bool = False) -> None:
    """Write the tables, figures and report of suites again from their records.

    Args:
        suite: folders below `results`, e.g. reference/default; `default` without any, all of them with --paper.
        results: where the suites are.
        check: write nothing; fail if a table on disk is not what the records say.
        paper: write tables 2, 3, 4 and 6 of the paper instead, ours beside the published numbers.
    """
    from benchmarks.commands.experiments import rebuild_tables
    from benchmarks.commands.results import write_paper_tables

    if paper:
        print(write_paper_tables(results, suite, check))
        return
    for name in suite or ("default",):
        print(rebuild_tables(results / name, check))


def rank(
    suite: Positional[Names],
    metric: str = "accuracy",
    unit: Literal["task", "dataset"] = "task",
    out: str = "ranking",
    results: Path = RESULTS,
) -> None:
    """Rank models over the data sets of several suites: average ranks and a critical-difference figure.

    Args:
        suite: folders below `results`, e.g. reference/default reference/fashion-products.
        metric: e.g. accuracy or macro_f1.
        unit: what one rank is over, a task of a data set or a data set by the mean over its tasks.
        out: the folder below `results` to write.
        results: where the suites are.
    """
    from benchmarks.commands.results import write_ranking

    print(write_ranking(results, suite, metric, unit, out))


def models(backbones: bool = False) -> None:
    """List models and their hyper-parameters with defaults.

    Args:
        backbones: list the backbones they can use instead, and why others cannot be used here.
    """
    from benchmarks.commands.experiments import list_backbones, list_models

    print(list_backbones() if backbones else list_models())


def suites() -> None:
    """List suites and the questions they answer."""
    from benchmarks.suites import SUITES

    for name, listed in SUITES.items():
        print(f"{name:20} {', '.join(listed.datasets)}; {len(listed.models)} models; {listed.question}")


def predict(model: Path, image: Path | None = None, text: str | None = None) -> None:
    """Classify one product with a saved model.

    Args:
        model: a folder runs/experiments/KEY/model.
        image: a photo.
        text: a title.
    """
    from benchmarks.commands.experiments import predict_one

    print(predict_one(model, image, text))


def attention(
    model: Positional[Path],
    shown: Annotated[Shown, OmitArgPrefixes],
    where: Here,
    out: Path = Path("attention.png"),
) -> None:
    """Draw where a saved model looks: attention from the most relevant word to the photo (the paper's figure 2).

    Args:
        model: a folder runs/experiments/KEY/model.
        shown: which examples.
        where: folders; --data NAME=DIR for data sets that are not embedded.
        out: the figure, .png or .svg.
    """
    from benchmarks.commands.results import draw_attention

    print(draw_attention(model, shown, pairs(shown.option), out, where))


def pretrain(where: Here, out: Path, pairing: Annotated[Pairing, OmitArgPrefixes], hparam: Pairs = ()) -> None:
    """Train a backbone contrastively on photos and titles of training splits; by default the tiny product CLIP.

    Args:
        where: folders; needs --data NAME=DIR for data sets that are not embedded.
        out: folder for the model, in open_clip's local-dir format.
        pairing: what is trained on, and from where.
        hparam: of the training, e.g. epochs=20 devices=2; see cma_clip.contrastive.module.ContrastiveConfig.
    """
    from benchmarks.commands.experiments import pretrain_clip

    print(pretrain_clip(pairing, pairs(pairing.option), pairs(hparam), out, where))


def backbone(
    where: Here,
    name: Positional[str] = "tiny-product-clip",
    dataset: str = "fashion-products",
    option: Pairs = (),
    out: Path | None = None,
) -> None:
    """Zero-shot accuracy and retrieval of a backbone on held-out products.

    Args:
        where: folders; needs --data NAME=DIR for data sets that are not embedded.
        name: a backbone id, see `cma-bench models --backbones`.
        dataset: its test split is scored.
        option: options of the data set.
        out: also write the numbers as JSON.
    """
    from benchmarks.commands.experiments import score_backbone

    print(score_backbone(name, dataset, pairs(option), out, where))


COMMANDS: dict[str, Callable[..., Any]] = {
    "run": run,
    "suite": suite,
    "tune": tune,
    "tables": tables,
    "rank": rank,
    "models": models,
    "suites": suites,
    "data": data,
    "predict": predict,
    "attention": attention,
    "pretrain": pretrain,
    "backbone": backbone,
}


def main() -> None:
    """Entry point; an error that names what is wrong is printed alone, without a traceback."""
    try:
        tyro.extras.subcommand_cli_from_dict(COMMANDS, prog="cma-bench", description=__doc__)
    except (ValueError, KeyError, FloatingPointError, FileNotFoundError) as error:
        if os.environ.get("CMA_BENCH_DEBUG"):
            raise
        # str(KeyError) would put the sentence into quotes; str(OSError) is the one that names the file.
        reason = error.args[0] if isinstance(error, KeyError) and error.args else error
        raise SystemExit(f"cma-bench: {reason}") from error
