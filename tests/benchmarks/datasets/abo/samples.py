"""What the tests read from the twin and from the splits."""

import gzip
import json

from benchmarks.datasets.abo import LISTINGS
from benchmarks.datasets.abo.listings import SHARDS


def read_records(folder):
    """All listings in the order in which the twin made them."""
    shards = [gzip.decompress((folder / LISTINGS / shard).read_bytes()).decode().splitlines() for shard in SHARDS]
    rows = [shards[number % 16][number // 16] for number in range(sum(map(len, shards)))]
    return [json.loads(row) for row in rows]


def id_of(record):
    return f"{record['item_id']}@{record['domain_name']}"


def examples_of(splits):
    return {example.id: example for part in splits.parts().values() for example in part}


def labels_of(splits):
    """Id -> task -> class, without decoding a photo."""
    tasks = {task.name: task.classes for task in splits.tasks}
    return {
        name: {task: tasks[task][label] for task, label in row.items()}
        for part in splits.parts().values()
        for name, row in zip(part.ids(), part.label_rows(), strict=True)
    }


def groups_of(splits):
    return {
        name: group for part in splits.parts().values() for name, group in zip(part.ids(), part.groups(), strict=True)
    }


def note_of(splits, start):
    (note,) = [note for note in splits.report.notes if note.startswith(start)]
    return note


CLASSES = {"animal": "animal print", "dotted": "polka dot", "zigzag": "chevron"}
"""What the frozen mapping calls the catalogue's classes where it calls them otherwise."""
