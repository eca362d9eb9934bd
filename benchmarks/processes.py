"""This process and others."""

from __future__ import annotations

import multiprocessing
import os
import socket
import threading
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext


def quiet() -> None:
    """Other libraries' deprecations are not the user's business; commands and worker processes call this."""
    for category in (FutureWarning, DeprecationWarning):
        warnings.filterwarnings("ignore", category=category)
    warnings.filterwarnings("ignore", module="lightning")


def fresh_processes(*modules: str) -> ForkServerContext | SpawnContext:
    """Processes without the threads of this one, which torch and Arrow keep and which do not survive a fork.

    They are forked from a server that imports `modules` once, which takes seconds; spawned where there is no fork.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*modules])
    return context


def is_first_device() -> bool:
    """Whether this process leads a training on several devices, as far as Lightning, torchrun or SLURM have said.

    They start the same program once a device: Lightning those of its machine after the first one.
    """
    names = ("RANK",) if "RANK" in os.environ else ("NODE_RANK", "LOCAL_RANK", "SLURM_PROCID")
    return all(os.environ.get(name, "0") == "0" for name in names)


def end_with_parent() -> None:
    """A worker without the process that started it stops: nobody waits for it, and a restart has workers of its own."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


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


THREADS = 1
"""Threads of a training on a CPU. Sums depend on it, so it is fixed; suites use the cores by running in parallel,
which is also faster: two processes of one thread train 1.5 times as many examples as one process of two."""
