"""What the code of this project promises about itself."""

import importlib
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("cma_clip", "baselines", "benchmarks")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
LONGEST = 250
VAGUE = {"utils", "util", "misc", "common", "helpers", "helper", "base", "core", "manager"}
MACHINE_PATH = re.compile(r"(?<![\w.$}/*:-])/(?:" + "work|root|tmp|home" + r")/\w")


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def tracked():
    """Files that git knows; all there are where there is no git checkout."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = listed.stdout.splitlines() if listed.returncode == 0 else map(name_of, MODULES)
    return [ROOT / name for name in names if (ROOT / name).is_file()]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_short_and_named_for_what_it_does(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST
    assert not VAGUE & {part.removesuffix(".py") for part in path.relative_to(ROOT).parts}


@pytest.mark.parametrize("package", ["cma_clip", "baselines", "benchmarks.datasets", "benchmarks.tracking"])
def test_what_a_package_offers_is_there(package):
    module = importlib.import_module(package)
    assert module.__all__
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert len(set(module.__all__)) == len(module.__all__)


def test_no_file_names_a_place_on_someones_machine():
    found = []
    for path in tracked():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # not a text
        found += [f"{name_of(path)}:{n}: {line.strip()[:80]}" for n, line in enumerate(lines, 1) if is_machine(line)]
    assert found == []


def is_machine(line):
    return MACHINE_PATH.search(line) is not None


def test_the_search_for_machine_paths_finds_some():
    assert is_machine('"' + "/tm" + "p/a.png" + '"')
    assert is_machine("in /ro" + "ot/data")
    assert not is_machine("https://example.org/work/a and runs/tmp/b")


def test_every_dependency_has_a_reason():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    extras = project["optional-dependencies"].values()
    for needed in [*project["dependencies"], *(name for extra in extras for name in extra)]:
        lines = [line for line in text.splitlines() if f'"{needed}"' in line]
        assert lines, needed
        assert all(re.search(r"#\s*\S+", line) for line in lines), needed


def test_every_test_directory_mirrors_a_package():
    for folder in (path for path in (ROOT / "tests").rglob("*") if path.is_dir() and path.name != "__pycache__"):
        if list(folder.glob("test_*.py")):
            mirrored = ROOT / folder.relative_to(ROOT / "tests")
            assert mirrored.is_dir() or folder.name == "golden", folder.name  # numbers of all packages together
