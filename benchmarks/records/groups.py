"""Which rows of a split belong together: intervals and tests resample groups of rows, as splits are made of them."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]


class Groups(BaseModel):
    """The groups of N rows, and which of the rows each set of outcomes is about.

    Attributes:
        back: base64 of the deflated Int32[N]: how many rows before each one the first of its group stands.
        n: N.
        labelled: `Outcomes.examples` -> base64 of the packed bits, which rows are these examples.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    back: str
    n: int
    labelled: dict[str, str]

    @classmethod
    def of(cls, names: Sequence[str], labelled: Mapping[str, Mask]) -> Self:
        """Of N rows: the name of each one's group, and `Outcomes.examples` -> Bool[N]."""
        import numpy as np

        steps = np.arange(len(names)) - first_rows(names)
        bits = {examples: _text(np.packbits(rows).tobytes()) for examples, rows in labelled.items()}
        return cls(back=_text(zlib.compress(steps.astype("<i4").tobytes(), 9)), n=len(names), labelled=bits)

    def __hash__(self) -> int:
        return hash(self.back)

    def numbers(self) -> Numbers:
        """Int[N]: the number of each row's group, from 0, in the order in which groups first occur."""
        import numpy as np

        back = np.frombuffer(zlib.decompress(base64.b64decode(self.back)), dtype="<i4")
        return np.unique(np.arange(self.n) - back, return_inverse=True)[1]

    def rows(self, examples: str) -> Mask:
        """Bool[N]: which rows are these labelled examples."""
        import numpy as np

        packed = np.frombuffer(base64.b64decode(self.labelled[examples]), dtype=np.uint8)
        return np.unpackbits(packed, count=self.n).astype(bool)


def first_rows(names: Sequence[str]) -> Numbers:
    """Int[N]: of each row the number of the first row with its name; its own where every name is another one."""
    import numpy as np

    firsts: dict[str, int] = {}
    return np.array([firsts.setdefault(name, row) for row, name in enumerate(names)], dtype=np.int64)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
