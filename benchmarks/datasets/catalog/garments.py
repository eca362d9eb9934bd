"""The cut of every product type."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from benchmarks.datasets.catalog.shapes import Garment, Part, arc, both, fill, line, line_pair, pair

Cut = Callable[[np.random.Generator], Garment]


def _dress(rng: np.random.Generator) -> Garment:
    hem, length = rng.uniform(0.42, 0.72), rng.uniform(0.8, 1.0)
    neck = rng.uniform(-0.8, -0.6)
    skirt = [(0.25, -0.14), (0.34, 0.08), (hem, length), (hem / 2, length + 0.05), (0, length + 0.02)]
    body = both([(0, neck), (0.13, neck - 0.06), (0.2, -1), (0.36, -0.96), (0.29, -0.62), (0.33, -0.45), *skirt])
    parts: tuple[Part, ...] = (fill("fabric", body),)
    if rng.random() < 0.5:
        sleeve = [(0.34, -0.97), (0.5, -0.86), (0.66, -0.5), (0.5, -0.42), (0.3, -0.66)]
        parts = (*pair("fabric", sleeve), *parts, *line_pair("seam", [(0.36, -0.95), (0.3, -0.64)]))
    parts += line_pair("seam", [(0.12, 0.0), (hem * 0.45, length)])
    return Garment((*parts, line("trim", [(-0.26, -0.13), (0.26, -0.13)], 0.1)), (0.0, 0.42), 1.0)


def _tshirt(rng: np.random.Generator) -> Garment:
    width, length = rng.uniform(0.46, 0.56), rng.uniform(0.72, 0.9)
    neck = [(0, -0.6), (0.14, -0.66), (0.22, -0.82)]
    body = both([*neck, (0.5, -0.72), (0.5, -0.3), (width, length), (0, length + 0.03)])
    sleeve = [(0.44, -0.76), (0.62, -0.64), (0.98, -0.2), (0.76, -0.04), (0.48, -0.34)]
    collar = line("seam", [(-0.22, -0.8), (-0.14, -0.65), (0, -0.59), (0.14, -0.65), (0.22, -0.8)], 0.07)
    armholes = line_pair("seam", [(0.46, -0.72), (0.49, -0.34)])
    cuffs = line_pair("seam", [(0.93, -0.25), (0.73, -0.1)])
    return Garment((*pair("fabric", sleeve), fill("fabric", body), *armholes, *cuffs, collar), (0.0, 0.05), 0.9)


def _shirt(rng: np.random.Generator) -> Garment:
    width, length = rng.uniform(0.42, 0.5), rng.uniform(0.8, 0.95)
    body = both([(0, -0.74), (0.2, -0.86), (0.46, -0.76), (0.44, -0.3), (width, length), (0, length - 0.08)])
    sleeve = [(0.42, -0.78), (0.58, -0.66), (0.86, 0.5), (0.66, 0.56), (0.42, -0.36)]
    collar = [(0, -0.68), (0.2, -0.52), (0.27, -0.82), (0.16, -0.95), (0.0, -0.9)]
    buttons = tuple(fill("light", arc((0, y), (0.04, 0.04), 0, 340)) for y in np.linspace(-0.42, 0.6, 5))
    parts = (*pair("fabric", sleeve), fill("fabric", body), *pair("light", collar))
    seams = (
        line("seam", [(-0.07, -0.68), (-0.07, length - 0.06)]),
        line("seam", [(0.07, -0.68), (0.07, length - 0.06)]),
        *line_pair("seam", [(0.43, -0.72), (0.44, -0.32)], 0.05),
        *line_pair("seam", [(0, -0.68), (0.2, -0.52), (0.27, -0.82)]),
        *line_pair("light", [(0.86, 0.5), (0.66, 0.56)], 0.1),
    )
    return Garment((*parts, *seams, *buttons), (0.26, -0.1), 0.8)


def _jacket(rng: np.random.Generator) -> Garment:
    length = rng.uniform(0.55, 0.8)
    body = both([(0, -0.8), (0.24, -0.88), (0.56, -0.72), (0.52, -0.2), (0.54, length), (0.04, length)])
    sleeve = [(0.5, -0.78), (0.7, -0.6), (0.92, 0.48), (0.66, 0.56), (0.5, -0.2)]
    shirt = fill("light", [(-0.22, -0.86), (0.22, -0.86), (0.0, 0.08)])
    lapel = [(0.2, -0.92), (0.34, -0.78), (0.42, -0.5), (0.3, -0.42), (0.0, 0.12)]
    seams = (
        *line_pair("inside", [(0.42, -0.5), (0.3, -0.42), (0.02, 0.1)], 0.05),
        line("inside", [(0, 0.08), (0, length)], 0.06),
        *line_pair("inside", [(0.2, 0.3), (0.42, 0.24)], 0.06),
        *line_pair("seam", [(0.52, -0.68), (0.51, -0.2)], 0.05),
        fill("metal", arc((0.08, 0.2), (0.05, 0.05), 0, 340)),
        fill("metal", arc((0.08, 0.45), (0.05, 0.05), 0, 340)),
    )
    parts = (*pair("fabric", sleeve), fill("fabric", body), shirt, *pair("fabric", lapel))
    return Garment((*parts, *pair("seam", [(0.1, -0.16), (0.18, -0.9), (0.24, -0.86)]), *seams), (-0.3, 0.1), 0.8)


def _trousers(rng: np.random.Generator) -> Garment:
    ankle = rng.uniform(0.24, 0.42)
    leg = [
        (0.0, -0.95),
        (0.36, -0.95),
        (0.44, -0.5),
        (0.3 + ankle / 2, 0.97),
        (0.28 - ankle / 3, 0.97),
        (0.0, -0.2),
    ]
    seams = (
        line("seam", [(0, -0.82), (0, -0.2)], 0.05),
        *line_pair("seam", [(0.26, -0.8), (0.4, -0.56)], 0.05),
        *line_pair("seam", [(0.2, -0.1), (0.3, 0.9)], 0.025),
        line("inside", [(-0.37, -0.89), (0.37, -0.89)], 0.12),
        fill("metal", arc((0, -0.89), (0.06, 0.05), 0, 340)),
    )
    return Garment((*pair("fabric", leg), *seams), (-0.24, -0.3), 0.8)


def _skirt(rng: np.random.Generator) -> Garment:
    flare, length = rng.uniform(0.7, 0.95), rng.uniform(0.5, 0.85)
    hem = [
        (flare, length - 0.1),
        (flare * 0.75, length + 0.04),
        (flare * 0.4, length - 0.02),
        (0, length + 0.07),
    ]
    body = both([(0, -0.75), (0.34, -0.75), (0.5, -0.35), *hem])
    pleats = (
        *line_pair("seam", [(0.14, -0.6), (flare * 0.4, length - 0.04)], 0.045),
        *line_pair("seam", [(0.27, -0.55), (flare * 0.75, length)], 0.045),
        line("seam", [(0, -0.6), (0, length)], 0.045),
    )
    waist = line("inside", [(-0.35, -0.7), (0.35, -0.7)], 0.16)
    return Garment((fill("fabric", body), *pleats, waist), (0.0, 0.15), 1.2)


def _bag(rng: np.random.Generator) -> Garment:
    top, handle = rng.uniform(0.55, 0.72), rng.uniform(0.55, 0.8)
    loop = arc((0, -0.22), (0.4, handle), 180, 360)
    body = both([(0, -0.24), (top, -0.24), (0.82, 0.72), (0.74, 0.86), (0, 0.88)])
    parts = (
        line("trim", loop, 0.11),
        fill("fabric", body),
        fill("inside", both([(0, -0.27), (top, -0.27), (top + 0.02, -0.16), (0, -0.16)])),
        *line_pair("trim", [(0.4, -0.24), (0.4, 0.02)], 0.13),
        fill("metal", arc((0, -0.08), (0.1, 0.08), 0, 340)),
    )
    return Garment(parts, (0.0, 0.4), 0.35)


def _shoe(rng: np.random.Generator) -> Garment:
    ankle = rng.uniform(-0.6, -0.4)
    heel = [(-0.92, 0.36), (-0.95, -0.1), (-0.88, ankle), (-0.6, ankle + 0.08), (-0.3, ankle - 0.02)]
    toe = [(0.02, -0.14), (0.4, 0.0), (0.78, 0.1), (0.95, 0.26), (0.96, 0.38)]
    laces = tuple(
        line("light", [(x - 0.16, y + 0.05), (x + 0.05, y - 0.08)], 0.06)
        for x, y in ((-0.16, -0.27), (-0.02, -0.13), (0.16, -0.04))
    )
    parts = (
        fill("fabric", [*heel, *toe]),
        fill("inside", [(-0.88, ankle), (-0.6, ankle + 0.1), (-0.3, ankle), (-0.6, ankle - 0.08)]),
        line("seam", [(0.5, 0.04), (0.42, 0.2), (0.46, 0.36)], 0.05),
        line("seam", [(-0.62, -0.3), (-0.6, 0.1), (-0.68, 0.36)], 0.05),
        *laces,
        fill("light", [(-0.96, 0.32), (0.98, 0.32), (0.99, 0.46), (0.9, 0.54), (-0.9, 0.54), (-0.97, 0.46)]),
        line("seam", [(-0.96, 0.34), (0.98, 0.34)], 0.04),
    )
    return Garment(parts, (-0.3, 0.1), 0.25)


def _hat(rng: np.random.Generator) -> Garment:
    height, brim = rng.uniform(0.75, 0.95), rng.uniform(0.2, 0.28)
    crown = np.concatenate([arc((0, 0.2), (0.55, height), 180, 360), [[0.58, 0.3], [-0.58, 0.3]]])
    parts = (
        fill("fabric", arc((0, 0.36), (1.0, brim), 0, 342)),
        line("inside", arc((0, 0.34), (0.58, 0.13), 0, 180), 0.05),
        fill("fabric", crown),
        fill("trim", [(-0.56, 0.08), (0.56, 0.08), (0.59, 0.34), (0.3, 0.44), (-0.3, 0.44), (-0.59, 0.34)]),
        line("seam", [(-0.1, 0.2 - height), (0.0, -0.32), (0.12, 0.2 - height)], 0.05),
    )
    return Garment(parts, (0.0, -0.2), 0.25)


def _mug(rng: np.random.Generator) -> Garment:
    width, base = rng.uniform(0.52, 0.62), rng.uniform(0.42, 0.56)
    body = np.concatenate([arc((0, -0.62), (width, 0.14), 180, 360), arc((0, 0.72), (base, 0.14), 0, 180)])
    parts = (
        line("fabric", arc((width - 0.06, 0.0), (0.38, 0.42), -85, 85), 0.17),
        fill("fabric", body - (0.12, 0)),
        fill("light", arc((-0.12, -0.62), (width, 0.15), 0, 342)),
        fill("inside", arc((-0.12, -0.6), (width - 0.07, 0.1), 0, 342)),
    )
    return Garment(parts, (-0.12, 0.1), 0.0)


def _cushion(rng: np.random.Generator) -> Garment:
    sag = rng.uniform(0.66, 0.76)
    corner = np.array([(0.9, -0.9), (sag + 0.06, -0.45), (sag, 0.0), (sag + 0.06, 0.45)])
    quarter_turns = [corner @ np.array([[c, s], [-s, c]]) for c, s in ((1, 0), (0, 1), (-1, 0), (0, -1))]
    outline = np.concatenate(quarter_turns)
    piping = np.concatenate([outline, outline[:1]])
    return Garment((fill("fabric", outline), line("seam", piping * 0.97, 0.06)), (0.0, 0.0), 0.45)


def _umbrella(rng: np.random.Generator) -> Garment:
    depth = rng.uniform(0.75, 0.95)
    tips = np.linspace(0.96, -0.96, 6)
    scallops = [arc(((a + b) / 2, -0.02), ((a - b) / 2, 0.12), 0, -180) for a, b in pairwise(tips)]
    canopy = np.concatenate([arc((0, 0), (0.96, depth), 180, 360), *scallops])
    ribs = tuple(
        line("seam", arc((0, 0), (max(abs(x), 0.01), depth), 270, 360 if x > 0 else 180), 0.04) for x in tips[1:-1]
    )
    stick = np.concatenate([[[0, -0.1], [0, 0.75]], arc((-0.14, 0.75), (0.14, 0.17), 0, 180)])
    parts = (
        line("metal", [(0, -depth - 0.12), (0, -depth)], 0.06),
        line("metal", stick, 0.075),
        fill("fabric", canopy),
        *ribs,
    )
    return Garment(parts, (0.0, -0.42), 0.15)


CUTS: dict[str, Cut] = {
    "bag": _bag,
    "cushion": _cushion,
    "dress": _dress,
    "hat": _hat,
    "jacket": _jacket,
    "mug": _mug,
    "shirt": _shirt,
    "shoe": _shoe,
    "skirt": _skirt,
    "t-shirt": _tshirt,
    "trousers": _trousers,
    "umbrella": _umbrella,
}
"""Product type -> cut(rng): its parts with lengths and widths of their own."""
