"""Names beside marks and at the ends of lines, instead of a legend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

LABEL_PLACES = tuple(
    (x, y, across)
    for far in (6, 14, 24, 36, 50, 66)
    for across, x in (("left", far), ("right", -far))
    for y in (0, far, -far)
)
"""Of a name beside its mark: offset in points and alignment, the nearest first."""


def label_marks(axes: Axes, points: Mapping[str, tuple[float, float]]) -> None:
    """Names beside marks: text -> (x, y). Limits of the axes must be set.

    Each stands where it covers no mark and no other name, as far as there is room; one that had to move away has a thin
    line to its mark. (adjustText stops by the clock: not the same bytes on every machine.)
    """
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()
    taken = [_around(axes, xy) for xy in points.values()]
    for text, xy in sorted(points.items(), key=lambda item: (-item[1][1], item[1][0])):
        tried = [_name_at(axes, text, xy, place) for place in LABEL_PLACES]
        boxes = [_box(label) for label in tried]
        costs = [_covered(box, [*taken, *_edges(axes)]) for box in boxes]
        best = costs.index(min(costs))
        for index, label in enumerate(tried):
            if index != best:
                label.remove()
        taken.append(boxes[best])


def _name_at(axes: Axes, text: str, xy: tuple[float, float], place: tuple[int, int, str]) -> Annotation:
    line = {"arrowstyle": "-", "color": "grey", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3}
    look: dict[str, Any] = {"ha": place[2], "va": "center", "fontsize": "small"}
    if abs(place[0]) > 6:
        look["arrowprops"] = line
    label = axes.annotate(text, xy, place[:2], textcoords="offset points", **look)
    label.set_in_layout(False)
    return label


def _box(label: Annotation) -> Bbox:
    label.get_window_extent()  # puts it into its place; what it returns holds the line too
    return Text.get_window_extent(label)


def _around(axes: Axes, xy: tuple[float, float]) -> Bbox:
    across, up = axes.transData.transform(xy)
    return Bbox.from_bounds(across - 6, up - 6, 12, 12)


def _edges(axes: Axes) -> list[Bbox]:
    """What lies outside the axes to the left, right, below and above."""
    box, far = axes.bbox, 1e4
    return [
        Bbox.from_extents(-far, -far, box.x0, far),
        Bbox.from_extents(box.x1, -far, far, far),
        Bbox.from_extents(-far, -far, far, box.y0),
        Bbox.from_extents(-far, box.y1, far, far),
    ]


def _covered(box: Bbox, others: Sequence[Bbox]) -> float:
    shared = (Bbox.intersection(box, other) for other in others)
    return sum(round(found.width * found.height, 3) for found in shared if found is not None)


def label_ends(axes: Axes, lines: Mapping[str, tuple[float, float, str]]) -> None:
    """Names right of the ends of lines: text -> (x, y, colour), moved apart where ends lie close.

    Limits of the axes must be set, with room at the right.
    """
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()
    ends = sorted(lines.items(), key=lambda item: item[1][1])
    heights = [float(axes.transData.transform((x, y))[1]) for _, (x, y, _) in ends]
    gap = END_GAP * (1 + max((text.count("\n") for text in lines), default=0) * 0.7)
    for (text, (x, y, color)), height in zip(ends, _apart(heights, gap, axes.bbox.y0, axes.bbox.y1), strict=True):
        up = (height - float(axes.transData.transform((x, y))[1])) * 72 / figure.dpi
        axes.annotate(text, (x, y), (5, up), textcoords="offset points", va="center", color=color, fontsize="x-small")


END_GAP = 13.0
"""Between the middles of names at the ends of lines, in pixels of 100 to the inch."""


def _apart(heights: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Rising heights, moved up and then down again so that they are `gap` apart and inside, as far as there is room."""
    found: list[float] = []
    for height in heights:
        found.append(max(height, low + gap / 2, found[-1] + gap if found else low))
    ceiling = high - gap / 2
    for index in reversed(range(len(found))):
        found[index] = min(found[index], ceiling)
        ceiling = found[index] - gap
    return found
