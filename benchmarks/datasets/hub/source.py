"""From a local copy, the hub's cache or the hub itself to one table; offline, to one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.datasets.hub.specs import HubSpec
from benchmarks.datasets.loading.splits import DataError
from benchmarks.names import UnknownName, choose

if TYPE_CHECKING:
    from datasets import Dataset

PATTERN = "data/*.parquet"
"""Where the hub keeps the rows of all these data sets."""
REACH_SECONDS = 1.5
"""How long the hub may take to answer the first question; its client would try six times, for 24 seconds."""


@dataclass(frozen=True)
class Copy:
    """Files on this machine that hold a data set: Parquet as on the hub, or a folder of `save_to_disk`."""

    root: Path
    files: tuple[Path, ...]
    saved: bool

    def facts(self) -> list[tuple[str, int, int]]:
        """Name, size and time of every file: a changed file is noticed."""
        stats = [(file.relative_to(self.root).as_posix(), file.stat()) for file in self.files]
        return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]

    def open(self, spec: HubSpec, columns: Sequence[str], cache: Path) -> Dataset:
        """All rows of these columns, memory-mapped, with images as the encoded bytes.

        Parquet cannot be mapped: it is converted to Arrow once, into `cache`.

        Raises:
            DataError: files that cannot be read, missing columns, an image column without images.
        """
        import pyarrow as pa
        from datasets import DatasetDict, load_dataset, load_from_disk
        from datasets.exceptions import DatasetGenerationError

        try:
            if self.saved:
                found = load_from_disk(str(self.root))
            else:
                files = [str(file) for file in self.files]
                found = load_dataset("parquet", data_files=files, split="train", cache_dir=str(cache))
        except (pa.ArrowException, DatasetGenerationError, OSError, ValueError) as error:
            reason = _line(error.__cause__ or error)
            raise DataError(f"{self.root}: cannot be read as a copy of {spec.repo}: {reason}") from error
        if isinstance(found, DatasetDict):
            if len(found) != 1:
                raise DataError(f"{self.root}: holds {len(found)} splits, {', '.join(found)}; {spec.repo} has one")
            (found,) = found.values()
        return _with_encoded_images(found, spec, columns, self.root)


def _with_encoded_images(found: Dataset, spec: HubSpec, columns: Sequence[str], root: Path) -> Dataset:
    from datasets import Image

    for column in columns:
        try:
            choose(column, found.column_names, f"column of {spec.repo}")
        except UnknownName as error:
            raise DataError(f"{root}: this is no copy of {spec.repo}, its columns differ: {error}") from error
    kind = found.features[spec.image]
    if not isinstance(kind, Image) and not (isinstance(kind, dict) and {"bytes", "path"} <= kind.keys()):
        raise DataError(f"{root}: column {spec.image!r} holds {kind}; {spec.repo} has images there")
    return found.select_columns(list(columns)).cast_column(spec.image, Image(decode=False))


def local_copy(name: str, spec: HubSpec, root: Path) -> Copy:
    """The files at `root`.

    Raises:
        DataError: nothing there that can be read, or a shard of a download missing.
    """
    if (root / "state.json").is_file() or (root / "dataset_dict.json").is_file():
        return Copy(root, tuple(sorted(root.rglob("*.arrow"))), saved=True)
    files = tuple(sorted(root.rglob("*.parquet"))) if root.is_dir() else ()
    if not files:
        raise DataError(
            f"{name}: {root} is no local copy of {spec.repo}; valid is a folder with its Parquet files, or one "
            f"written by save_to_disk. {_how(name, spec.repo, spec.revision)}"
        )
    _check_shards(root, files)
    return Copy(root, files, saved=False)


def _check_shards(root: Path, files: Iterable[Path]) -> None:
    """`data-00000-of-00009.parquet` says how many there are."""
    found: dict[tuple[str, int], set[int]] = {}
    for file in files:
        shard = re.fullmatch(r"(.+)-(\d{5})-of-(\d{5}).*", file.stem)
        if shard:
            found.setdefault((shard[1], int(shard[3])), set()).add(int(shard[2]))
    for (label, count), numbers in found.items():
        missing = sorted(set(range(count)) - numbers)
        if missing:
            which = ", ".join(f"{label}-{one:05d}-of-{count:05d}*.parquet" for one in missing[:3])
            raise DataError(f"{root}: {len(missing)} of {count} files are missing: {which}; download them again")


def hub_copy(name: str, spec: HubSpec, revision: str, progress: bool) -> Copy:
    """The files of this revision in the hub's cache, downloaded if need be.

    A revision that is there is not asked for again: nothing is contacted.

    Raises:
        DataError: not in the cache, and the hub is switched off, unreachable or does not have it; says how to bring
            the data set.
    """
    root = _cached(spec, revision)
    if root is None:
        _reach(name, spec, revision)
        root = _download(name, spec, revision, progress)
    return Copy(root, tuple(sorted(root.glob(PATTERN))), saved=False)


def _cached(spec: HubSpec, revision: str) -> Path | None:
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        root = _snapshot(spec, revision, local_files_only=True)
    except LocalEntryNotFoundError:  # also for a download that broke off
        return None
    return root if any(root.glob(PATTERN)) else None


def _reach(name: str, spec: HubSpec, revision: str) -> None:
    """Ask one question, once: the download would try six times before it gave up."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import OfflineModeIsEnabled

    try:
        HfApi().dataset_info(spec.repo, revision=revision, timeout=REACH_SECONDS)
    except Exception as error:  # the hub's HTTP library, and so the errors, differs between versions
        off = isinstance(error, OfflineModeIsEnabled)
        reason = "the hub is switched off (HF_HUB_OFFLINE)" if off else f"the hub did not give it: {_line(error)}"
        raise DataError(
            f"{name}: {spec.repo}, revision {revision[:7]}, is not in the hub's cache, and {reason}. "
            f"{_how(name, spec.repo, revision)}"
        ) from error


def _download(name: str, spec: HubSpec, revision: str, progress: bool) -> Path:
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if not progress:
        disable_progress_bars()
    try:
        return _snapshot(spec, revision, local_files_only=False)
    except OSError as error:
        raise DataError(
            f"{name}: the download of {spec.repo} stopped: {_line(error)}; run it again, finished files are kept"
        ) from error


def _snapshot(spec: HubSpec, revision: str, local_files_only: bool) -> Path:
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(
            spec.repo,
            repo_type="dataset",
            revision=revision,
            allow_patterns=PATTERN,
            local_files_only=local_files_only,
        )
    )


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _how(name: str, repo: str, revision: str) -> str:
    return (
        f"Where there is a connection: hf download {repo} --repo-type dataset --revision {revision} --local-dir DIR; "
        f"then --data {name}=DIR"
    )
