"""What every test stands on: one thread, no network, tiny backbones made on the spot."""

import gc
import logging
import os
import socket
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from uuid import uuid4

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read once, when huggingface_hub is first imported
os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by the processes that tests start

import pytest
from hypothesis import HealthCheck, settings

from tests.architectures import KINDS, write_architecture
from tests.browser import BROWSER

# `pytest --hypothesis-profile=nightly` or HYPOTHESIS_PROFILE=nightly: more examples of everything that names no number
settings.register_profile("ci", max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("nightly", settings.get_profile("ci"), max_examples=10_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@cache
def own_addresses():
    """Of this machine, under which the nodes of a Ray cluster know each other."""
    import psutil

    return {address.address for of_one in psutil.net_if_addrs().values() for address in of_one}


def is_local(host):
    try:
        return ip_address(host).is_loopback or host in own_addresses()
    except ValueError:
        return host in ("localhost", socket.gethostname(), "", None)


@pytest.fixture(scope="session", autouse=True)
def no_network():
    """Only this machine can be reached; everything else fails at once and says so."""
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_local(address[0]):
            raise OSError(f"tests must not use the network: {address}")
        return connect(self, address)

    def guarded_resolve(host, *args, **kwargs):
        if not is_local(host.decode() if isinstance(host, bytes) else host):
            raise OSError(f"tests must not use the network: {host}")
        return resolve(host, *args, **kwargs)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", guarded_connect)
    patch.setattr(socket, "getaddrinfo", guarded_resolve)
    yield
    patch.undo()


def pytest_collection_modifyitems(items):
    """Whole programs come first: their files take longest, and at the end no core shall wait for another."""
    items.sort(key=lambda item: item.path.parent != Path(__file__).parent)


def pytest_collection_finish():
    """What was imported stays: the garbage collector need not walk through it again and again."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    import torch  # not where this file is read: the process that shares out the tests needs none of it

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def one_vocabulary():
    """CLIP's tokeniser, which every backbone makes anew in a tenth of a second, is made once."""
    import open_clip.factory

    patch = pytest.MonkeyPatch()
    patch.setattr(open_clip.factory, "SimpleTokenizer", cache(open_clip.factory.SimpleTokenizer))
    yield
    patch.undo()


@pytest.fixture(scope="session")
def architectures(tmp_path_factory, one_vocabulary):
    """Kind of tower -> backbone id, all with random weights."""
    root = tmp_path_factory.mktemp("architectures")
    return {kind: write_architecture(root / kind, kind) for kind in KINDS}


@pytest.fixture(scope="session")
def tiny(architectures):
    """The backbone id that tests use where the kind of tower does not matter."""
    return architectures["vit"]


@pytest.fixture(scope="session")
def object_store():
    """A server that answers like S3, on this machine; what reads s3:// here and in new processes goes to it."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]  # its own, so that it can be stopped and started again
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    patch = pytest.MonkeyPatch()
    patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        patch.setenv(name, "of the tests")
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    yield server
    patch.undo()
    server.stop()


@pytest.fixture
def bucket(object_store, tmp_path, monkeypatch):
    """An empty folder of a bucket, and this machine as a node that has copied nothing of it."""
    from cma_clip.places.urls import as_url, place

    monkeypatch.setenv("CMA_BENCH_CACHE", str(tmp_path / "node"))
    name = uuid4().hex
    found = place(f"s3://{name}/folder")
    as_url(found).fs.mkdir(name)
    return found


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])  # CI often runs as root
        yield opened
        opened.close()


@pytest.fixture
def page(browser):
    """A page whose errors are collected in `page.errors`, and the addresses that it asked for in `page.asked`."""
    opened = browser.new_page(viewport={"width": 1400, "height": 1000})
    opened.set_default_timeout(120_000)
    opened.errors, opened.asked = [], []
    opened.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.on("console", lambda told: opened.errors.append(told.text) if told.type == "error" else None)
    opened.on("request", lambda request: opened.asked.append(request.url))
    yield opened
    opened.close()
