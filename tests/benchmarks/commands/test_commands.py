import json
import re
import subprocess
import sys

import pytest

from benchmarks.commands.options import pairs
from benchmarks.datasets import DATASETS, parse_options
from benchmarks.models import MODELS
from benchmarks.names import UnknownName
from benchmarks.records import store
from benchmarks.suites import SUITES
from cma_clip import __version__
from tests.benchmarks.made_records import suite as records

HEAVY = ("torch", "mlflow", "sklearn", "lightning", "open_clip")


FORKS = """
import json, os, sys
import benchmarks.datasets, benchmarks.suites, tyro
from benchmarks.cli import main

heavy, commands = json.loads(sys.argv[1])
for folder, arguments in commands.items():
    if os.fork():
        os.wait()
        continue
    for stream in (1, 2):
        os.dup2(os.open(f"{folder}.{stream}", os.O_WRONLY | os.O_CREAT), stream)
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    sys.argv = ["cma-bench", *arguments]
    try:
        main()
    finally:
        print("heavy:", sorted({name.partition(".")[0] for name in sys.modules} & {*heavy}))
    break
"""
"""Each command in a process of its own, forked from one that has imported what all of them need."""


def run_apart(commands, folder):
    """Each of the commands in a folder of its name; in the last line printed stand the heavy packages imported."""
    subprocess.run([sys.executable, "-c", FORKS, json.dumps([HEAVY, commands])], cwd=folder, check=True)


def told(folder, name):
    """What a command printed, and what it complained of."""
    return tuple(folder.joinpath(f"{name}.{stream}").read_text() for stream in (1, 2))


@pytest.fixture(scope="module")
def heavy_after(tmp_path_factory):
    """Of a command: what it printed and complained of, and the files it left."""
    folder = tmp_path_factory.mktemp("commands")
    run_apart({command: command.split() for command in [*LIGHT, *REFUSED.values()]}, folder)
    return lambda command: (*told(folder, command), list(folder.joinpath(command).iterdir()))


LIGHT = ["--help", "tables --help", "suites", "data list", "suite --help", "data check --help"]


@pytest.mark.parametrize("command", LIGHT)
def test_help_and_lists_need_nothing_heavy(command, heavy_after):
    printed, complaint, _ = heavy_after(command)
    assert printed.endswith("heavy: []\n")
    assert len(printed.splitlines()) > 3
    assert complaint == ""


REFUSED = {
    "suite": "suite --suite smok",
    "model of a suite": "suite --models nonsense",
    "model of a tuned suite": "suite --models nonsense --tuned",
    "option of a suite": "suite --option num_trian=5",
    "data set of a suite": "suite --suite paper --data food=x",
    "pair": "suite --hparam depth",
    "model": "run --dataset catalog --model nonsense",
    "data set": "run --dataset nonsense --model majority",
    "option": "run --dataset catalog --model majority --option nonsense=1",
    "protocol": "run --dataset catalog --model majority --protocol nonsense",
    "folder's data set": "run --dataset catalog --model majority --data nonsense=x",
    "model to tune": "tune --models nonsense --trials 2",
    "budget": "tune --models mmbt",
    "records": "tables --suite nonsense",
    "pretraining's data set": "pretrain --dataset nonsense --out x",
    "backbone's data set": "backbone --dataset nonsense",
    "attention's data set": "attention x --dataset nonsense",
    "shown data set": "data show nonsense",
    "checked data set": "data check nonsense",
    "twin": "data make-twin nonsense x",
    "suite to finish": "finish nonsense",
}


@pytest.mark.parametrize("command", REFUSED.values(), ids=REFUSED)
def test_wrong_names_are_refused_before_anything_heavy_is_imported(command, heavy_after):
    printed, complaint, files = heavy_after(command)
    assert printed == "heavy: []\n"
    assert complaint.startswith("cma-bench: ")
    assert files == []


