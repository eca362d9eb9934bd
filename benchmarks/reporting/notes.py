"""Titles and footnotes of tables and figures: what a reader must know before believing the numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from benchmarks.datasets import DATASETS
from benchmarks.metrics import GROUP_INTERVALS
from benchmarks.records.record import CLEAN, Record
from benchmarks.reporting.statistics.aggregate import Models, num_test, records_of, versions_of


def footnotes(models: Models) -> tuple[str, ...]:
    """One sentence each about the records of one data set; those that begin with "Caution" question the numbers."""
    notes = (
        *_cautions(models),
        *_contaminated(models),
        *_unknown_past(models),
        *_missing(models),
        *_sizes(models),
        *resampled(models),
        *_unconverged(models),
        *_backbones(models),
        *cut_texts(models),
        *_tuned(models),
        *_left_out(models),
    )
    return tuple(notes)


(GROUPED,) = GROUP_INTERVALS
"""In the versions of records whose intervals are over groups of rows."""

RANDOM = "random:"
"""How ids of untrained backbones begin, as in `cma_clip.backbone.loading`, whose import takes seconds."""


def _missing(models: Models) -> Iterable[str]:
    absent = [model for model, records in models.items() if not records]
    if absent:
        yield f"No record of {', '.join(absent)}."
    most = max(map(len, models.values()))
    fewer = [f"{model} {len(records)}" for model, records in models.items() if 0 < len(records) < most]
    if fewer:
        yield f"Fewer than {most} seeds: {', '.join(fewer)}."


def _contaminated(models: Models) -> Iterable[str]:
    """Test rows that a backbone was pretrained on: found by their texts, as far as the backbone's folder tells."""
    seen: dict[int, list[str]] = {}
    for model, records in models.items():
        rows = max((record.trained_rows or 0 for record in records), default=0)
        if rows:
            seen.setdefault(rows, []).append(model)
    test = records_of(models)[0].sizes["test"]
    for rows, names in seen.items():
        yield (
            f"Caution: the backbone was pretrained on the texts of {rows:,} of the {test:,} test examples: "
            f"{', '.join(names)}."
        )


def _unknown_past(models: Models) -> Iterable[str]:
    found = [record for record in records_of(models) if record.trained_rows is None]
    names = dict.fromkeys(str(record.config["backbone"]) for record in found if "backbone" in record.config)
    for name in names:
        if not name.startswith(RANDOM):
            yield f"What {name} was pretrained on is not recorded: whether test examples were among it is not known."


def _sizes(models: Models) -> Iterable[str]:
    sizes = records_of(models)[0].sizes
    if "train" in sizes and "val" in sizes:
        yield f"Trained on {sizes['train']:,} rows, validated on {sizes['val']:,}."


def resampled(models: Models) -> Iterable[str]:
    """What intervals and tests take for one draw, where rows may belong together."""
    everything = records_of(models)
    kept = next((groups for record in everything for groups in record.groups.values()), None)
    if kept is not None:
        yield (
            "Intervals and tests draw groups of rows whole (views of a product, equal titles, equal photos), as splits "
            f"are made: {kept.numbers().max() + 1:,} groups of {kept.n:,} test rows."
        )
    by_rows = [
        model
        for model, records in models.items()
        if any(_may_share(record) and GROUPED not in record.versions for record in records)
    ]
    if by_rows:
        which = f" of {', '.join(by_rows)}" if len(by_rows) < sum(map(bool, models.values())) else ""
        yield (
            f"Intervals{which if kept else ' and tests'} are over rows, as if none were like another: these records "
            "were made before groups were kept. Where rows share a title, a photo or a product they are too narrow."
        )


def _may_share(record: Record) -> bool:
    dataset = DATASETS.get(record.experiment.dataset)
    return dataset is not None and dataset.shares_groups


def _unconverged(models: Models) -> Iterable[str]:
    """Regressions that ended before they had converged; none for records made before that was told."""
    for model, records in models.items():
        tasks = dict.fromkeys(task for record in records for task in record.facts.get("unconverged", ()))
        if tasks:
            most = records[0].config["max_iter"]
            yield f"{model} had not converged after {most} iterations on {', '.join(tasks)}; max_iter allows more."


def _backbones(models: Models) -> Iterable[str]:
    users: dict[str, list[str]] = {}
    for model, records in models.items():
        for backbone in dict.fromkeys(_backbone(record) for record in records):
            if backbone:
                users.setdefault(backbone, []).append(model)
    for backbone, names in users.items():
        yield f"Backbone {backbone}" + (f": {', '.join(names)}." if len(users) > 1 else ".")


