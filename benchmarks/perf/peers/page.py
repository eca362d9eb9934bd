"""results/performance/README.md from what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from pydantic import BaseModel

from benchmarks.perf.peers.measuring import Contestant, Measured
from benchmarks.reporting.table import MISSING, Cell, Table, to_markdown

NAMES: dict[Contestant, str] = {"ours": "ours", "padded": "plain, 77 tokens", "trimmed": "plain, equal length"}
PLAIN: tuple[Contestant, ...] = ("padded", "trimmed")

PAGE = """# How fast a training is, beside the same network written plainly

How long large jobs would take on many GPUs is estimated in [scaling.md](scaling.md).

Made by `nox -s perf -- -k peer`, which writes this page and `peers.json`, on {date}: {cpu}, one thread, single
precision, torch {torch}, transformers {transformers}, open_clip {open_clip}. In the same run a product of two square
matrices, side {size}, reached {gemm} GFLOP/s (median and range of {turns} turns): the GEMM peak below.

The plain loop is `benchmarks/perf/peers/plain.py`: `transformers`' CLIPModel with its defaults, CMA-CLIP's fusion on
top, AdamW, one loop. Its network is ours, weight for weight (`tests/benchmarks/perf/test_peers.py`). It reads texts
padded to 77 tokens, as is the habit, or cut to the longest of its batch, and runs frozen towers again in every step.
All read the same products of the generated catalogue in batches of the same size, validate after every epoch, and
start with photos and texts prepared; no feature is cached before the start. Weights are random, so nothing is
fetched. "ViT-B-32" is B/32 with a text tower of 12 layers, 512 wide; "tiny" reads photos of 64 px in patches of 16, 6
layers for photos and 4 for texts, 192 wide.

Contestants take turns in {rounds} rounds. Time is that of the processor, which other programs slow down less than the
clock on the wall. A factor is the median over the rounds, with its range; above 1 ours is faster.

{factors}
{speeds}"""


class Measurements(BaseModel):
    """All cases of one run, and `environment` as in a record, with the version of transformers."""

    environment: dict[str, Any]
    transformers: str
    gemm_size: int
    cases: list[Measured]


def page(measurements: Measurements) -> str:
    """The whole page, in Markdown."""
    environment, cases = measurements.environment, measurements.cases
    peaks = [peak for case in cases for peak in case.gemm]
    return PAGE.format(
        date=environment["timestamp"][:10],
        cpu=environment["cpu"],
        torch=environment["libraries"]["torch"],
        open_clip=environment["libraries"]["open_clip_torch"],
        transformers=measurements.transformers,
        size=measurements.gemm_size,
        gemm=ranged([peak / 1e9 for peak in peaks], "{:.0f}"),
        turns=len(peaks),
        rounds=len(cases[0].gemm),
        factors=to_markdown(factors(cases)),
        speeds=to_markdown(speeds(cases, median(peaks))),
    )


def factors(cases: Sequence[Measured]) -> Table:
    """How many times as fast ours is, over all epochs, in the first, and in the later ones, with the goals."""
    rows = [
        factor_row(case, contestant, first, last)
        for case in cases
        for first, last in dict.fromkeys([(1, case.epochs), (1, 1), (min(2, case.epochs), case.epochs)])
        for contestant in PLAIN
    ]
    header = ("training", "shape", "epochs", "beside", "times as fast", "goal", "met")
    return Table("How many times as fast ours is", header, tuple(rows), labels=4)


def factor_row(case: Measured, contestant: Contestant, first: int, last: int) -> tuple[Cell, ...]:
    """The factor over some epochs; goals are for all of them together."""
    plain, ours = ([seconds(ends, first, last) for ends in case.timings[name].rounds] for name in (contestant, "ours"))
    found = [slow / fast for slow, fast in zip(plain, ours, strict=True)]
    goal = case.goals.get(contestant) if (first, last) == (1, case.epochs) else None
    verdict = MISSING if goal is None else "yes" if median(found) >= goal else "no"
    wanted = MISSING if goal is None else f"{goal:g}"
    epochs = str(first) if first == last else f"{first} to {last}"
    words = (case.name, case.shape, epochs, NAMES[contestant], ranged(found, "{:.2f}"), wanted, verdict)
    return tuple(map(Cell, words))


def seconds(ends: Sequence[float], first: int, last: int) -> float:
    """From the end of the epoch before `first` to that of `last`; epochs count from 1."""
    return ends[last - 1] - (ends[first - 2] if first > 1 else 0.0)


def speeds(cases: Sequence[Measured], peak: float) -> Table:
    """Samples a second over all epochs, the work of one sample, and the share of the peak that it makes."""
    rows = []
    for case in cases:
        for contestant, timing in case.timings.items():
            rates = [case.samples / seconds[-1] for seconds in timing.rounds]
            work = timing.flops / case.samples
            words = (case.name, case.shape, str(case.epochs), NAMES[contestant], ranged(rates, "{:.1f}"))
            rows.append(tuple(map(Cell, (*words, f"{work / 1e9:.2f}", f"{median(rates) * work / peak:.0%}"))))
    header = ("training", "shape", "epochs", "who", "samples/s", "GFLOP a sample", "of the GEMM peak")
    notes = (
        "GFLOP a sample: matrix products, convolutions and attention of training and validation, counted by torch's "
        "FlopCounterMode and divided by the training samples. What is cached and not computed again is not in it: "
        "there a low share of the peak is not a slow training.",
    )
    return Table("Samples a second, and the share of the machine that they use", header, tuple(rows), notes, labels=4)


def ranged(values: Sequence[float], form: str) -> str:
    """Median, and from the least to the greatest."""
    middle, least, greatest = (form.format(value) for value in (median(values), min(values), max(values)))
    return f"{middle} ({least} to {greatest})"
