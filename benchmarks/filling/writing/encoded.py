"""Text files as bytes: the codec, the mark, the packing of the file that came in."""

from __future__ import annotations

import codecs
import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO, cast

from benchmarks.datasets.reading.encoding import open_bytes

MARKS = {
    ("utf-8-sig", codecs.BOM_UTF8): "utf-8",
    ("utf-16", codecs.BOM_UTF16_LE): "utf-16-le",
    ("utf-16", codecs.BOM_UTF16_BE): "utf-16-be",
    ("utf-32", codecs.BOM_UTF32_LE): "utf-32-le",
    ("utf-32", codecs.BOM_UTF32_BE): "utf-32-be",
}
"""(Encoding with a mark, mark) -> how the text after it is encoded."""


@dataclass(frozen=True)
class Encoded:
    """How text becomes bytes: the mark that the file begins with, and the codec of what follows."""

    codec: str = "utf-8"
    mark: bytes = b""

    @classmethod
    def like(cls, file: Path, encoding: str) -> Encoded:
        """As a file is that was read in this encoding."""
        with open_bytes(file) as opened:
            head = opened.read(4)
        name = codecs.lookup(encoding).name
        for (marked, mark), codec in MARKS.items():
            if marked == name and head.startswith(mark):
                return cls(codec, mark)
        return cls(encoding)

    @contextmanager
    def create(self, path: Path) -> Iterator[TextIO]:
        """A new text file, packed if it is called .gz; equal texts are equal bytes."""
        with path.open("wb") as file:
            packed = gzip.GzipFile("", "wb", fileobj=file, mtime=0) if path.name.lower().endswith(".gz") else None
            binary = cast(IO[bytes], packed or file)
            binary.write(self.mark)
            text = io.TextIOWrapper(binary, self.codec, newline="")
            yield text
            text.flush()
            text.detach()
            if packed:
                packed.close()

    def sayable(self, text: str) -> bool:
        """Whether the codec has all of these characters."""
        try:
            text.encode(self.codec)
        except UnicodeEncodeError:
            return False
        return True

    def escaped(self, text: str) -> str:
        r"""The text with characters that the codec lacks as \N escapes; only for messages, never for answers."""
        return text if self.codec.startswith("utf") else text.encode(self.codec, "backslashreplace").decode(self.codec)
