"""The vocabulary of titles. Word lists only; which of them a title uses is decided in `titles`."""

from __future__ import annotations

COLOR_WORDS: dict[str, tuple[str, ...]] = {
    "black": ("jet black", "onyx", "noir"),
    "blue": ("navy", "cobalt", "sky blue", "azure"),
    "brown": ("chocolate", "camel", "chestnut", "tan"),
    "green": ("olive", "emerald", "forest green", "mint"),
    "grey": ("gray", "charcoal", "slate", "ash"),
    "pink": ("blush", "rose", "fuchsia"),
    "purple": ("violet", "lavender", "plum"),
    "red": ("crimson", "scarlet", "ruby"),
    "white": ("ivory", "snow white", "off-white"),
    "yellow": ("mustard", "lemon", "canary"),
}
PATTERN_WORDS: dict[str, tuple[str, ...]] = {
    "animal": ("animal print", "leopard print", "leopard"),
    "checked": ("checked", "plaid", "gingham", "tartan"),
    "dotted": ("dotted", "polka dot", "spotted"),
    "floral": ("floral", "flower print", "blossom print"),
    "solid": ("solid", "plain", "one-tone"),
    "striped": ("striped", "pinstripe", "stripes"),
    "zigzag": ("zigzag", "chevron", "zig-zag print"),
}
STYLE_WORDS: dict[str, tuple[str, ...]] = {
    "bohemian": ("bohemian", "boho", "hippie", "free-spirited"),
    "casual": ("casual", "everyday", "weekend", "laid-back"),
    "formal": ("formal", "office", "business", "boardroom"),
    "party": ("party", "cocktail", "glam", "night out"),
    "sporty": ("sporty", "gym", "athletic", "training"),
    "vintage": ("vintage", "retro", "50s", "old-school"),
}
OCCASIONS: dict[str, tuple[str, ...]] = {
    "bohemian": ("for festival days", "with a folk spirit", "boho inspired"),
    "casual": ("for lazy sundays", "for every day", "easy to wear and share"),
    "formal": ("for the office", "for meetings and interviews", "ideal for business"),
    "party": ("for the dance floor", "for a night out", "made to celebrate"),
    "sporty": ("for your workout", "for gym and track", "for active people"),
    "vintage": ("in a 1970s look", "as grandma had it", "retro inspired"),
}
NEUTRAL = ("new season", "signature", "premium", "", "", "")

_WEAR = ("women", "womens", "men", "mens", "ladies", "unisex", "girls", "boys", "kids")
_HOME = ("", "", "gift", "home")
_CLOTH = ("cotton", "linen", "wool", "viscose", "polyester", "denim", "jersey", "")
_HARD = ("leather", "canvas", "suede", "recycled", "")

NOUNS: dict[str, tuple[str, ...]] = {
    "bag": ("bag", "handbag", "tote bag", "shopper"),
    "cushion": ("cushion", "throw pillow", "cushion cover"),
    "dress": ("dress", "sheath dress", "midi dress", "sundress", "a-line dress"),
    "hat": ("hat", "brimmed hat", "fedora"),
    "jacket": ("jacket", "blazer", "coat"),
    "mug": ("mug", "coffee mug", "cup"),
    "shirt": ("shirt", "button-down shirt", "long sleeve shirt"),
    "shoe": ("shoes", "sneakers", "trainers"),
    "skirt": ("skirt", "pleated skirt", "a-line skirt"),
    "t-shirt": ("t-shirt", "tee", "crew neck t-shirt"),
    "trousers": ("trousers", "pants", "straight leg trousers"),
    "umbrella": ("umbrella", "folding umbrella", "rain umbrella"),
}
AUDIENCES: dict[str, tuple[str, ...]] = {
    name: _HOME if name in ("cushion", "mug", "umbrella") else _WEAR for name in NOUNS
}
MATERIALS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(NOUNS, _CLOTH),
    **dict.fromkeys(("bag", "hat", "shoe"), _HARD),
    "mug": ("ceramic", "porcelain", "stoneware", ""),
    "umbrella": ("windproof", "automatic", "compact", ""),
}
BRANDS = (
    "Alder & Co", "Brightpeak", "Corvena", "Dunmore", "Eastlane", "Fjella", "Grove", "Halden", "Iris Lane",
    "Juno", "Kestrel", "Lumen", "Marlow", "Northway", "Orsa", "Pepin", "Quill", "Rowan", "Solberg", "Tamsin",
)  # fmt: skip
CHATTER = (
    "free shipping", "bestseller", "sale", "100% original", "gift idea", "limited offer", "pack of 1",
    "fast delivery", "top rated", "summer 2019", "as seen on tv", "best price",
)  # fmt: skip
COMPANIONS = ("jeans", "belt", "scarf", "boots", "curtains", "gloves", "sofa", "cardigan")
