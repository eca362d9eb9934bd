"""How many processes share a GPU, and how many a machine."""

from __future__ import annotations

import shutil
import subprocess

from benchmarks.engines.task import Needs

GPU_MEMORY = 4_000_000_000
"""Bytes that a process is given on a GPU, our choice: CUDA itself takes half a gigabyte, heads over a backbone as large
as ViT-L/14 in batches of some hundred rows the rest."""


def per_gpu(share: float, memory: int | None) -> tuple[int, str]:
    """(How many processes share a GPU, why).

    Args:
        share: what each is to have.
        memory: bytes of the GPU; None where nobody knows.
    """
    asked = int(1 / share + 1e-9)
    if memory is None:
        return asked, f"{asked} on each GPU, as --gpus-per-experiment {share:g} says"
    held = max(1, memory // GPU_MEMORY)
    if held < asked:
        return held, f"{held} on each GPU: its {memory / 1e9:.0f} GB hold no more of {GPU_MEMORY / 1e9:.0f} GB"
    return asked, f"{asked} on each GPU, as --gpus-per-experiment {share:g} says; its memory would hold {held}"


def per_machine(needs: Needs, cores: int, memory: int) -> tuple[int, str]:
    """(How many processes without a GPU a machine runs, why)."""
    by_cores, by_memory = max(1, cores // needs.cores), max(1, memory // needs.memory)
    if by_memory < by_cores:
        return by_memory, f"its {memory / 1e9:.0f} GB of memory hold no more of {needs.memory / 1e9:.1f} GB"
    return by_cores, "one a core"


def smallest_gpu() -> int | None:
    """Bytes of the smallest NVIDIA GPU of this machine; None where there is none, or no tool to ask."""
    if shutil.which("nvidia-smi") is None:
        return None
    asked = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    megabytes = [int(line) for line in done.stdout.split() if line.isdigit()]
    return min(megabytes) * 2**20 if done.returncode == 0 and megabytes else None
