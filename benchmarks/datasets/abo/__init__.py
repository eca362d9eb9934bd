"""Amazon Berkeley Objects (ABO): listings of Amazon's own brands, with photos and free-text attributes.

The open stand-in for the paper's MRWPA, which is not public: it has titles, photos, color, pattern and style. Input:
the main photo and the title (`item_name`) in one language, on request with the bullet points. Labels: `color`,
`pattern`, `style`, `material` are what sellers wrote, mapped to classes by a frozen list (`mapping`); `product_type`
is Amazon's code. Labels are read in English whatever the language of the text, because the list is English. A value
that the list does not know is a missing label, never a guess; the report counts them per attribute. Classes with fewer
than `min_count` training rows become missing labels, too.

Source: https://amazon-berkeley-objects.s3.amazonaws.com/ , 147,702 listings and 398,212 images. Licence: CC BY 4.0
(earlier copies: CC BY-NC 4.0; the file in your archive decides). Layout, as `abo-listings.tar` and
`abo-images-small.tar` unpack: `listings/metadata/listings_<0-9,a-f>.json.gz`, `images/metadata/images.csv.gz` and
`images/small/<path>` (at most 256 px). An example is a listing, (item_id, domain_name). Listings without a title in
the language are left out, listings without `main_image_id`, or with one that the csv does not know, have no image;
both are counted. A photo that the csv knows and the folder has not is a bad sample.

Split: frozen, 70 / 10 / 20 % of the groups by a hash of the group's name (rule `abo/v1`); the original has none. One
group are all listings that share an item id (the same product on another marketplace), an image id, a title in any
language (case and spaces apart), or a byte-identical photo; the chosen language, texts and tasks change no split. The
report tells the checksum of the split, so that two users can compare theirs.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from tqdm import tqdm

from benchmarks.datasets.abo.labels import CODED, coverage, label_of
from benchmarks.datasets.abo.listings import SHARDS, Listing, Wanted, best_tag, read_listings
from benchmarks.datasets.abo.mapping import SHA256, VERSION
from benchmarks.datasets.abo.photos import read_paths
from benchmarks.datasets.loading import grouping as groups
from benchmarks.datasets.loading.build import Row, TaskSpec, build_splits
from benchmarks.datasets.loading.images import digest
from benchmarks.datasets.loading.splits import Card, DataError, Names, Options, Source, Splits
from benchmarks.names import choose

RULE = "abo/v1"
LISTINGS, TABLE, PHOTOS = "listings/metadata", "images/metadata/images.csv.gz", "images/small"
SHOWN = 5
"""Most skipped lines that the report tells; all are counted."""

PROMPTS = {
    "color": ("a photo of a {} product.", "{} color", "{}"),
    "pattern": ("a product with a {} pattern.", "{} pattern", "{}"),
    "style": ("a product in {} style.", "{} style", "{}"),
    "material": ("a product made of {}.", "{}"),
    CODED: ("a photo of a {}.", "{}"),
}

CARD = Card(
    title="Amazon Berkeley Objects",
    image="main product photo, JPEG, at most 256 px",
    text="item_name in one language, on request with the bullet points",
    labels=f"color, pattern, style, material: sellers' free text through the frozen list {VERSION} "
    f"(sha256 {SHA256[:16]}), what it does not know is missing; product_type: Amazon's codes",
    splits="frozen 70 / 10 / 20 % by item, image and title group (rule abo/v1); the original has none",
    source="https://amazon-berkeley-objects.s3.amazonaws.com/",
    licence="CC BY 4.0; earlier copies CC BY-NC 4.0: the licence file of your archive decides",
    notes="The report tells per attribute how many listings have a label. Many titles name color and material.",
)


class ABOOptions(Options):
    """What of it is used.

    Attributes:
        tasks: attributes to predict.
        language: of the text: "en" takes en_US before en_GB before other en_..; "en_IN" takes that one only.
        text: the title alone, or with the bullet points of the same language, a line each.
        images: false for texts alone; then only the listings are needed, and byte-identical photos with different
            image ids tie no groups.
        min_count: classes with fewer training rows become missing labels.
    """

    tasks: Names = Field(("color", "pattern", "style"), min_length=1)
    language: str = Field("en", pattern=r"^[a-z]{2}(_[A-Z]{2})?$")
    text: Literal["title", "title+bullets"] = "title"
    images: bool = True
    min_count: int = Field(50, ge=1)

    @field_validator("tasks")
    @classmethod
    def _known(cls, tasks: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(choose(task, PROMPTS, "attribute") for task in tasks)


def load(source: Source, options: ABOOptions) -> Splits:
    """Read `listings/` and `images/` below `source.root`.

    Raises:
        DataError: a missing file, a listing that cannot be read, a missing or corrupt photo.
    """
    folder = _Folder(_root(source.root, options), options, source)
    return build_splits(
        name="abo",
        card=CARD,
        key=folder.key(),
        rows=folder.rows,
        tasks=[TaskSpec(task, None, options.min_count, PROMPTS[task], refuse_unseen=False) for task in options.tasks],
        source=source,
        notes=folder.notes,
    )


def _root(root: Path | None, options: ABOOptions) -> Path:
    layout = f"unpack abo-listings.tar and abo-images-small.tar there: it needs {LISTINGS}/, {TABLE} and {PHOTOS}/"
    if root is None:
        raise DataError(f"abo needs a folder: --data abo=DIR; {layout}")
    needed = [*(f"{LISTINGS}/{shard}" for shard in SHARDS), *((TABLE, PHOTOS) if options.images else ())]
    missing = [name for name in needed if not (root / name).exists()]
    if missing:
        raise DataError(f"abo: {root} has no {missing[0]} ({len(missing)} of {len(needed)} are missing); {layout}")
    return root


class _Folder:
    """The official folder; every file is read when it is first needed, and once."""

    def __init__(self, root: Path, options: ABOOptions, source: Source):
        self._root = root
        self._options = options
        self._source = source

    def key(self) -> str:
        """Options, the mapping, the tables' content, and name, size and time of every photo."""
        hashed = hashlib.sha256(f"{self._root.absolute()} {self._options.model_dump_json()} {SHA256}".encode())
        tables = [f"{LISTINGS}/{shard}" for shard in SHARDS]
        for name in [*tables, TABLE] if self._options.images else tables:
            hashed.update((self._root / name).read_bytes())
        for folder in sorted((self._root / PHOTOS).glob("*/")) if self._options.images else ():
            with os.scandir(folder) as entries:
                facts = sorted((entry.name, entry.stat().st_size, entry.stat().st_mtime_ns) for entry in entries)
            hashed.update(f"{folder.name} {facts}".encode())
        return hashed.hexdigest()

    def rows(self) -> Iterator[Row]:
        """The listings of the language, in the order of the files."""
        for listing, group, title in self._used:
            yield Row(
                id=_id(listing),
                group=group,
                part=groups.part_of(group, RULE),
                image=self._paths.get(listing.image_id or ""),
                text="\n".join((title, *listing.bullets)),
                labels={task: label_of(listing, task) for task in self._options.tasks},
                origin=listing.origin,
            )

    def notes(self) -> list[str]:
        """The split, what was left out, and how many listings have a label."""
        listings = [listing for listing, *_ in self._used]
        sizes = Counter(group for _, group, _ in self._used)
        found = groups.summary({_id(one): groups.part_of(group, RULE) for one, group, _ in self._used}, RULE)
        return [
            f"Split {RULE}: {found['rows']:,} listings in {len(sizes):,} groups, the largest of "
            f"{max(sizes.values(), default=0):,}; checksum {found['sha256'][:12]}.",
            f"Labels by {VERSION}, sha256 {SHA256[:12]}.",
            f"Left out: {len(self._listings) - len(listings):,} of {len(self._listings):,} listings without a title "
            f"in {self._options.language}.",
            *([self._image_note(listings)] if self._options.images else []),
            *(coverage(listings, task) for task in self._options.tasks),
            *self._skipped_note(),
        ]

    def _image_note(self, listings: Sequence[Listing]) -> str:
        without = sum(listing.image_id is None for listing in listings)
        unknown = sum(listing.image_id is not None and listing.image_id not in self._paths for listing in listings)
        return f"No image: {without:,} listings without main_image_id, {unknown:,} whose id {Path(TABLE).name} lacks."

    def _skipped_note(self) -> list[str]:
        _, problems = self._read
        return [f"Lines skipped: {len(problems):,} ({'; '.join(problems[:SHOWN])})."] if problems else []

    @cached_property
    def _read(self) -> tuple[list[Listing], list[str]]:
        bullets_in = self._options.language if self._options.text == "title+bullets" else None
        return read_listings(self._root / LISTINGS, Wanted(self._options.tasks, bullets_in), self._source)

    @property
    def _listings(self) -> list[Listing]:
        return self._read[0]

    @cached_property
    def _paths(self) -> Mapping[str, Path]:
        if not self._options.images:
            return {}
        wanted = {listing.image_id for listing in self._listings if listing.image_id}
        return read_paths(self._root / TABLE, self._root / PHOTOS, wanted)

    @cached_property
    def _used(self) -> list[tuple[Listing, str, str]]:
        """(Listing, group, title in the language); the groups are those of all listings."""
        names = groups.join([self._keys(listing) for listing in self._listings])
        tags = [best_tag(listing.titles, self._options.language) for listing in self._listings]
        return [
            (listing, group, listing.titles[tag])
            for listing, group, tag in zip(self._listings, names, tags, strict=True)
            if tag is not None
        ]

    def _keys(self, listing: Listing) -> tuple[str, ...]:
        titles = sorted({f"title:{groups.normalise(title)}" for title in listing.titles.values()})
        if listing.image_id is None:
            return (f"item:{listing.item_id}", *titles)
        photo = self._photo_hashes.get(listing.image_id)
        images = (f"image:{listing.image_id}", *((f"photo:{photo}",) if photo else ()))
        return (f"item:{listing.item_id}", *titles, *images)

    @cached_property
    def _photo_hashes(self) -> Mapping[str, str]:
        there = {image_id: path for image_id, path in self._paths.items() if path.is_file()}
        with ThreadPoolExecutor() as pool:
            hashes = pool.map(lambda path: digest(path.read_bytes()), there.values())
            shown = tqdm(hashes, "hash photos", len(there), disable=not self._source.progress, delay=2, leave=False)
            return dict(zip(there, shown, strict=True))


def _id(listing: Listing) -> str:
    return f"{listing.item_id}@{listing.domain}"
