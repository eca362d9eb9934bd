"""Where a number came from: machine, library versions, and the code that decides it."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

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


def environment(root: Path = Path(__file__).parents[2]) -> dict[str, Any]:
    """Facts for a record: when, on what machine, with which libraries, from which commit."""
    import psutil
    import torch

    return {
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "node": platform.node(),
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
