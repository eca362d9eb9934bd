"""Which code decides a number."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


DECIDING = (
    "cma_clip/**/*.py",
    "baselines/*.py",
    "benchmarks/datasets/**/*.py",
    "benchmarks/perturbations/*.py",
    "benchmarks/metrics.py",
    "benchmarks/models.py",
    "benchmarks/running/evaluation.py",
    "benchmarks/running/run.py",
    "benchmarks/seeding.py",
)
"""Modules that decide a number."""


@cache
def code_fingerprint(root: Path = ROOT, modules: tuple[str, ...] = DECIDING) -> str:
    """16 hex digits over the syntax of these modules, by default all that decide a number.

    Comments, layout and docstrings do not matter, nor does the Python version that reads them.
    """
    hashed = hashlib.sha256()
    for path in sorted({path for pattern in modules for path in root.glob(pattern)}):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        hashed.update(f"{path.relative_to(root).as_posix()}\0{_syntax(tree)}\0".encode())
    return hashed.hexdigest()[:16]


def _syntax(node: object) -> str:
    """Like `ast.dump`, whose output changes from Python to Python: empty fields are left out in all of them."""
    if isinstance(node, list):
        return f"[{','.join(_syntax(item) for item in node if not _is_text(item))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [f"{name}={_syntax(value)}" for name, value in ast.iter_fields(node) if value is not None and value != []]
    return f"{type(node).__name__}({','.join(fields)})"


def _is_text(node: object) -> bool:
    """A docstring, of a module, class, function or attribute; as a statement it does nothing else."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
