"""What the README says is what is there: its table, its pictures, its links, its commands."""

import csv
import json
import re
from pathlib import Path

import pytest

from benchmarks.cli import COMMANDS
from benchmarks.datasets import DATASETS
from benchmarks.perturbations import PROTOCOLS
from benchmarks.suites import SUITES

ROOT = Path(__file__).parents[1]
WEIGHTS = ROOT / "cma_clip" / "weights"
DECIMAL = re.compile(r"(?<![\d.])\d+\.\d+(?![\d.])")
CODE = re.compile(r"`[^`]*`|\]\([^)]*\)|arXiv [\d.]+")
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "results/README.md")]


@pytest.fixture(params=PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def page(request):
    return request.param


def test_every_table_of_numbers_is_a_committed_one():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\*\*.+\*\*\n\n(?:\|.+\n)+", text, flags=re.MULTILINE)
    committed = [path.read_text(encoding="utf-8") for path in (ROOT / "results" / "reference").rglob("*.md")]
    assert shown
    for table in shown:
        assert any(table in file for file in committed), table.splitlines()[0]


def test_the_filled_cells_are_those_of_the_study():
    def percent(value):
        return f"{100 * float(value):.1f}"

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    study = ROOT / "results" / "reference" / "filling" / "fashion-products.csv"
    rows = list(csv.DictReader(study.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 8
    for row in rows:
        low, high = percent(row["low"]), percent(row["high"])
        right = f"{percent(row['precision reached'])} % [{low}, {high}]"
        known = [row["model"], f"{100 * float(row['promised']):.0f} %", row["task"], f"{int(row['hidden']):,}"]
        assert f"| {' | '.join([*known, percent(row['answered']) + ' %', right])} |" in text
    kept = sum(float(row["precision reached"]) >= float(row["promised"]) for row in rows)
    assert kept == len(rows)  # as the text says


CARDS = [f"cma_clip/weights/{folder.name}/README.md" for folder in sorted(WEIGHTS.iterdir()) if folder.is_dir()]


@pytest.mark.parametrize("page", ["README.md", "results/README.md", *CARDS])
def test_every_decimal_in_the_text_stands_in_a_committed_table(page):
    """Or in the scores beside the weights: no number is from memory."""
    sources = [
        *(ROOT / "results" / "reference").glob("*/tables/*.md"),
        *(ROOT / "results" / "reference").glob("*/*.md"),
        *(ROOT / "results" / "reference").glob("*/tuned/*.md"),
    ]
    known = {number for path in sources for number in DECIMAL.findall(path.read_text(encoding="utf-8"))}
    known |= {number for path in WEIGHTS.glob("*/*.[jc]s*") for number in percentages(path.read_text(encoding="utf-8"))}
    prose = [
        line for line in (ROOT / page).read_text(encoding="utf-8").splitlines() if not line.startswith(("|", "    "))
    ]
    told = [number for line in prose for number in DECIMAL.findall(CODE.sub("", line))]
    assert [number for number in told if number not in known] == []


@pytest.mark.parametrize("card", CARDS)
def test_the_card_shows_the_scores_beside_the_weights(card):
    folder = (ROOT / card).parent
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))["retrieval"]
    text = (folder / "README.md").read_text(encoding="utf-8")
    for k in (1, 5, 10):
        found = [scores[f"{way} recall@{k}"] for way in ("image_to_text", "text_to_image")]
        cells = [f"{100 * e['value']:.1f} % [{100 * e['low']:.1f}, {100 * e['high']:.1f}]" for e in found]
        assert f"| recall@{k} of 1,000 | {' | '.join(cells)} |" in text


def percentages(text):
    """Every share, as a page would show it."""
    return {f"{100 * float(number):.1f}" for number in re.findall(r"\b0\.\d+", text)} | set(DECIMAL.findall(text))


def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_name_exists(page):
    text = page.read_text(encoding="utf-8")
    commands = set(re.findall(r"cma-bench ([a-z]+)", text))
    assert commands <= set(COMMANDS)
    assert set(re.findall(r"--suite (?!reference/)([a-z][a-z0-9-]+)", text)) <= set(SUITES)
    assert set(re.findall(r"--data ([a-z][a-z0-9-]+)=", text)) <= set(DATASETS)
    assert set(re.findall(r"--protocol ([a-z][a-z0-9-]+)", text)) <= set(PROTOCOLS)


def test_all_commands_are_told_of():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"cma-bench {name}" not in text] == []
