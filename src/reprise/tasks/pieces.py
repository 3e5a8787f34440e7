"""Long sound in pieces of one length that overlap."""

from collections.abc import Sequence
from dataclasses import dataclass

from reprise.base.errors import InvalidInput
from reprise.tasks.rows import Array

_SHARE = 6  # of a piece that its strides are where nobody says it


@dataclass(frozen=True)
class Piece:
    """Samples of a piece; `stride` counts them, and those it shares left and right."""

    sound: Array
    stride: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Span:
    """How sound is cut.

    Attributes:
        length: Seconds of a piece.
        stride: Seconds that it shares on both sides, or left and right; None: a sixth of it.
        rate: Samples of a second.
        align: Samples that lengths are made multiples of.
        most: Seconds that a piece may have; None: any.
    """

    length: float
    stride: float | Sequence[float] | None
    rate: int
    align: int = 1
    most: int | None = None

    def samples(self) -> tuple[int, int, int]:
        """Count the samples of a piece, and of its strides.

        Raises:
            InvalidInput: Pieces would be too long, or shorter than what they share.
        """
        _check("chunk_length_s", self.length)
        if self.most is not None and self.length > self.most:
            raise InvalidInput(f"chunk_length_s is {self.length}; this model hears {self.most} "
                               "seconds at once.")  # fmt: skip
        left, right = _sides(self.stride, self.length)
        whole, before, behind = (
            round(value * self.rate / self.align) * self.align
            for value in (self.length, left, right)
        )
        if whole <= before + behind:
            raise InvalidInput(
                f"Pieces of {self.length} seconds share {left} and {right}: nothing is left.",
                hint="Give a longer chunk_length_s, or a shorter stride_length_s.",
            )
        return whole, before, behind


def cut(sound: Array, span: Span) -> list[Piece]:
    """Cut sound, samples [N], into pieces."""
    samples, before, behind = span.samples()
    found = []
    for start in range(0, len(sound), samples - before - behind):
        part, last = sound[start : start + samples], start + samples >= len(sound)
        left, right = before if start else 0, 0 if last else behind
        if len(part) > left:
            found.append(Piece(part, (len(part), left, right)))
        if last:
            break
    return found


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