def test_lists_take_commas_as_well_as_blanks(cma_bench, tmp_path):
    asked = ["suite", "--suite", "smoke", "--workers", "1", "--tracking", "off"]
    sizes = ["num_train=40", "num_val=20", "num_test=20", "image_size=32"]
    _, code = cma_bench(*asked, "--models", "majority,class_name_match", "--seeds", "0,1", "2", "--option", *sizes)
    assert code is None
    found = {(r.experiment.model, r.experiment.seed) for r in store.load_records(tmp_path / "results" / "smoke")}
    assert found == {(model, seed) for model in ("majority", "class_name_match") for seed in (0, 1, 2)}
    printed, code = cma_bench("tables", "--suite", "smoke,smoke")
    assert code is None
    assert printed.count("6 records") == 2


def test_a_seed_that_is_no_number_is_refused(cma_bench, capsys):
    _, code = cma_bench("suite", "--seeds", "0,one")
    assert code != 0


NAMED = {
    "commas": ("labels=Usage,Base Colour", ("Usage", "Base Colour")),
    "commas and blanks": ("labels=Usage, Base Colour", ("Usage", "Base Colour")),
    "one": ("labels=Usage", ("Usage",)),
    "a list": ('labels=["Usage","Base Colour"]', ("Usage", "Base Colour")),
    "a comma in a name": ('labels=["Usage, main"]', ("Usage, main",)),
}


@pytest.mark.parametrize(("given", "labels"), NAMED.values(), ids=NAMED)
def test_an_option_that_holds_names_takes_commas_or_json(given, labels):
    assert parse_options("manifest", DATASETS["manifest"], pairs((given, "ties=text,image"))).labels == labels


PAIRS = {
    "number": ("depth=3", 3),
    "float": ("learning_rate=1e-3", 0.001),
    "boolean": ("class_weights=true", True),
    "null": ("tasks=null", None),
    "list": ('labels=["color", "size"]', ["color", "size"]),
    "object": ('task_weights={"color": 2}', {"color": 2}),
    "word": ("freeze=all", "all"),
    "quoted number": ('style="1960"', "1960"),
    "equals sign": ("backbone=hf-hub:a=b", "hf-hub:a=b"),
    "nothing": ("text=", ""),
}


@pytest.mark.parametrize(("given", "value"), PAIRS.values(), ids=PAIRS)
def test_a_value_is_json_or_else_a_word(given, value):
    (parsed,) = pairs((given,)).values()
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize("given", ["depth", "=3", ""])
def test_what_is_no_pair_is_refused(given):
    with pytest.raises(SystemExit, match="is not of the form NAME=VALUE"):
        pairs((given,))


