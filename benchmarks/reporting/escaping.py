"""Any name of a task, class or data set in Markdown, CSV and LaTeX: shown as it is, escaped only where it must be."""

from __future__ import annotations

import re
from collections.abc import Callable

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Line ends, tabs and other control characters: a cell is one line, so they are written as spaces."""


def one_line(text: str) -> str:
    """For CSV, where everything else is kept: line ends as spaces."""
    return text.replace("\n", " ").replace("\r", " ")


def markdown_text(text: str) -> str:
    r"""GitHub's Markdown that shows the text as it is. `_` inside a word is no mark and stays bare, as in cma_clip."""
    text = _markdown_marks(CONTROL.sub(" ", text))
    text = re.sub(r"&(?=#?\w+;)", "&amp;", text).replace("<", "&lt;")
    return re.sub(r"(?<![^\W_])_+|_+(?![^\W_])", lambda run: r"\_" * len(run[0]), text)


def markdown_note(text: str) -> str:
    """The same, for the beginning of a list item: no heading, list, quote or rule begins there."""
    escaped = markdown_text(text).lstrip()
    return re.sub(r"^(?:([#>+=-])|(\d+)([.)])(?=\s|$))", lambda m: f"{m[2] or ''}\\{m[1] or m[3]}", escaped)


def latex_text(text: str) -> str:
    """LaTeX that shows the text as it is; two hyphens would become a dash."""
    return "-{}-".join(map(_latex_characters, CONTROL.sub(" ", text).split("--")))


def needs_unicode_latex(latex: str) -> bool:
    """Whether pdfLaTeX lacks some of its characters: those beyond Latin letters and general punctuation."""
    return any(character > "\u017f" and not "\u2010" <= character <= "\u2026" for character in latex)


def _replacing(replacements: dict[str, str]) -> Callable[[str], str]:
    table = str.maketrans(replacements)
    return lambda text: text.translate(table)


_markdown_marks = _replacing({character: f"\\{character}" for character in "\\|*`$[~"})
_latex_characters = _replacing(
    {
        **{character: f"\\{character}" for character in "&%$#_{}"},
        **{character: f"{{{character}}}" for character in "[]*"},  # no argument of the \\ before them
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "±": r"$\pm$",
        "\u2013": "--",
        "≈": r"$\approx$",
    }
)
