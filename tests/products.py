"""A tiny shop: one-coloured photos, titles that name the size, and holes where real data have holes."""

import numpy as np
from PIL import Image

from cma_clip.examples import ExampleList
from cma_clip.types import Example, Task

COLORS = {"red": (200, 30, 30), "green": (30, 160, 30), "blue": (30, 30, 200)}
SIZES = ("small", "large")
TASKS = (Task("color", tuple(COLORS)), Task("size", SIZES))
WIDTH, HEIGHT = 24, 20  # not square, so that swapped axes show


def photo(color, seed=0):
    noise = np.random.default_rng(seed).integers(-25, 25, (HEIGHT, WIDTH, 3))
    return Image.fromarray(np.clip(np.array(COLORS[color]) + noise, 0, 255).astype(np.uint8))


def products(count, seed=0, *, holes=True, fingerprint=None):
    """`count` examples; with `holes`, some lack a label, a photo or a title (never both of these)."""
    rng = np.random.default_rng(seed)
    examples = []
    for row in range(count):
        color, size = rng.integers(len(COLORS)), rng.integers(len(SIZES))
        labels = {"color": int(color), "size": int(size)}
        text = f"a {SIZES[size]} " + ("shirt" if row % 2 else "very long dress and a box")
        image = photo(list(COLORS)[color], seed * 1000 + row)
        if holes and row % 8 == 3:
            del labels["size"]
        if holes and row % 8 == 5:
            labels = {}
        if holes and row % 8 == 6:
            image = None
        if holes and row % 8 == 7:
            text = None
        examples.append(Example(f"{seed}-{row}", f"{seed}-{row}", image, text, labels))
    listed = ExampleList(examples)
    listed.fingerprint = fingerprint
    return listed


def changed(examples, **fields):
    """A copy in which the given fields of every example are replaced."""
    from dataclasses import replace

    return ExampleList(replace(example, **fields) for example in examples)
