"""Write numbers.json anew: `nox -s golden`.

Refuses to change the numbers of an entry of which no version was raised. Where the entry did not change but what it is
computed with, as a library, a twin or a drawn photo of the tests, `nox -s golden -- --accept NAME ...` (or `all`) does.
"""

import argparse
import sys

import torch

from benchmarks.processes import quiet
from tests.golden.comparison import FILE, changed, dump, entry_of, load, raised
from tests.golden.computations import COMPUTATIONS


def refreshed(accepted):
    """(entries, names refused): what stays within the tolerance keeps its digits."""
    before = load() if FILE.exists() else {}
    entries, refused = {}, []
    for name, computation in COMPUTATIONS.items():
        now = entry_of(computation.versions, computation.numbers())
        stored = before.get(name)
        if stored is None or not changed(now, stored, computation.tolerance):
            kept = {} if stored is None else stored["numbers"]
            entries[name] = {**now, "numbers": now["numbers"] | kept}
        else:
            entries[name] = now
            if not raised(now, stored) and not accepted & {name, "all"}:
                refused.append(name)
    return entries, refused


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accept", nargs="+", default=[], metavar="NAME")
    accepted = set(parser.parse_args().accept)
    torch.set_num_threads(1)
    quiet()
    entries, refused = refreshed(accepted)
    if refused:
        sys.exit(f"the numbers of {', '.join(refused)} changed: raise their versions first; nothing was written")
    FILE.write_text(dump(entries), encoding="utf-8")
    print(f"{FILE.name}: {len(entries)} entries")


if __name__ == "__main__":
    main()
