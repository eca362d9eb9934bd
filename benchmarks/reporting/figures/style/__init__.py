"""How figures are drawn: colours and markers of models, axes, and the same bytes for the same figure.

Without pyplot, so that no display and no global state is involved.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache

import matplotlib as mpl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text

from benchmarks.suites.order import OVER_CLIP

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

FALLBACK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "Hiragino Sans GB",
    "Arial Unicode MS",
    "Noto Emoji",
    "Symbola",
)
"""For characters that DejaVu Sans, which comes with matplotlib, does not have: Chinese, Japanese, Korean, emoji."""

FONTS = ["DejaVu Sans", *(name for name in FALLBACK_FONTS if name in fontManager.get_font_names())]

STYLE = {**sns.axes_style("whitegrid"), "font.family": FONTS, "font.size": 9.0, "text.parse_math": False}

ESCAPED = r"Characters that no installed font has are written as their codes, such as \u989c."

Color = tuple[float, float, float]

STRONG = "#d1480a"
"""Of the one model that the page is about."""

FAMILIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "CMA-CLIP": (STRONG, ("cma_clip",)),
    "CMA-CLIP, changed": ("#eda27c", ("cma_clip_wo_ma", "cma_clip_wo_sa", "cma_clip_wo_ma_sa")),
    "other fusions": ("#0173b2", ("tfidf_image_logistic", "late_fusion", "concat_fusion", "mmbt")),
    "CLIP": ("#029e73", OVER_CLIP),
    "one modality, floors": ("#8b949e", ()),
}
"""Family -> colour, models; the first that has a model counts. A variant of CMA-CLIP is a changed one, that of another
model is with its model; the last family has all others."""


def family(row: str) -> str:
    """Key of FAMILIES."""
    model, changed = _model_of(row), row != _model_of(row)
    if model == "cma_clip" and changed:
        return "CMA-CLIP, changed"
    return next((name for name, (_, models) in FAMILIES.items() if model in models), list(FAMILIES)[-1])


def family_color(row: str) -> str:
    """Of its marks and lines."""
    return FAMILIES[family(row)][0]


def palette(order: Sequence[str]) -> dict[str, Color]:
    """Model -> colour-blind-safe colour; variants have that of their model. After ten models colours repeat."""
    colors = sns.color_palette("colorblind", 10)
    models = _models(order)
    return {row: colors[models.index(_model_of(row)) % 10] for row in order}


def markers(order: Sequence[str]) -> dict[str, str]:
    """Model -> marker; with the colour it is unique up to 20 models, and six variants of each of them."""
    models = _models(order)
    shapes = {model: MARKERS[index // 10 % 2] for index, model in enumerate(models)}
    variants = {model: [row for row in order if row != model and _model_of(row) == model] for model in models}
    return {
        row: shapes[row] if row in shapes else MARKERS[2 + variants[_model_of(row)].index(row) % (len(MARKERS) - 2)]
        for row in order
    }


def line_style(row: str) -> str:
    """Lines of variants are dashed."""
    return "-" if row == _model_of(row) else "--"


def _models(order: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(_model_of(row) for row in order))


def _model_of(row: str) -> str:
    """A row is called by its model, or by "model, variant" (`Experiment.row`)."""
    return row.partition(", ")[0]


def layout() -> ConstrainedLayoutEngine:
    """With room at the sides: in PNG, names are some pixels wider than the layout knows."""
    return ConstrainedLayoutEngine(w_pad=0.1)


def axes_of(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    """A figure of one panel; width and height in inches."""
    figure = Figure(figsize=(width, height), layout=layout())
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize="medium")
    return figure, axes


def colors_of_few(rows: Sequence[str]) -> dict[str, str]:
    """Row -> colour, of at most four: CMA-CLIP's is the strong one, the others are told apart."""
    others = iter(("#0173b2", "#029e73", "#4d5761", "#ca9161"))
    return {row: STRONG if family(row) == "CMA-CLIP" else next(others) for row in rows}


def drawable(text: str) -> str:
    r"""The text with every character that no font of STYLE has as its code: \u989c; a line feed stays."""
    return "".join(c if c == "\n" or ord(c) in _glyphs() else _code(c) for c in text)


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(code for name in FONTS for code in get_font(findfont(FontProperties(name))).get_charmap())


def _code(character: str) -> str:
    return character.encode("unicode_escape").decode()


def lay_out(figure: Figure) -> None:
    """Once, when all is drawn: drawing again would move things by a hair. Escapes what no font has, and says so."""
    if _escape_texts(figure):
        figure.supxlabel(ESCAPED, x=0.99, ha="right", fontsize="x-small")
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def _escape_texts(figure: Figure) -> bool:
    """Whether any text had to be changed."""
    changed = False
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        places = [float(place) for place in axis.get_majorticklocs()]
        labels = axis.get_major_formatter().format_ticks(places)
        if any(drawable(label) != label for label in labels):
            axis.set_ticks(places, [drawable(label) for label in labels])  # a tick's text is set again by its axis
            changed = True
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if drawable(text.get_text()) != text.get_text():
            text.set_text(drawable(text.get_text()))
            changed = True
    return changed


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
