"""Every command that a page tells a reader to type is run, in small, as it is written there.

A command may be changed in three ways only: PLACEHOLDERS stand for what the reader has, SMALLER shrinks a number that
costs minutes, and `small` appends options that are not written. A command none of the rules fits fails.
"""

import ast
import itertools
import json
import re
import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from markdown_it import MarkdownIt
from PIL import Image

from benchmarks import cli, models
from benchmarks.twins import make_twin
from cma_clip.model import CMAClip
from cma_clip.types import Task
from tests.installed_command import cma_bench

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "results/README.md")
PROGRAMS = ("cma-bench", "nox", "pip")

PLACEHOLDERS = {
    "suite --suite NAME": "suite --suite fashion-products",
    "tables --suite NAME": "tables --suite reference/default",
    "tune --suite NAME": "tune --suite smoke",
    "data show NAME": "data show catalog",
    "data check NAME DIR": "data check fashion-products twins/fashion-products",
    "data make-twin NAME DIR": "data make-twin mrwpa made/mrwpa",
    "pretrain --dataset NAME": "pretrain --dataset fashion-products",
    "backbone NAME": "backbone tiny-product-clip",
    "backbone tiny-product-clip --dataset D": "backbone tiny-product-clip --dataset fashion-products",
    "run --dataset D --model M": "run --dataset catalog --model tfidf_logistic",
    "--seed S": "--seed 1",
    "--seeds ...": "--seeds 0",
    "--models ...": "--models majority tfidf_logistic",
    "--protocol P": "--protocol plain",
    "--option ... --hparam ...": "--option ... --hparam C=1",
    "--start BACKBONE --hparam ...": "--start BACKBONE --hparam epochs=1 batch_size=64",
    "--option ...": "--option num_train=64 num_val=24 num_test=16 image_size=32",
    "--start BACKBONE": "--start random:tiny-product-clip",
    "--trials N": "--trials 2",
    "--devices N": "--devices 2",
    "--seconds S": "--seconds 0.01",
    "--storage URL": "--storage sqlite:///trials.db",
    "--rows N": "--rows 60",
    "pick SUITE": "pick manifest",
    "compare A B": "compare results/reference/default results/reference/ablation",
    "finish SUITE": "finish manifest --data manifest=products.csv",
    "fill TABLE": "fill new.csv",
    "--out FILE": "--out filled.csv",
    "--precision P": "--precision 0.5",
    "--review FILE": "--review review.html",
    "card FOLDER": "card runs/experiments/KEY/model",
    "card DIR": "card runs/experiments/KEY/model",
    "SUITE ...": "reference/default reference/fashion-products reference/fashion-products-masked",
    "NAME=DIR": "fashion-products=twins/fashion-products",
    "D=DIR": "fashion-products=twins/fashion-products",
    "--out DIR": "--out made/backbone",
    "MODEL_DIR": "runs/experiments/KEY/model",
    "--model DIR": "--model runs/experiments/KEY/model",
    "--html F": "--html report.html",
    "--json F": "--json report.json",
    "--image F": "--image photo.jpg",
    "--text T": "--text 'Red striped dress'",
    "CMA_BENCH_DATA=DIR": "CMA_BENCH_DATA=twins",
    **{f"{name}=DIR": f"{name}=twins/{name}" for name in ("abo", "fashion-gen", "fashion-products", "food101")},
}
"""What is written -> what a reader of these tests has in its place; the folder KEY is really there."""

SMALLER = {"--seconds 120": "--seconds 0.01", "tune .*--workers 2": "--workers 1"}
"""Budgets that would take minutes."""

SIZES = {
    "catalog": ["num_train=64", "num_val=24", "num_test=16", "image_size=32"],
    "fashion-products": ["min_count=2"],
    "paper": ["abo.min_count=2"],
}
"""Options of a data set or of a suite on little data; `catalog` is the data set of four suites."""

CATALOG = ("default", "smoke", "ablation", "robustness")

FAST = ["majority", "class_name_match", "tfidf_logistic"]


def blocks_of(page):
    return [token.content for token in MarkdownIt().parse(page) if token.type in ("code_block", "fence")]


def shell_lines(block):
    """The commands of a block; none of one that is Python or a table, and an error for what is neither."""
    lines = [line for line in block.replace("\\\n", " ").splitlines() if line.strip()]
    if all(program_of(line) in PROGRAMS for line in lines):
        return lines
    try:
        ast.parse(block)
    except SyntaxError:
        if "," in lines[0] and len({line.count(",") for line in lines}) == 1:
            return []
        raise AssertionError(f"neither commands that are known here, nor Python, nor a table: {block}") from None
    return []


