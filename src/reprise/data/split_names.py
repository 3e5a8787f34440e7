"""Parts of splits as people write them: `train[:10%]`, `train[100:200]+test`."""

import re
from dataclasses import dataclass

from reprise.base.errors import InvalidInput

_PART = re.compile(
    r"\s*(?P<split>\w+(?:[.-]\w+)*)"
    r"(?:\[(?P<from>-?\d+%?)?:(?P<to>-?\d+%?)?\](?:\((?P<rounding>\w+)\))?)?\s*"
)
_ROUNDING = ("closest", "pct1_dropremainder")
_WHOLE = 100


@dataclass(frozen=True)
class Part:
    """Some rows of one split; None is the beginning or the end."""

    split: str
    start: str | None = None
    stop: str | None = None
    rounding: str = "closest"

    def bounds(self, size: int) -> tuple[int, int]:
        """Return the first row and the one after the last.

        Raises:
            InvalidInput: It reaches beyond the split.
        """
        start, stop = self._row(self.start, size, 0), self._row(self.stop, size, size)
        if start > size or stop > size or start < 0 or stop < 0:
            raise InvalidInput(f"{self} reaches beyond the {size} rows of {self.split}.")
        return start, max(start, stop)

    def _row(self, text: str | None, size: int, default: int) -> int:
        if text is None:
            return default
        number = int(text.rstrip("%"))
        if text.endswith("%"):
            if abs(number) > _WHOLE:
                raise InvalidInput(f"{self}: a split has no more than 100 %.")
            if self.rounding == "pct1_dropremainder":
                if size < _WHOLE:
                    raise InvalidInput(f"{self}: {size} rows cannot be cut into 100 equal parts.")
                number *= size // _WHOLE
            else:
                number = round(number * size / _WHOLE)
        return number + size if number < 0 else number

    def __str__(self) -> str:
        return f"{self.split}[{self.start or ''}:{self.stop or ''}]"


def parse(text: str) -> list[Part]:
    """Read a split and its slices, joined by `+`.

    Raises:
        InvalidInput: It is not written that way.
    """
    parts = []
    for piece in str(text).split("+"):
        match = _PART.fullmatch(piece)
        if match is None or (match["rounding"] or "closest") not in _ROUNDING:
            raise InvalidInput(
                f"{text!r} names no rows.",
                hint='Write "train", "train[:10%]", "train[100:200]+test".',
            )
        parts.append(
            Part(match["split"], match["from"], match["to"], match["rounding"] or "closest")
        )
    return parts
