import re
import subprocess
import sys

import pytest

from benchmarks import cli
from benchmarks.commands.options import pairs
from benchmarks.models import MODELS
from benchmarks.names import UnknownName
from benchmarks.records import store
from benchmarks.suites import SUITES
from tests.benchmarks.made_records import suite as records

HEAVY = ("torch", "mlflow", "sklearn", "lightning", "open_clip")


@pytest.fixture
def cma_bench(monkeypatch, capsys, tmp_path):
    """(what it printed, None or what it exited with) of a command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["cma-bench", *map(str, arguments)])
        try:
            cli.main()
        except SystemExit as exit:
            return capsys.readouterr().out, exit.code
        return capsys.readouterr().out, None

    return call


IMPORTS = """
import sys
from benchmarks.cli import main
sys.argv = ["cma-bench", *sys.argv[1:]]
try:
    main()
finally:
    print("heavy:", sorted({name.partition(".")[0] for name in sys.modules} & {%s}))
"""


@pytest.mark.parametrize("arguments", [["--help"], ["tables", "--help"], ["suites"]], ids=" ".join)
def test_help_needs_nothing_heavy(arguments):
    code = IMPORTS % ", ".join(map(repr, HEAVY))
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("heavy: []\n")
    assert len(done.stdout.splitlines()) > 3


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
    "no model": (["predict", "--model", "nowhere", "--text", "dress"], "nowhere holds no model"),
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
    assert [line.split(":")[0] for line in printed.splitlines()[::2]] == list(MODELS)
    assert "learning_rate=0.001" in printed
    printed, _ = cma_bench("suites")
    assert [line.split()[0] for line in printed.splitlines()] == list(SUITES)
    printed, _ = cma_bench("data", "list")
    assert "catalog: Procedural product catalogue; embedded" in printed
    assert "needs --data manifest=DIR" in printed
    assert "num_train=2400" in printed


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