def program_of(line):
    return next(word for word in shlex.split(line) if not re.match(r"[A-Z_]+=", word))


def spans_of(page):
    """Commands within the text: all of a table, and elsewhere those with more than a name."""
    for line in re.findall(r"^\| (.+?) \|", page, flags=re.MULTILINE):
        yield from re.findall(r"`((?:cma-bench|nox) [^`]+)`", line.replace(r"\|", "|"))
    for span in re.findall(r"`((?:cma-bench|nox) [^`]+)`", re.sub(r"^\|.*", "", page, flags=re.MULTILINE)):
        if len(span.split()) > 2 and not re.fullmatch(r"cma-bench data [a-z]+", " ".join(span.split())):
            yield " ".join(span.split())


def variants(command):
    """With all that is optional, and once for each of (A | B)."""
    if "'" in command:
        return [command]
    parts = re.split(r"\(([^()]*\|[^()]*)\)", re.sub(r"[\[\]]", "", command))
    choices = [part.split("|") if number % 2 else [part] for number, part in enumerate(parts)]
    return [" ".join("".join(chosen).split()) for chosen in itertools.product(*choices)]


def written():
    """(page, command) of all pages, each command once."""
    found = {}
    for name in PAGES:
        page = (ROOT / name).read_text(encoding="utf-8")
        lines = [re.sub(r"\s+#.*", "", line) for block in blocks_of(page) for line in shell_lines(block)]
        for command in [*lines, *spans_of(page)]:
            for variant in variants(command):
                found.setdefault(variant, name)
    return [(name, command) for command, name in found.items()]


def filled(command):
    """With placeholders filled.

    Raises:
        AssertionError: one is left that no rule knows.
    """
    for phrase, value in PLACEHOLDERS.items():
        command = re.sub(rf"(?<![\w=-]){re.escape(phrase)}(?![\w=])", value, command)
    for phrase, value in SMALLER.items():
        if re.search(phrase, command):
            command = command.replace(phrase.rpartition("*")[2], value)
    left = [word for word in shlex.split(command) if re.search(r"\b(?!KEY\b)[A-Z]{1,}\b(?!=)|\.\.\.", word)]
    assert [word for word in left if " " not in word] == [], f"no rule of PLACEHOLDERS fits {command!r}"
    return command


def small(words, tiny):
    """Appends what makes a command fast, where the page does not say otherwise."""
    suite = words[words.index("--suite") + 1] if "--suite" in words else "default"
    if words[0] == "suite":
        network = suite in ("default", "ablation")
        few = ["majority", "cma_clip_wo_ma_sa"] if network else FAST
        one = {"robustness": ["tfidf_logistic"], "learning-curve": ["majority"]}
        words = default(words, "--models", *one.get(suite, few))
        words = default(words, "--seeds", "0")
        words = default(words, "--workers", "1")
        if network:
            words = default(words, "--hparam", f"backbone={tiny}", "max_epochs=1", "width=24", "heads=2")
    if words[0] == "tune":
        words = default(words, "--models", "tfidf_logistic")
    if words[0] == "pretrain":
        words = [*words, "--catalog", "0"]
    if sizes := SIZES.get(data_of(words, suite)):
        words = default(words, "--option", *sizes)
    return default(words, "--tracking", "off") if words[0] in ("suite", "tune", "run", "pretrain") else words


def data_of(words, suite):
    """What SIZES calls the data of a command."""
    if words[0] in ("suite", "tune"):
        of_shop = suite in ("fashion-products-masked", "learning-curve")
        return "catalog" if suite in CATALOG else "fashion-products" if of_shop else suite
    if words[:2] in (["data", "show"], ["data", "check"]):
        return words[2]
    return words[words.index("--dataset") + 1] if "--dataset" in words else ""


def default(words, option, *values):
    return words if option in words else [*words, option, *values]


