"""Connects with a Ray cluster; `benchmarks.engines.cluster` runs tasks on it. Imports Ray only when asked for."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from benchmarks.engines.task import Engine, EngineError

if TYPE_CHECKING:
    from benchmarks.engines import EngineOptions

ANSWER = 5.0
"""Seconds in which a head has to answer."""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
"""What a client of gRPC, which a head speaks, says first; the head answers with a frame of type 4."""

DEFAULTS = {
    "RAY_NUM_REDIS_GET_RETRIES": "2",  # of the head, of 40 seconds each
    "RAY_raylet_start_wait_time_s": "120",  # a busy machine starts Ray in more than its 30 seconds
    "RAY_worker_niceness": "0",  # or a record's seconds are those of a process that lets all others go first
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # Ray warns unless it is set; tasks without a GPU hide them themselves
    "RAY_DISABLE_IMPORT_WARNING": "1",
}
"""Of the environment, read by Ray when it starts processes."""


@contextmanager
def opened(address: str, options: EngineOptions) -> Iterator[Engine]:
    """The cluster at HOST:PORT, or at RAY_ADDRESS; without either this machine under a Ray that ends with the block.

    Raises:
        EngineError: Ray is not installed, nobody answers, or no node has what an experiment needs.
    """
    if find_spec("ray") is None:
        raise EngineError("--engine ray needs Ray, which is not installed: pip install 'cma-clip-bench[cluster]'")
    address = address or os.environ.get("RAY_ADDRESS", "")
    if address:
        require_answer(address)
    os.environ.update({name: os.environ.get(name, value) for name, value in DEFAULTS.items()})
    import ray

    from benchmarks.engines.cluster import Cluster

    joined = ray.is_initialized()  # by this very program, which then goes on with it
    if not joined:
        try:
            ray.init(address or "local", include_dashboard=None if address else False, logging_level="error")
        except (ConnectionError, RuntimeError, ValueError, OSError, TimeoutError) as error:
            reason = str(error).strip().splitlines()[0]
            raise EngineError(
                f"--engine ray{f'://{address}' if address else ''}: {reason}; this machine has to be a node of the "
                f"cluster: `ray start --address={address or 'HOST:PORT'}` makes it one"
            ) from error
    try:
        yield Cluster.connected(options)
    finally:
        if not joined:
            ray.shutdown()


def require_answer(address: str) -> None:
    """Ask a head whether it is there, which Ray itself does for a minute.

    Raises:
        EngineError: it is not.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise EngineError(f"--engine ray://{address} is not of the form ray://HOST:PORT, e.g. ray://10.0.0.1:6379")
    try:
        with socket.create_connection((host, int(port)), timeout=ANSWER) as asked:
            asked.sendall(PREFACE)
            if asked.recv(4)[3:] != b"\x04":
                raise OSError("what answers is not Ray")
    except OSError as error:
        raise EngineError(
            f"--engine ray://{address} does not answer ({error}); start it with `ray start --head --port={port}` on "
            f"{host}, and `ray start --address={address}` on every other machine"
        ) from error
