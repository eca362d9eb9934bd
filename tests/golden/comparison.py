"""Numbers as they are against the committed ones, which stand in numbers.json with the versions they belong to."""

import json
from collections.abc import Mapping
from pathlib import Path

FILE = Path(__file__).parent / "numbers.json"
COMMAND = "nox -s golden"


def load():
    return json.loads(FILE.read_text(encoding="utf-8"))


def dump(entries: Mapping[str, Mapping]) -> str:
    """Sorted, one line a number, so that a change is read in a diff."""
    lines = []
    for name, entry in sorted(entries.items()):
        numbers = [f"   {json.dumps(key)}: {json.dumps(value)}" for key, value in sorted(entry["numbers"].items())]
        versions = json.dumps(entry["versions"], sort_keys=True)
        body = ",\n".join(numbers)
        lines.append(f' {json.dumps(name)}: {{\n  "versions": {versions},\n  "numbers": {{\n{body}\n  }}\n }}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def entry_of(versions, numbers):
    """As the file holds it: rounded below every tolerance."""
    rounded = {
        key: value if isinstance(value, str) else [round(float(number), 7) for number in value]
        for key, value in numbers.items()
    }
    return {"versions": {name: int(version) for name, version in versions.items()}, "numbers": rounded}


def complaint(name, now, stored, tolerance):
    """What is wrong with an entry; None if nothing is."""
    if stored is None:
        return f"{name} has no numbers: add them with `{COMMAND}`"
    if raised(now, stored):
        return f"the version of {', '.join(raised(now, stored))} was raised: refresh the golden file with `{COMMAND}`"
    if changed(now, stored, tolerance):
        return f"the numbers of {name} changed: raise its version and refresh the golden file with `{COMMAND}`"
    if now["numbers"].keys() != stored["numbers"].keys() or now["versions"] != stored["versions"]:
        return f"{name} has new numbers: add them with `{COMMAND}`"
    return None


def raised(now, stored):
    """Names of what has another version than its numbers were computed with."""
    return [name for name, version in stored["versions"].items() if now["versions"].get(name) not in (version, None)]


def changed(now, stored, tolerance):
    """Whether a stored number is another one now, or gone; an added one, as of a new option, changes none."""
    return any(not _same(now["numbers"].get(key), value, tolerance) for key, value in stored["numbers"].items())


def _same(now, stored, tolerance):
    if isinstance(stored, str) or now is None or isinstance(now, str):
        return now == stored
    close = (abs(one - other) <= tolerance for one, other in zip(now, stored, strict=False))
    return len(now) == len(stored) and all(close)
