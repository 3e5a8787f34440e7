"""A look at the numbers before a graph is made over them: NaN and infinity are refused.

Float32 in a file is read past the memory map, so that looking leaves no pages in memory.
"""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.models.weights.finite import not_finite
from reprise.models.weights.stored import FileSpan, StoredTensor

_CHECKED = 256 << 20  # bytes: up to here every number is looked at, beyond only vectors
_CHUNK = 1 << 20  # numbers read at once
_ITEM = 4


def check_finite(tensors: Iterable[StoredTensor]) -> None:
    """Refuse weights with NaN or infinity; of large files only vectors are looked at.

    Raises:
        InvalidInput: A tensor has some; the message names it.
    """
    listed = list(tensors)
    small = sum(_ITEM * tensor.elements for tensor in listed) <= _CHECKED
    chosen = [tensor for tensor in listed if small or len(tensor.shape) < 2]  # noqa: PLR2004
    spans = {t.name: t.location for t in chosen if t.dtype == "F32" and t.check is None}
    in_files = {name: span for name, span in spans.items() if span is not None}
    broken = _broken(in_files) or not_finite(t for t in chosen if t.name not in in_files)
    if broken:
        raise InvalidInput(
            f"The weights hold numbers that are not finite, first in {broken[0]!r}: a training "
            "that diverged, or a damaged file.",
            hint="Ask for another commit of this model, or repair the file first.",
        )


def _broken(spans: dict[str, FileSpan]) -> list[str]:
    found: list[str] = []
    ordered = sorted(spans.items(), key=lambda item: (item[1].path, item[1].offset))
    for path, items in groupby(ordered, key=lambda item: item[1].path):
        found += _broken_in(path, [(name, span) for name, span in items])
    return found


def _broken_in(path: Path, spans: list[tuple[str, FileSpan]]) -> list[str]:
    numbers = np.empty(_CHUNK, "<f4")
    found = []
    with path.open("rb", buffering=0) as file:
        for name, span in spans:
            file.seek(span.offset)
            left = span.length // _ITEM
            while left:
                part = numbers[: min(left, _CHUNK)].view("|u1").data
                count = (file.readinto(part) or 0) // _ITEM
                left = left - count if count else 0
                if not np.isfinite(numbers[:count]).all():
                    found.append(name)
                    break
    return found
