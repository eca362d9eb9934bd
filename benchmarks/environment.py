"""Where a number came from: machine, library versions, and the code that decides it."""

from __future__ import annotations

import ast
import hashlib
import os
import platform
import socket
import subprocess
import warnings
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent

LIBRARIES = (
    "torch",
    "torchvision",
    "open_clip_torch",
    "timm",
    "lightning",
    "numpy",
    "scikit-learn",
    "scipy",
    "datasets",
    "pillow",
    "safetensors",
)
"""Libraries whose version can change a number."""

DECIDING = (
    "cma_clip/*.py",
    "baselines/*.py",
    "benchmarks/datasets/**/*.py",
    "benchmarks/perturbations/*.py",
    "benchmarks/conditions.py",
    "benchmarks/metrics.py",
    "benchmarks/models.py",
    "benchmarks/run.py",
    "benchmarks/seeding.py",
)
"""Modules that decide a number."""


def quiet() -> None:
    """Other libraries' deprecations are not the user's business; commands and worker processes call this."""
    for category in (FutureWarning, DeprecationWarning):
        warnings.filterwarnings("ignore", category=category)
    warnings.filterwarnings("ignore", module="lightning")


def environment(root: Path = ROOT) -> dict[str, Any]:
    """Facts for a record: when, on what machine, with which libraries, from which commit."""
    import psutil
    import torch

    return {
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "platform": platform.platform(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "accelerators": _accelerators(),
        "torch_threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        **_commit(root),
    }


def this_process() -> str:
    """Host, number and start of this process: told apart from every other one, also from a later one of its number."""
    import psutil

    return f"{socket.gethostname()} {os.getpid()} {psutil.Process().create_time():.0f}"


def is_gone(process: str) -> bool:
    """Whether a process of this machine, as named by `this_process`, has ended; of another one nobody knows: False.

    A number that is used again has another start; a zombie has ended, whenever its parent may notice.
    """
    import psutil

    host, pid, started = [*process.split(" "), "", ""][:3]
    if host != socket.gethostname():
        return False
    try:
        found = psutil.Process(int(pid))
        return f"{found.create_time():.0f}" != started or found.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


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


def _accelerators() -> list[str]:
    import torch

    if torch.cuda.is_available():
        return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return [str(found)] if found else []


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit(root: Path) -> dict[str, Any]:
    """Commit and whether files differ from it; None outside a git checkout."""

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        return done.stdout.strip()

    commit = git("rev-parse", "HEAD")
    status = git("status", "--porcelain", "--untracked-files=no") if commit else None
    return {"commit": commit, "uncommitted_changes": None if status is None else bool(status)}
