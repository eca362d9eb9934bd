"""The object store of the fixture `object_store`, for processes that do not have this one's environment."""

import os


def environment():
    """What leads to it, and says what this machine has copied."""
    return {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "CMA_BENCH_CACHE"))}


def enter(environment):
    os.environ.update(environment)