WRONG = {
    "suite": (["suite", "--suite", "smok"], "unknown suite 'smok'; did you mean 'smoke'"),
    "model of a suite": (["suite", "--models", "cma-clip"], "unknown model 'cma-clip'; did you mean .*'cma_clip'"),
    "model": (["run", "--dataset", "catalog", "--model", "mbt"], "unknown model 'mbt'; did you mean 'mmbt'"),
    "data set": (["run", "--dataset", "catalogue", "--model", "majority"], "'catalogue'; did you mean 'catalog'"),
    "option": (
        ["run", "--dataset", "catalog", "--model", "majority", "--option", "num_trian=5"],
        "unknown option of catalog 'num_trian'; did you mean 'num_train'",
    ),
    "option's value": (
        ["run", "--dataset", "catalog", "--model", "majority", "--option", "num_train=0"],
        "catalog: num_train=0: .* greater than or equal to 1",
    ),
    "hyper-parameter": (
        ["run", "--dataset", "catalog", "--model", "mmbt", "--hparam", "learning_rat=1"],
        "unknown hyper-parameter of mmbt 'learning_rat'; did you mean .*'learning_rate'",
    ),
    "no data": (["run", "--dataset", "fashion-products", "--model", "majority"], "--data fashion-products=DIR"),
    "data that is no pair": (["data", "show", "--data", "folder"], "'folder' is not of the form NAME=VALUE"),
    "data of no data set": (["data", "show", "--data", "catalogue=x"], "unknown data set 'catalogue'; did you mean"),
    "no records": (["tables", "--suite", "nowhere"], "results/nowhere/records holds no records; run `cma-bench suite`"),
    "no model": (["predict", "--model", "nowhere", "--text", "dress"], "nowhere is neither a folder nor a suite"),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_answered_in_one_line(cma_bench, arguments, message):
    if arguments[0] in ("run", "suite"):
        arguments = [*arguments, "--tracking", "off"]
    printed, code = cma_bench(*arguments)
    assert printed == ""
    assert isinstance(code, str)  # Python prints it to stderr and exits with 1
    assert code.startswith("cma-bench: ")
    assert "\n" not in code
    assert re.search(message, code), code


def test_mistakes_have_a_traceback_where_that_is_asked_for(cma_bench, monkeypatch):
    monkeypatch.setenv("CMA_BENCH_DEBUG", "1")
    with pytest.raises(UnknownName, match="smok"):
        cma_bench("suite", "--suite", "smok")


def test_everything_that_exists_is_listed(cma_bench):
    printed, code = cma_bench("models")
    assert code is None
    head, *lines = printed.partition("\n\n")[0].splitlines()
    assert head.split() == ["model", "reads", "trains", "seconds", "what", "it", "does"]
    assert [line.split()[0] for line in lines] == list(MODELS)
    printed, _ = cma_bench("models", "cma_clip")
    assert "  learning_rate=0.001\n" in printed
    printed, _ = cma_bench("suites")
    assert [line.split()[0] for line in printed.splitlines()] == list(SUITES)
    printed, _ = cma_bench("data", "list")
    assert "catalog: Procedural product catalogue; embedded" in printed
    assert "needs --data manifest=DIR" in printed
    assert "num_train=2400" in printed


def test_it_says_what_it_is_for(cma_bench):
    printed, code = cma_bench("--help")
    assert code == 0
    examples = re.findall(r"^ +(cma-bench .*)$", printed, flags=re.MULTILINE)
    assert [example.split()[1] for example in examples] == ["suite", "suite", "fill"]
    assert cma_bench("--version") == (f"cma-bench {__version__}\n", None)


def test_a_data_set_is_shown(cma_bench):
    printed, code = cma_bench("data", "show", "--option", "num_train=20", "num_val=10", "num_test=10", "image_size=32")
    assert code is None
    assert "train: 20 examples" in printed
    assert "task style: 6 classes" in printed
    assert "fingerprint: " in printed


def test_tables_are_written_where_the_results_are(cma_bench, tmp_path):
    for made in records(["majority", "cma_clip"], [0]):
        store.save_record(tmp_path / "elsewhere" / "mine", made)
    printed, code = cma_bench("tables", "--suite", "mine", "--results", tmp_path / "elsewhere")
    assert code is None
    assert "2 records" in printed
    assert (tmp_path / "elsewhere" / "mine" / "tables" / "catalog-accuracy.csv").is_file()


def test_one_experiment_prints_its_metrics(cma_bench, tmp_path):
    sizes = ["num_train=40", "num_val=20", "num_test=20", "image_size=32"]
    which = ["run", "--dataset", "catalog", "--model", "majority", "--seed", "5", "--tracking", "off"]
    printed, code = cma_bench(*which, "--option", *sizes)
    assert code is None
    (record,) = store.load_records(tmp_path / "results" / "single")
    assert record.experiment.seed == 5
    assert record.sizes == {"train": 40, "val": 20, "test": 20}
    accuracy = record.metrics["clean"]["color"]["accuracy"]
    assert f"color: accuracy {accuracy.value:.3f} [{accuracy.low:.3f}, {accuracy.high:.3f}]" in printed


def test_an_error_of_the_system_is_one_line(cma_bench, tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "a.csv").write_text("text,color\na,\nb,\n")
    (tmp_path / "model").mkdir()
    assert cma_bench("fill", "a.csv", "--model", "model", "--out", "file/b.csv")[1].startswith("cma-bench: [Errno 20]")
