"""Long sound in pieces of one length that overlap."""

from collections.abc import Sequence
from dataclasses import dataclass

from reprise.base.errors import InvalidInput
from reprise.tasks.audio import Hearing
from reprise.tasks.rows import Array

_SHARE = 6  # of a piece that its strides are where nobody says it


@dataclass(frozen=True)
class Piece:
    """Samples of a piece; `stride` is its length and what it shares left and right, in seconds."""

    sound: Array
    stride: tuple[float, float, float] | None = None


def cut(sound: Array, hearing: Hearing, length: float,
        stride: float | Sequence[float] | None) -> list[Piece]:  # fmt: skip
    """Cut sound into pieces.

    Args:
        sound: Samples [N].
        hearing: What the model hears at once.
        length: Seconds of a piece.
        stride: Seconds that it shares on both sides, or left and right; None: a sixth of it.

    Raises:
        InvalidInput: Pieces would be longer than the model hears, or shorter than what they share.
    """
    _check("chunk_length_s", length)
    left, right = _sides(stride, length)
    if length > hearing.seconds:
        raise InvalidInput(f"chunk_length_s is {length}; this model hears {hearing.seconds} "
                           "seconds at once.")  # fmt: skip
    samples, before, behind = (round(value * hearing.rate) for value in (length, left, right))
    if samples <= before + behind:
        raise InvalidInput(
            f"Pieces of {length} seconds share {left} and {right}: nothing is left.",
            hint="Give a longer chunk_length_s, or a shorter stride_length_s.",
        )
    return list(_pieces(sound, (samples, before, behind), hearing.rate))


def _sides(stride: float | Sequence[float] | None, length: float) -> tuple[float, float]:
    if stride is None:
        return length / _SHARE, length / _SHARE
    sides = stride if isinstance(stride, list | tuple) else (stride, stride)
    if len(sides) != 2:  # noqa: PLR2004 - left and right
        raise InvalidInput("stride_length_s must be a number, or two.")
    for side in sides:
        _check("stride_length_s", side)
    return sides[0], sides[1]


def _check(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise InvalidInput(f"{name} must be a number of seconds, not {value!r:.40}.")


def _pieces(sound: Array, sizes: tuple[int, int, int], rate: int) -> list[Piece]:
    samples, before, behind = sizes
    found = []
    for start in range(0, len(sound), samples - before - behind):
        part, last = sound[start : start + samples], start + samples >= len(sound)
        left, right = before if start else 0, 0 if last else behind
        if len(part) > left:
            found.append(Piece(part, (len(part) / rate, left / rate, right / rate)))
        if last:
            break
    return found
