"""What is known of each data set on the Hugging Face hub: revision, columns, classes to predict, licence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.datasets.fashion_products import PROMPTS
from benchmarks.datasets.hub.parts import RULE, by_hash, by_product
from benchmarks.datasets.loading.rows import Part
from benchmarks.datasets.loading.splits import Card


@dataclass(frozen=True)
class HubSpec:
    """One data set.

    Attributes:
        repo: its name on the hub.
        revision: the commit whose files are read.
        rows: how many the hub shows.
        image: column of the photo.
        text: column of the text.
        id: column that names the row.
        labels: columns that can be tasks.
        tasks: the columns that are tasks by default.
        product: regular expression over the id; what its group matches names the product, whose rows never cross
            splits.
        texts_tie: whether rows with the same text (case and spaces apart) never cross splits, too.
        parts: from ids and group names to the split of each row.
        prompts: task -> zero-shot templates, where they are not the usual ones.
    """

    repo: str
    revision: str
    rows: int
    card: Card
    labels: tuple[str, ...]
    tasks: tuple[str, ...]
    id: str
    text: str = "text"
    image: str = "image"
    product: str = "(.+)"
    texts_tie: bool = True
    parts: Callable[[Sequence[str], Sequence[str]], list[Part]] = by_hash
    prompts: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: PROMPTS)


_AS_FASHION_PRODUCTS = (
    "product by product the frozen split of fashion-products (rule fashion-products/v1), so that the weights shipped "
    "with the project were not pretrained on its test products; products of one title stay together"
)
_HASHED = f"none on the hub; 70 / 10 / 20 % by a hash of the product (rule {RULE})"

SPECS: Mapping[str, HubSpec] = {
    "hub-fashion-products-small": HubSpec(
        repo="ashraq/fashion-product-images-small",
        revision="3859c76db2f6f3d3b9a3863345e3ccdbff75879d",
        rows=44_072,
        id="id",
        text="productDisplayName",
        labels=(
            "gender",
            "masterCategory",
            "subCategory",
            "articleType",
            "baseColour",
            "season",
            "year",
            "usage",
        ),
        tasks=("articleType", "baseColour", "season", "usage"),
        parts=by_product,
        card=Card(
            title="Fashion Product Images (Small), copy on the hub",
            image="product photo, 60 x 80 px",
            text="productDisplayName: brand, audience, colour, type",
            labels="gender, masterCategory, subCategory, articleType, baseColour, season, year, usage",
            splits=_AS_FASHION_PRODUCTS,
            source="https://huggingface.co/datasets/ashraq/fashion-product-images-small",
            licence="MIT according to the page of the Kaggle original; the hub names none",
            notes="44,072 of the original's 44,441 products; titles leak labels as in fashion-products.",
        ),
    ),
    "hub-kagl": HubSpec(
        repo="Marqo/KAGL",
        revision="5146654f23da1f808a86370320cc8128c928f6f9",
        rows=44_434,
        id="item_ID",
        labels=("gender", "category1", "category2", "category3", "baseColour", "season", "year", "usage"),
        tasks=("category3", "baseColour", "season", "usage"),
        parts=by_product,
        card=Card(
            title="KAGL: Fashion Product Images in full size, copy on the hub",
            image="product photo, full size (12.7 GB in all)",
            text="text: the product's title",
            labels="gender, category1 to category3 (master category, sub-category, article type), baseColour, season, "
            "year, usage",
            splits=_AS_FASHION_PRODUCTS,
            source="https://huggingface.co/datasets/Marqo/KAGL",
            licence="MIT",
            notes="The products of fashion-products: titles leak labels as there.",
        ),
    ),
    "hub-fashion200k": HubSpec(
        repo="Marqo/fashion200k",
        revision="c84bfcb88206e519e58415a74f276ea8510cc6a3",
        rows=201_624,
        id="item_ID",
        labels=("category1", "category2"),
        tasks=("category1", "category2"),
        product=r"(\d+)_\d+",
        texts_tie=False,  # captions as short as "dress." would tie unrelated products into one huge group
        card=Card(
            title="Fashion200K, copy on the hub",
            image="shop photo of women's clothing, several a product",
            text="text: a generated caption of the photo, another one for every view",
            labels="category1 (5), category2 (31)",
            splits=_HASHED,
            source="https://huggingface.co/datasets/Marqo/fashion200k",
            licence="Apache-2.0 according to the hub",
            notes="Captions were generated from the photos and name the category. The split is ours: Marqo's own "
            "numbers on this set are retrieval scores over all rows and do not compare.",
        ),
    ),
    "hub-deepfashion-inshop": HubSpec(
        repo="Marqo/deepfashion-inshop",
        revision="0707fd595b2750c4f2c554f7240621ffc0f0e898",
        rows=52_591,
        id="item_ID",
        labels=("category1", "category2", "category3", "color"),
        tasks=("category1", "category2", "color"),
        product=r".+_(id_\d+)_\d+_\d+_\w+",
        card=Card(
            title="DeepFashion In-shop, copy on the hub",
            image="shop photo, several views a product, 224 x 224 px",
            text="text: the shop's description, the same for all views of a product",
            labels="category1 (2), category2 (16), category3 (8, often missing), color (804, most of them rare)",
            splits=_HASHED + "; products of one description stay together",
            source="https://huggingface.co/datasets/Marqo/deepfashion-inshop",
            licence="not stated on the hub; DeepFashion's own terms allow non-commercial research",
            notes="item_ID names a view (..._id_00000080_01_1_front), so it is cut to its product. The split is ours, "
            "not DeepFashion's retrieval protocol.",
        ),
    ),
}
