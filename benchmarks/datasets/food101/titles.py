"""The titles csv as it is found in the wild: parsed without losing a row, and cleaned on request.

Not read by `reading`, which refuses a file that is no rectangle: this one has no header, and quotes that never end.
"""

from __future__ import annotations

import csv
import html
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from benchmarks.datasets.loading.splits import DataError
from benchmarks.datasets.reading.encoding import read_utf8
from benchmarks.names import UnknownName, choose

CLASSES = tuple(
    """
    apple_pie baby_back_ribs baklava beef_carpaccio beef_tartare beet_salad beignets bibimbap bread_pudding
    breakfast_burrito bruschetta caesar_salad cannoli caprese_salad carrot_cake ceviche cheese_plate cheesecake
    chicken_curry chicken_quesadilla chicken_wings chocolate_cake chocolate_mousse churros clam_chowder club_sandwich
    crab_cakes creme_brulee croque_madame cup_cakes deviled_eggs donuts dumplings edamame eggs_benedict escargots
    falafel filet_mignon fish_and_chips foie_gras french_fries french_onion_soup french_toast fried_calamari fried_rice
    frozen_yogurt garlic_bread gnocchi greek_salad grilled_cheese_sandwich grilled_salmon guacamole gyoza hamburger
    hot_and_sour_soup hot_dog huevos_rancheros hummus ice_cream lasagna lobster_bisque lobster_roll_sandwich
    macaroni_and_cheese macarons miso_soup mussels nachos omelette onion_rings oysters pad_thai paella pancakes
    panna_cotta peking_duck pho pizza pork_chop poutine prime_rib pulled_pork_sandwich ramen ravioli red_velvet_cake
    risotto samosa sashimi scallops seaweed_salad shrimp_and_grits spaghetti_bolognese spaghetti_carbonara spring_rolls
    steak strawberry_shortcake sushi tacos takoyaki tiramisu tuna_tartare waffles
    """.split()  # noqa: SIM905 - a list would be 101 lines
)

Folder = Literal["train", "test"]
Repair = Literal["not quoted as CSV", ".txt for .jpg"]

_NEW_ROW = re.compile(r'"?\w+_\d+(-\d+)*\.(jpe?g|txt)"?,', re.IGNORECASE)
_LOOSE_ROW = re.compile(r'(?P<file>[^,]+),"?(?P<title>.*),(?P<label>[a-z_]+)')
_BYTES = re.compile(r"b(['\"])(.*)\1", re.DOTALL)
_LIST = re.compile(r"\[\[(['\"])(.*?)(?:\1\]{0,2})?", re.DOTALL)
_ESCAPED_BYTES = re.compile(r"(?:\\x[0-9a-fA-F]{2})+")


class Page(NamedTuple):
    """One photo, the title of the web page it was found on, and its class."""

    file: str
    title: str
    label: str
    folder: Folder
    origin: str
    repairs: tuple[Repair, ...] = ()


def page(file: str, title: str, label: str, folder: Folder, origin: str) -> Page:
    """A page whose file name is that of its photo: some rows name a `.txt` instead.

    Raises:
        DataError: an unknown class, or a file that is not a plain name.
    """
    if Path(file).name != file:
        raise DataError(f"{origin}: file {file!r} is not a plain file name")
    try:
        choose(label, CLASSES, "class")
    except UnknownName as error:
        raise DataError(f"{origin}: {error}") from error
    if file.endswith(".txt"):
        return Page(file.removesuffix(".txt") + ".jpg", title, label, folder, origin, (".txt for .jpg",))
    return Page(file, title, label, folder, origin)


def read_titles(path: Path, folder: Folder) -> list[Page]:
    """All rows of a headerless csv of (file, title, class).

    A line that begins with a file name begins a row, whatever quotes are open: the title of breakfast_burrito_730.jpg
    opens one that it never closes, and a csv reader takes the next rows for its title.

    Raises:
        DataError: a row that is no (file, title, class), an unknown class; names the row.
    """
    return [_page(text, folder, f"{path.name}, row {number}") for number, text in _row_texts(path)]


def _row_texts(path: Path) -> Iterator[tuple[int, str]]:
    first, text = 1, ""
    for number, line in enumerate(read_utf8(path).split("\n"), start=1):
        open_quote = text.count('"') % 2
        if open_quote and not _NEW_ROW.match(line):
            text += "\n" + line.rstrip("\r")
            continue
        if text:
            yield first, text
        first, text = number, line.rstrip("\r")
    if text:
        yield first, text


def _page(text: str, folder: Folder, origin: str) -> Page:
    cells = _strict_cells(text)
    if len(cells) == 3:
        return page(cells[0], cells[1], cells[2], folder, origin)
    loose = _LOOSE_ROW.fullmatch(text)
    if loose is None or not _NEW_ROW.match(text):
        raise DataError(f"{origin}: {text[:80]!r} cannot be read as file,title,class (no header, title in quotes)")
    found = page(loose["file"], loose["title"].replace('""', '"'), loose["label"], folder, origin)
    return found._replace(repairs=("not quoted as CSV", *found.repairs))


def _strict_cells(text: str) -> Sequence[str]:
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error:
        return []


def clean(title: str) -> str:
    r"""What the page's author wrote, as far as it can be told.

    Unwraps what a scraper printed instead of text (`b'...'`, and `[["..."]]`, which may end early), decodes literal
    UTF-8 escapes (`\xc2\xae`) unless they are not UTF-8, resolves entities (also `&amp;eacute;`), single spaces.
    """
    text = title.strip()
    for wrapper in (_LIST, _BYTES):
        if wrapped := wrapper.fullmatch(text):
            text = wrapped[2]
    text = _ESCAPED_BYTES.sub(_decode, text)
    text = re.sub(r"\\[tnr]", " ", text)
    text = re.sub(r"\\(['\"])", r"\1", text)
    return " ".join(html.unescape(html.unescape(text)).split())


def _decode(escaped: re.Match[str]) -> str:
    try:
        return bytes.fromhex(escaped[0].replace("\\x", "")).decode()
    except UnicodeDecodeError:
        return escaped[0]
