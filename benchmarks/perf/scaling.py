"""How long large jobs would take on 1, 8 and 64 GPUs: a simulation on paper, from rates measured here and a data sheet.

A job's products go through stages that work side by side, so the slowest decides; a serial part is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from benchmarks.reporting.table import Cell, Table, to_markdown

GPUS = (1, 8, 64)
NODE = 8
"""GPUs of a node; more are several nodes."""


@dataclass(frozen=True)
class Card:
    """A GPU with its share of a node; data sheets and our assumptions, nothing of it measured here.

    Attributes:
        flops: per second, bf16, dense, as the data sheet says.
        used: share of them that a tower of this size reaches.
        cores: of the CPU, beside each card.
        inside, between: bytes per second and card of an all-reduce inside a node and between nodes.
    """

    name: str
    flops: float
    used: float
    cores: int
    inside: float
    between: float


H100 = Card("H100 SXM", 989e12, used=0.35, cores=16, inside=450e9, between=50e9)


class Rates(BaseModel):
    """What was measured on one core of this machine.

    Attributes:
        environment: as in a record.
        photo: seconds to decode a JPEG of 256 px and to resize and crop it to 224.
        resize: without the decoding, as for Fashion-Gen, whose photos are arrays.
        text: seconds to tokenise a title.
        cell: seconds to write a filled row.
        start: seconds from the command to the first batch.
        forward: floating-point operations of the towers for a product.
        step: likewise of a product in training, forward and backward.
        parameters: of both towers.
    """

    environment: dict[str, Any]
    photo: float
    resize: float
    text: float
    cell: float
    start: float
    forward: float
    step: float
    parameters: int


@dataclass(frozen=True)
class Job:
    """Work on many products.

    Attributes:
        flops: of a product on a GPU, over all passes.
        core: seconds of a product on a core, over all passes.
        serial: seconds of a product in the one process that writes.
        synchronised: bytes that all cards exchange in a step; 0 where they work alone.
        batch: products of a step on a card.
        passes: over the products.
    """

    name: str
    products: int
    flops: float
    core: float
    serial: float = 0.0
    synchronised: float = 0.0
    batch: int = 256
    passes: int = 1


def jobs(rates: Rates) -> list[Job]:
    """Fashion-Gen with ViT-B-32 frozen and fine-tuned for five epochs, and a million products filled."""
    fashion_gen, epochs, half = 293_008, 5, 2
    decoded = rates.resize + rates.text
    return [
        Job("Fashion-Gen, ViT-B-32 frozen: features of all photos and texts", fashion_gen, rates.forward, decoded),
        Job(
            f"Fashion-Gen, ViT-B-32 fine-tuned, {epochs} epochs",
            fashion_gen,
            epochs * rates.step,
            decoded,  # once: pixels are cached
            synchronised=half * rates.parameters,
            passes=epochs,
        ),
        Job("A million products filled, ViT-B-32", 1_000_000, rates.forward, rates.photo + rates.text, rates.cell),
    ]


def seconds(job: Job, rates: Rates, card: Card, gpus: int) -> dict[str, float]:
    """Stage -> seconds, if it were alone. The stages run side by side, but for the start."""
    steps = job.passes * job.products / (job.batch * gpus)
    bandwidth = card.inside if gpus <= NODE else card.between
    exchange = 2 * (gpus - 1) / gpus * job.synchronised / bandwidth  # a ring, Patarasuk and Yuan 2009
    return {
        "computing": job.products * job.flops / (gpus * card.flops * card.used) + steps * exchange,
        "decoding": job.products * job.core / (gpus * card.cores),
        "writing": job.products * job.serial,
        "start": rates.start,
    }


def limit(found: dict[str, float]) -> tuple[float, str]:
    """Seconds of the whole, and the stage that decides them."""
    start = found["start"]
    slowest = max((stage for stage in found if stage != "start"), key=lambda stage: found[stage])
    return found[slowest] + start, slowest if found[slowest] > start else "start"


def table(rates: Rates, card: Card, gpus: Sequence[int] = GPUS) -> Table:
    """Minutes of each job by number of cards, and what decides them."""
    rows = []
    for job in jobs(rates):
        limits = [limit(seconds(job, rates, card, count)) for count in gpus]
        rows.append((Cell(job.name), *(Cell(f"{total / 60:.1f} ({why})", total / 60) for total, why in limits)))
    heads = (f"{count} GPU{'s' if count > 1 else ''}" for count in gpus)
    return Table("Minutes, and the stage that decides them", ("job", *heads), tuple(rows))


PAGE = """# How long large jobs would take: a simulation on paper

Made by `nox -s perf -- -k scaling`, which writes this page and `scaling.json`, on {date}. **No GPU was measured.** The
rates of one core are those of one machine ({cpu}): a JPEG of 256 px decoded and resized in
{photo:.1f} ms, resized alone in {resize:.1f} ms, a title tokenised in {text:.2f} ms, a filled row written in
{cell:.2f} ms, {start:.0f} s from the command to the first batch. ViT-B-32's towers need {forward:.1f} GFLOP a product
(counted), {step:.1f} in training. The card is assumed: {card}, {flops:.0f} TFLOP/s in bf16 by its data sheet, of which
{used:.0%} are reached; beside each {cores} cores; gradients travel at {inside:.0f} GB/s inside a node of {node} cards
and {between:.0f} GB/s between nodes.

{table}
- **A card waits for its cores.** One core prepares {core:.0f} photos a second, {cores} of them {cores_rate:.0f}; the
  card could read {gpu_rate:.0f}. More cores beside it, or photos that are stored small, help more than a faster card.
- **Frozen towers and filling** need nothing of one another: shards of rows, as many as there are cards. They stop
  growing where what is left takes as long as the start, and filling before that: one process writes the table, at most
  {written:.0f} rows a second.
- **Fine-tuning** exchanges {exchanged:.0f} MB of gradients a step. Inside a node that is {inside_ms:.1f} ms against
  {step_ms:.1f} ms of computing; between nodes {between_ms:.1f} ms.
- A suite of heads on cached features is work for cores, one each; `results/reference/` says what each takes. Of 17
  models and 3 seeds no more than {suite} run at once, and the longest decides.
"""


def page(rates: Rates, card: Card = H100) -> str:
    """The whole page, in Markdown."""
    tuned = jobs(rates)[1]
    step = tuned.batch * rates.step / (card.flops * card.used)
    exchange = 2 * tuned.synchronised
    return PAGE.format(
        date=rates.environment["timestamp"][:10],
        cpu=rates.environment["cpu"],
        **{name: 1e3 * getattr(rates, name) for name in ("photo", "resize", "text", "cell")},
        start=rates.start,
        forward=rates.forward / 1e9,
        step=rates.step / 1e9,
        card=card.name,
        flops=card.flops / 1e12,
        used=card.used,
        cores=card.cores,
        inside=card.inside / 1e9,
        between=card.between / 1e9,
        node=NODE,
        table=to_markdown(table(rates, card)),
        core=1 / (rates.photo + rates.text),
        cores_rate=card.cores / (rates.photo + rates.text),
        gpu_rate=card.flops * card.used / rates.forward,
        written=1 / rates.cell,
        exchanged=tuned.synchronised / 1e6,
        inside_ms=1e3 * exchange * (NODE - 1) / NODE / card.inside,
        between_ms=1e3 * exchange / card.between,
        step_ms=1e3 * step,
        suite=17 * 3,
    )
