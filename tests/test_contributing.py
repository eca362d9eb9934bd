"""CONTRIBUTING's map names every room, and its way from a command to the arithmetic can be walked in the source."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
HOPS = re.findall(r"^\d\. `([\w.]+)` in `([\w/.]+)` .*?`([\w.]+)`$", TEXT, flags=re.MULTILINE)
"""(function, file, the last thing named in the line: what the function goes on with)."""

ROOMS = ("benchmarks", "cma_clip", "baselines", "results", "tests")


def test_the_map_has_a_line_for_every_room():
    mapped = set(re.findall(r"`([\w/]+)/`", TEXT))
    parts = {f"{room}/{path.parent.name}" for room in ROOMS[:2] for path in (ROOT / room).glob("*/*") if path.is_file()}
    rooms = {*ROOMS, *(room for room in parts if not room.endswith("__pycache__"))}
    assert rooms - mapped == set()
    assert {room for room in mapped if not (ROOT / room).is_dir()} == set()


def test_every_file_that_is_named_exists():
    named = re.findall(r"`([\w/]+/\w+\.(?:py|toml|md))`", TEXT)
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_there_are_five_hops():
    assert len(HOPS) == 6
    assert [number for number in re.findall(r"^(\d)\. ", TEXT, flags=re.MULTILINE)] == list("123456")


def definitions(path):
    """Qualified name -> function, of a file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    found = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}.{method.name}": method for method in node.body if isinstance(method, ast.FunctionDef)
            }
    return found


def reached(path, start):
    """Source of a function and of all in the same file that it goes through, each found by its name."""
    functions = definitions(path)
    sources, waiting = {}, [start]
    while waiting:
        name = waiting.pop()
        if name in functions and name not in sources:
            sources[name] = ast.unparse(functions[name])
            owner = start.rpartition(".")[0]
            mentioned = re.findall(r"[A-Za-z_]\w*", sources[name])
            waiting += [*mentioned, *(f"{owner}.{word}" for word in mentioned if owner)]
    return "\n".join(sources.values())


@pytest.mark.parametrize(("function", "path", "goes_on"), HOPS, ids=[hop[0] for hop in HOPS])
def test_a_function_is_where_it_is_said_to_be_and_goes_on_as_it_is_said(function, path, goes_on):
    assert function in definitions(path)
    assert re.search(rf"(?<![\w.]){re.escape(goes_on)}(?!\w)", reached(path, function))


def test_each_hop_leads_to_the_next():
    for (_, _, goes_on), (function, _, _) in pairwise(HOPS):
        # torch calls `forward` of a network that is called.
        assert goes_on.rpartition(".")[2] in (*function.split("."), "network" if "forward" in function else "")
