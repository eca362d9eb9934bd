"""How figures are drawn: colours and markers of models, axes, and the same bytes for the same figure.

Without pyplot, so that no display and no global state is involved.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib as mpl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

MARKERS = ("o", "s", "^", "D")

STYLE = {**sns.axes_style("whitegrid"), "font.family": ["DejaVu Sans"], "font.size": 9.0}

Color = tuple[float, float, float]


def palette(order: Sequence[str]) -> dict[str, Color]:
    """Model -> colour-blind-safe colour. After ten models colours repeat, with another marker."""
    colors = sns.color_palette("colorblind", 10)
    return {model: colors[i % 10] for i, model in enumerate(order)}


def markers(order: Sequence[str]) -> dict[str, str]:
    """Model -> marker; colour and marker together are unique up to 40 models."""
    return {model: MARKERS[i // 10 % len(MARKERS)] for i, model in enumerate(order)}


def axes_of(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    """A figure of one panel; width and height in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize="medium")
    return figure, axes


def lay_out(figure: Figure) -> None:
    """Once: drawing again would move things by a hair."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def to_svg(figure: Figure) -> bytes:
    """The same figure is the same bytes: no date, no random ids. Text is drawn as paths, so that it never reflows."""
    return _saved(figure, "svg", {"Date": None})


def to_png(figure: Figure) -> bytes:
    """At 150 dots per inch, for places that show no SVG."""
    return _saved(figure, "png", {"Software": None})


def _saved(figure: Figure, kind: str, metadata: dict[str, str | None]) -> bytes:
    out = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "cma-clip-bench", "svg.fonttype": "path"}):
        figure.savefig(out, format=kind, dpi=150, metadata=metadata)
    return out.getvalue()
