"""How `cma-bench` begins. `benchmarks` and `baselines` are names that others use too: no stranger runs as ours."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

OURS = ("benchmarks", "baselines")

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


def main() -> None:
    """Run the command; Ctrl-C is answered in a sentence, also while the command is still being imported."""
    try:
        refuse_strangers()
        from benchmarks.cli import main as command

        command()
    except ImportError as error:
        raise SystemExit(f"cma-bench: {error}") from error
    except KeyboardInterrupt:
        print("cma-bench: interrupted before it began; nothing was changed", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None


def refuse_strangers() -> None:
    """Make sure that our other two packages are those that were installed with this one.

    Raises:
        ImportError: one is missing, or another of its name comes first; says where.
    """
    home = Path(__file__).resolve().parents[1]
    for name in OURS:
        spec = find_spec(name)
        places = [] if spec is None else [Path(place).resolve() for place in spec.submodule_search_locations or ()]
        if places[:1] == [home / name]:
            continue
        where = str(next(iter(places), None) or (spec and spec.origin) or "nowhere")
        raise ImportError(
            f"the package {name!r} of CMA-CLIP Bench is in {home / name}, but Python finds {where}; rename that one, "
            f"start Python in another folder, or take it out of PYTHONPATH"
        )