def cut_texts(models: Models) -> Iterable[str]:
    """Texts that a backbone does not read to their end; none for records made before this was counted."""
    readers: dict[tuple[float, int, str, int], list[str]] = {}
    for model, records in models.items():
        for found in dict.fromkeys(map(_cut, records)):
            if found is not None:
                readers.setdefault(found, []).append(model)
    for (share, most, backbone, windows), names in readers.items():
        more = min(16, 4 * windows)  # the most that `cma_clip.backbone.windows` allows
        yield (
            f"{100 * share:.3g} % of the texts are longer than the {most} tokens that {backbone} reads; the rest of "
            f"them is not seen by {', '.join(names)}."
            + (f" text_windows={more} reads more of them." if more > windows else "")
        )


def _cut(record: Record) -> tuple[float, int, str, int] | None:
    """(share of longer texts over all splits, tokens read, backbone, windows); None where no text is longer."""
    shares: dict[str, float] = record.facts.get("cut_texts", {})
    if not any(shares.values()):
        return None
    rows = sum(record.sizes[split] for split in shares)
    share = sum(cut * record.sizes[split] for split, cut in shares.items()) / rows
    return share, record.facts["text_tokens"], record.config["backbone"], record.config.get("text_windows", 1)


def _tuned(models: Models) -> Iterable[str]:
    by: dict[str, list[str]] = {}
    for model, records in models.items():
        for origin in dict.fromkeys(record.experiment.tuned for record in records):
            by.setdefault(origin, []).append(model)
    if set(by) != {""}:
        for origin, names in by.items():
            yield (f"Tuned on validation, {origin}: " if origin else "Not tuned: ") + f"{', '.join(names)}."


def _backbone(record: Record) -> str | None:
    if "backbone" not in record.config:
        return None
    freeze = record.config.get("freeze", "all")
    levels = {"all": "frozen", "none": "fine-tuned", 1: "last block fine-tuned"}
    return f"{record.config['backbone']}, {levels.get(freeze, f'last {freeze} blocks fine-tuned')}"


def _left_out(models: Models) -> Iterable[str]:
    report = records_of(models)[0].data_report
    for task, dropped in sorted(report.get("dropped_classes", {}).items()):
        if dropped:
            yield (
                f"{task}: {len(dropped)} classes with too few training rows were dropped; "
                f"their {sum(dropped.values()):,} labels count as missing."
            )
    if bad := report.get("bad_samples"):
        yield f"{len(bad):,} of {report['rows']:,} samples could not be used and were skipped; the records list them."
    yield from report.get("notes", ())


def _cautions(models: Models) -> Iterable[str]:
    """Differences between records that are meant to differ in the model or the seed only."""
    everything = records_of(models)
    for what, of in _SHARED.items():
        kinds = len({_canonical(of(record)) for record in everything})
        if kinds > 1:
            yield f"Caution: the rows mix {kinds} {what}."
    yield from _mixed_versions(everything)
    for what, of in _SAME_FOR_ALL_SEEDS.items():
        mixed = [model for model, records in models.items() if len({_canonical(of(record)) for record in records}) > 1]
        if mixed:
            yield f"Caution: the seeds differ in {what}: {', '.join(mixed)}."


def _mixed_versions(records: Iterable[Record]) -> Iterable[str]:
    for name, versions in sorted(versions_of(records).items()):
        if len(versions) > 1:
            yield f"Caution: the rows mix versions {', '.join(map(str, sorted(versions)))} of {name}."


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True)


_SHARED: dict[str, Callable[[Record], object]] = {
    "versions of the data": lambda record: record.fingerprints.get("data"),
    "sets of library versions": lambda record: [
        record.environment.get("python"),
        record.environment.get("libraries"),
    ],
}
_SAME_FOR_ALL_SEEDS: dict[str, Callable[[Record], object]] = {
    "hyper-parameters": lambda record: record.experiment.hparams,  # a config names all that its release had
    "pretrained weights": lambda record: record.fingerprints.get("weights"),
}


SELECTION = "epoch chosen on validation, never on test"


def dataset_title(dataset: str, models: Models) -> str:
    """The data set, and whether labels were taken out of its titles."""
    titles = {record.experiment.dataset_options.get("titles") for record in records_of(models)}
    return f"{dataset} with masked titles" if titles == {"masked"} else dataset


def table_title(shown: str, models: Models, condition: str = CLEAN) -> str:
    """`shown`, then what a reader must know of the numbers: seeds, test examples, selection."""
    counts = sorted({len(records) for records in models.values() if records})
    seeds = f"{counts[0]} to {counts[-1]} seeds" if len(counts) > 1 else f"{counts[0]} seed{'s' * (counts[0] > 1)}"
    over = f"mean ± std over {seeds}" if counts[-1] > 1 else seeds
    return f"{shown}; {over}; {num_test(models, condition):,} test examples; {SELECTION}"
