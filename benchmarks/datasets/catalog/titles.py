"""The grammar of product titles: slots, word orders, and the noise of real shops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.datasets.catalog.attributes import CLASSES, Evidence, pick
from benchmarks.datasets.catalog.words import (
    AUDIENCES,
    BRANDS,
    CHATTER,
    COLOR_WORDS,
    COMPANIONS,
    MATERIALS,
    NEUTRAL,
    NOUNS,
    OCCASIONS,
    PATTERN_WORDS,
    STYLE_WORDS,
)

ORDERS = (
    "{brand} {name} {audience} {color} {pattern} {style} {material} {noun} {occasion}",
    "{audience} {color} {pattern} {style} {material} {noun} {occasion} - {brand} {name}",
    "{brand} {name} {style} {noun} {occasion} {color} {pattern} {material} {audience}",
    "{name} {pattern} {material} {style} {noun} {color} {occasion} - {brand}",
    "{color} {style} {noun} {occasion} - {pattern} {material} - {audience} - {brand} {name}",
)

_CONSONANTS, _VOWELS, _ENDINGS = "bdfghjklmnprstvwxyzc", "aeiou", ("", "n", "r", "s", "l", "t", "m", "x")
NAMES = 100**3 * len(_ENDINGS)
"""How many products can have a name of their own."""


def name_of(index: int) -> str:
    """The model name of a product, e.g. "Tavolun": a bijection, so that no two titles are equal.

    Shops do name their models; one invented word costs a model less than a number would, and unlike redrawing
    the titles that occur twice it depends on no other product.
    """
    # The multiplier shares no factor with NAMES; it sets names of neighbours far apart.
    rest, ending = divmod(index * 5_308_417 % NAMES, len(_ENDINGS))
    word = ""
    for _ in range(3):
        rest, syllable = divmod(rest, 100)
        word += _CONSONANTS[syllable // 5] + _VOWELS[syllable % 5]
    return word + _ENDINGS[ending]


def _typo(words: str, rng: np.random.Generator) -> str:
    """The words with a letter lost, doubled or swapped with its neighbour, never the first."""
    place = int(rng.integers(1, max(2, len(words) - 1)))
    head, here, tail = words[:place], words[place : place + 1], words[place + 1 :]
    return pick(rng, (head + tail, head + here + here + tail, head + tail[:1] + here + tail[1:]))


def _word(name: str | None, synonyms: Mapping[str, tuple[str, ...]], rng: np.random.Generator) -> str:
    """The class name half of the time, else another word for it; nothing for None."""
    if name is None:
        return ""
    return name if rng.random() < 0.5 else pick(rng, synonyms[name])


def _attribute_slots(evidence: Evidence, rng: np.random.Generator) -> dict[str, str]:
    """The words that tell color, pattern and style; style by a word or by an occasion."""
    slots = {
        "color": _word(evidence.said["color"], COLOR_WORDS, rng),
        "pattern": _word(evidence.said["pattern"], PATTERN_WORDS, rng),
    }
    style_slot, style = "style", evidence.said["style"]
    if style and rng.random() < 0.6:
        slots["style"] = pick(rng, STYLE_WORDS[style])
    elif style:
        style_slot = "occasion"
        slots["occasion"] = pick(rng, OCCASIONS[style])
    for task in sorted(evidence.misspelt):
        slot = style_slot if task == "style" else task
        slots[slot] = _typo(slots[slot], rng)
    return slots


def _companion(rng: np.random.Generator) -> str:
    """Words about another item, with a colour and perhaps a pattern of its own."""
    pattern = pick(rng, PATTERN_WORDS[pick(rng, CLASSES["pattern"])]) if rng.random() < 0.4 else ""
    lead = pick(rng, ("goes with", "pair with", "matches our", "wear with"))
    return _tidy(f"{lead} {pick(rng, CLASSES['color'])} {pattern} {pick(rng, COMPANIONS)}")


@dataclass(frozen=True)
class Noise:
    """What a title suffers beside its attributes.

    Attributes:
        distracted: it mentions another item.
        rate: how often it gains irrelevant words, loses brand or material, and has a typo in the noun.
    """

    distracted: bool
    rate: float


def _tidy(title: str) -> str:
    """One space between words, one dash between phrases, whatever slots are empty."""
    phrases = (" ".join(phrase.split()) for phrase in title.split(" - "))
    return " - ".join(phrase for phrase in phrases if phrase)


def _capitalised(title: str) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in title.split())


def write_title(index: int, product_type: str, evidence: Evidence, noise: Noise, rng: np.random.Generator) -> str:
    """A title that says what the evidence says, in a shop's words and order."""
    # Separate generators, and draws that happen whatever the noise is: a dial changes only what it is about.
    rng, attributes_rng = rng.spawn(2)
    slots = {
        "name": name_of(index),
        "brand": pick(rng, BRANDS),
        "audience": pick(rng, AUDIENCES[product_type]),
        "material": pick(rng, MATERIALS[product_type]),
        "noun": pick(rng, NOUNS[product_type]),
        "style": pick(rng, NEUTRAL),
        "occasion": "",
        **_attribute_slots(evidence, attributes_rng),
    }
    gains, loses, misspells = rng.random(3) < noise.rate
    lost, misspelt = pick(rng, ("brand", "material")), _typo(slots["noun"], rng)
    if loses:
        slots[lost] = ""
    if misspells:
        slots["noun"] = misspelt
    title = _tidy(pick(rng, ORDERS).format(**slots))
    chatter, other_item = pick(rng, CHATTER), _companion(rng)
    chatter_first, capitals = rng.random(2) < (0.5, 0.7)
    if noise.distracted:
        title = f"{title}, {other_item}"
    if gains:
        title = f"{chatter} {title}" if chatter_first else f"{title} {chatter}"
    return _capitalised(title) if capitals else title
