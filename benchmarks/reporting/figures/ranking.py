"""Critical-difference diagram of average ranks."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.reporting.figures.style import STYLE, axes_of, lay_out, palette
from benchmarks.reporting.statistics.ranking import Ranking
from benchmarks.reporting.statistics.significance import LEVEL


def critical_difference(found: Ranking, order: Sequence[str]) -> Figure:
    """Average ranks on a line, bars over models without a significant difference by Nemenyi's test (Demsar 2006).

    Args:
        found: the ranking.
        order: of all models, which decides their colours.
    """
    import pandas as pd
    from scikit_posthocs import critical_difference_diagram

    blocks = len(found.blocks)
    with mpl.rc_context({**STYLE, "axes.grid": False}):
        title = f"average rank, 1 is the best; critical difference {found.critical_difference:.2f}"
        figure, axes = axes_of(9.0, 2.2 + 0.19 * len(found.models), title)
        everyone = [*order, *(model for model in found.models if model not in order)]
        colors = palette(everyone)
        drawn = critical_difference_diagram(
            found.average,
            pd.DataFrame(found.pairwise, index=found.models, columns=found.models),
            alpha=LEVEL,
            ax=axes,
            label_fmt_left="{label} ({rank:.2f})",
            label_fmt_right="({rank:.2f}) {label}",
            color_palette={model: colors[model] for model in found.models},
            text_h_margin=0.3,
        )
        for text in drawn["labels"]:
            text.set_color("black")  # some colours of the palette are too pale to be read
        lay_out(figure)
    figure.set_label(
        f"Average rank of every model over {blocks} blocks ({', '.join(found.blocks)}); 1 is the best. "
        f"Friedman's p = {found.friedman:.2g}. Black bars join models that are not significantly different (Nemenyi's "
        f"test at {LEVEL:.0%}: less than {found.critical_difference:.2f} apart)."
    )
    return figure
