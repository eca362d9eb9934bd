"""What is installed is whole: a wheel, made from the sdist, runs from an empty folder and takes nothing from here.

It is made of what the Dockerfile copies, and of nothing else: its steps are tested where there is no Docker, too.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SOURCES = [name for line in re.findall(r"^COPY (.*) /source", DOCKERFILE, re.MULTILINE) for name in line.split()]
LIBRARIES = sysconfig.get_path("purelib")
"""Of this environment, for the new one to see; the editable installation that is there is no folder, and not seen."""

LOOK = """
import sys
import baselines, benchmarks as bench, cma_clip
from cma_clip.backbone.loading import load_backbone
ours = ("baselines", "benchmarks", "cma_clip")
files = {module.__file__ for name, module in sys.modules.items() if name.partition(".")[0] in ours}
print(all(file.startswith(sys.prefix) for file in files), len(files) > 20)
print(load_backbone("tiny-product-clip").fingerprint is not None)
print(*bench.results("results/smoke").frame()["model"].unique())
print(cma_clip.load_model(sys.argv[1]).classifier.tasks[0].name, cma_clip.__version__)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A new environment that has the wheel, and sees the libraries of this one behind it."""
    folder = tmp_path_factory.mktemp("package")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / "sources" / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (folder / "sources").mkdir(exist_ok=True)
            shutil.copy(ROOT / name, folder / "sources")
    said(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, folder / "sources", cwd=folder)
    shutil.rmtree(folder / "sources")
    said(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    (wheel,) = folder.glob("*.whl")
    pip = (sys.executable, "-m", "pip", "--python", folder / "venv" / "bin" / "python", "install", "--quiet")
    said(*pip, "--no-deps", "--no-index", "--no-compile", wheel, cwd=folder)
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(f"{LIBRARIES}\n")
    return folder / "venv"


def ended(*words, cwd, path=None):
    """A program whose PYTHONPATH is `path`, or unset."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    return subprocess.run(list(map(str, words)), cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def said(*words, cwd):
    """What a program prints that has to succeed."""
    ran = ended(*words, cwd=cwd)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_it_runs_from_an_empty_folder(installed, tmp_path):
    command = installed / "bin" / "cma-bench"
    models = ("majority", "tfidf_logistic")
    said(command, "suite", "--suite", "smoke", "--models", *models, "--tracking", "off", "--workers", "1", cwd=tmp_path)
    assert (tmp_path / "results" / "smoke" / "report.html").is_file()
    saved, *_ = (tmp_path / "runs").glob("experiments/*/model")
    told = said(installed / "bin" / "python", "-c", LOOK, saved, cwd=tmp_path).splitlines()
    assert told[:3] == ["True True", "True", " ".join(models)]
    assert told[3].startswith("color ")


def test_the_image_starts_the_command_on_a_python_that_is_supported():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (program,) = re.findall(r'^ENTRYPOINT \["(.*)"\]$', DOCKERFILE, re.MULTILINE)
    assert program in project["scripts"]
    (python,) = re.findall(r"^FROM python:(\S+)-slim$", DOCKERFILE, re.MULTILINE)
    assert f"Programming Language :: Python :: {python}" in project["classifiers"]
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {f"!{name}" for name in SOURCES} == {line for line in kept if line.startswith("!")}


def test_it_says_what_it_is(installed):
    (site,) = installed.glob("lib/python*/site-packages")
    (found,) = (one for one in distributions(path=[str(site)]) if one.name == "cma-clip-bench")
    assert found.metadata["License-Expression"] == "Apache-2.0"
    assert (site / f"cma_clip_bench-{found.version}.dist-info" / "licenses" / "LICENSE").is_file()
    assert set(found.read_text("top_level.txt").split()) == {"baselines", "benchmarks", "cma_clip"}
    data = {file.name for file in found.files}
    shipped = ("page.html.j2", "style.html.j2", "mapping.json", "open_clip_model.safetensors", "food101-mmbt.json")
    assert {*shipped, "py.typed"} <= data


@pytest.mark.parametrize("name", ["benchmarks", "baselines"])
def test_a_stranger_of_its_name_is_refused_in_a_sentence(installed, name, tmp_path):
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("print('a stranger')\n")
    python, door = installed / "bin" / "python", "import cma_clip; cma_clip.load_model"
    for command in ([installed / "bin" / "cma-bench", "suites"], [python, "-c", door]):
        ran = ended(*command, cwd=tmp_path, path=tmp_path)
        assert (ran.returncode, ran.stdout) == (1, "")
        assert f"but Python finds {tmp_path / name}; rename that one" in ran.stderr.splitlines()[-1]