@pytest.fixture(scope="module")
def possessions(tiny, tmp_path_factory):
    """What a reader has who has followed the pages so far: data, a saved model, a photo, a table of products."""
    folder = tmp_path_factory.mktemp("reader")
    for name, rows in {"fashion-products": 160, "food101": 240, "fashion-gen": 120, "abo": 240}.items():
        make_twin(name, folder / "twins" / name, rows, seed=0)
    model = CMAClip((Task("color", ("red", "green")),), CMAClip.Config(backbone=tiny, width=24, heads=2))
    model.priors = {"color": np.full(2, 0.5, dtype=np.float32)}
    models.save("cma_clip", model, folder / "runs" / "experiments" / "KEY" / "model")
    (folder / "runs" / "cache").mkdir()
    Image.new("RGB", (30, 40), "red").save(folder / "photo.jpg")
    looks = itertools.product(range(30), ("red", "multi"), ("casual", "formal"))
    rows = [f",{color} {style} dress {number},{color},{style}" for number, color, style in looks]
    (folder / "products.csv").write_text("\n".join(["image,text,color,style", "photo.jpg,,red,", *rows]) + "\n")
    (folder / "new.csv").write_text("image,text,color\nphoto.jpg,red dress 7,\n,multi dress 8,multi\n")
    suite = ["suite", "--suite", "manifest", "--models", "majority", "tfidf_logistic", "--seeds", "0", "--workers", "1"]
    for words in ([*suite, "--option", "labels=color,style"], ["finish", "manifest"]):
        done = cma_bench(*words, "--data", "manifest=products.csv", "--tracking", "off", cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def reader(possessions, tmp_path, monkeypatch):
    """A clean clone with those things in it."""
    shutil.copytree(possessions / "results", tmp_path / "results")
    for thing in possessions.iterdir():
        if thing.name == "results":
            continue
        if thing.is_dir():
            (tmp_path / thing.name).symlink_to(thing)
        else:
            shutil.copy(thing, tmp_path)  # a manifest's photos may not be links that lead out of its folder
    kept = shutil.ignore_patterns("figures", "*.html")
    shutil.copytree(ROOT / "results" / "reference", tmp_path / "results" / "reference", ignore=kept)
    results = tmp_path / "results" / "reference"
    masked = results / "fashion-products-masked" / "tuned"
    if not masked.exists():  # until that suite is tuned for itself
        shutil.copytree(results / "fashion-products" / "tuned", masked)
    for tuned in results.glob("*/tuned/*/*.json"):  # as if it had been tuned on this little data
        content = json.loads(tuned.read_text())
        content["dataset_options"] |= {"min_count": 2, **({"titles": "masked"} if masked in tuned.parents else {})}
        tuned.write_text(json.dumps(content))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder):
    """Path and time of the last change, of all but what is linked."""
    return {(path, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


RAN = set()
"""What ran without fault; pages say the same in other words."""


def exit_code():
    try:
        cli.main()
    except SystemExit as ended:
        return ended.code
    return None


def sessions():
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    return {f.name: f for f in tree.body if isinstance(f, ast.FunctionDef) and f.decorator_list}


def as_cma_bench(command):
    """The words after `cma-bench` that a command comes to; None of one that runs no such command.

    Of the sessions of nox that test, check or show this project it is only made sure that they are there, and that
    they take what is written behind `--`.
    """
    words = [word for word in shlex.split(command) if not re.fullmatch(r"[A-Z_]+=\S+", word)]
    if words[0] == "cma-bench":
        return words[1:]
    if words[0] == "pip":
        assert words[1:] == ["install", "nox"]
        return None
    if words == ["nox"]:
        return None
    assert words[:2] == ["nox", "-s"]
    name, given = words[2], words[4:]
    session = sessions()[name]
    assert not given or "posargs" in ast.unparse(session)
    return {"benchmark": ["suite", *given], "tables": ["tables", "--suite", "reference/default", "--check"]}.get(name)


@pytest.mark.parametrize(("page", "command"), written(), ids=[command for _, command in written()])
@pytest.mark.filterwarnings("ignore")  # as at a reader's terminal: what libraries deprecate is not the page's business
def test_a_written_command_runs(page, command, reader, tiny, monkeypatch):
    words = as_cma_bench(filled(command))
    if words is None or tuple(words) in RAN:
        return
    before = files(reader)
    monkeypatch.setattr(sys, "argv", ["cma-bench", *small(words, tiny)])
    code = exit_code()
    # A check that finds something exits with 1, which is what it is for.
    assert code is None or (code == 1 and words[:2] == ["data", "check"]), f"{page}: {command}: {code}"
    if words[0] in ("suite", "tune", "run", "pretrain", "rank", "attention", "fill") or words[:2] == [
        "data",
        "make-twin",
    ]:
        assert files(reader) - before
    RAN.add(tuple(words))


def test_the_written_python_runs(reader):
    for page in PAGES:
        for block in blocks_of((ROOT / page).read_text(encoding="utf-8")):
            if not shell_lines(block) and "import" in block:
                exec(compile(block, page, "exec"), {})


@pytest.mark.parametrize("command", ["cma-bench suite --suite WHICH", "cma-bench run --dataset ...", "make all"])
def test_a_command_that_no_rule_fits_fails(command):
    with pytest.raises(AssertionError):
        filled(command) and shell_lines(command)
