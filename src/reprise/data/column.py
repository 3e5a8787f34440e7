"""One column of a data set, as a sequence that is read when it is looked at."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

import numpy as np

from reprise.data.frame import WINDOW, Frame


class Column(Sequence[Any]):
    """A column: `len`, iteration, numbers and slices; equal to the list of its values."""

    def __init__(self, frame: Frame, name: str, read: Callable[[Any], Any]) -> None:
        self._frame = frame.only([name])
        self._name = name
        self._read = read

    def __len__(self) -> int:
        return self._frame.size

    @overload
    def __getitem__(self, key: int) -> Any: ...
    @overload
    def __getitem__(self, key: slice) -> Any: ...
    def __getitem__(self, key: Any) -> Any:
        """Return a value, or the values of a slice or of listed rows."""
        if isinstance(key, int | np.integer):
            number = int(key) + (len(self) if key < 0 else 0)
            if not 0 <= number < len(self):
                raise IndexError(f"There is no row {key}: the column has {len(self)}.")
            return self._read(self._frame.window(number, 1))[0]
        if isinstance(key, slice):
            key = range(len(self))[key]
        return self._read(self._frame.take(np.asarray(key, dtype=np.int64)))

    def __iter__(self) -> Iterator[Any]:
        for table in self._frame.windows(WINDOW):
            yield from self._read(table)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Column | list | tuple):
            return len(self) == len(other) and list(self) == list(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = ", ".join(repr(value) for value in self[:5])
        return f"Column([{shown}{', …' if len(self) > 5 else ''}])"  # noqa: PLR2004
