"""Options as a user types them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path

from benchmarks.datasets.loading.splits import OnBadSample
from benchmarks.datasets.manifest.options import ManifestOptions


def command_line(path: Path | str, options: Mapping[str, object], on_bad_sample: OnBadSample = "error") -> str:
    """What a user types to run the suite; options with their default values are left out."""
    words = ["cma-bench", "suite", "--suite", "manifest", "--data", f"manifest={path}", "--option"]
    order = [name for name in ManifestOptions.model_fields if name in options and name != "labels"]
    words.append(f"labels={_as_option(options.get('labels') or 'COLUMN')}")
    for name in order:
        if options[name] != ManifestOptions.model_fields[name].get_default():
            words.append(f"{name}={_as_option(options[name])}")
    return shlex.join([*words, *([] if on_bad_sample == "error" else ["--on-bad-sample", on_bad_sample])])


def _as_option(value: object) -> str:
    """A value as `--option` reads it: plain where that is unambiguous, else JSON."""
    if isinstance(value, tuple) and value and not any("," in name or name != name.strip() for name in value):
        plain = ",".join(value)
    elif isinstance(value, str):
        plain = value
    else:
        return json.dumps(value, ensure_ascii=False)
    try:
        json.loads(plain)
    except ValueError:
        return plain
    return json.dumps(value, ensure_ascii=False)
