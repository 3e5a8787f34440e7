"""Geometry of the plots on leaderboards, in percent of their width: templates draw them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reprise.registry.leaderboards import Board, Entry, Point
from reprise.registry.wording import value_text

_MARGIN = 3.0  # percent left free at both ends
_WIDE = 100.0 - 2 * _MARGIN
_MAX_POINTS = 400


@dataclass(frozen=True)
class Bar:
    """An interval with a point in it; positions in percent, as texts."""

    low: str
    high: str
    at: str


@dataclass(frozen=True)
class Dot:
    """A point of the history. `is_best`: better than all before it."""

    x: str
    y: str
    is_best: bool
    title: str


@dataclass(frozen=True)
class Line:
    """A straight piece of the line of the best value."""

    x1: str
    y1: str
    x2: str
    y2: str


@dataclass(frozen=True)
class Plots:
    """All that the plots of a board need."""

    values: list[Bar]  # of each ranked entry
    places: list[Bar]
    ticks: tuple[str, str, str]  # at the left, middle and right end of the values
    grid: list[str]  # where whole ranks stand, when there are few enough to draw
    dots: list[Dot]
    steps: list[Line]
    levels: tuple[str, str]  # values at the top and bottom of the history


def plots(board: Board) -> Plots:
    """Lay out the plots of a board."""
    ends = [end for it in board.ranked for end in (it.interval or (it.value, it.value))]
    low, high = _range(ends)
    total = len(board.ranked)
    ticks = [value_text(it, (low, high)) for it in (low, (low + high) / 2, high)]
    dots, steps, levels = _history(board)
    return Plots(
        [_value_bar(it, low, high) for it in board.ranked],
        [_place_bar(it, total) for it in board.ranked],
        (ticks[0], ticks[1], ticks[2]),
        [_rank_at(rank, total) for rank in range(1, total + 1)] if total <= 20 else [],  # noqa: PLR2004
        dots,
        steps,
        levels,
    )


def _value_bar(entry: Entry, low: float, high: float) -> Bar:
    ends = entry.interval or (entry.value, entry.value)
    left, right, at = (_across(it, low, high) for it in (*ends, entry.value))
    return Bar(left, right, at)


def _place_bar(entry: Entry, total: int) -> Bar:
    assert entry.place is not None
    best, worst = _rank_at(entry.place.best, total), _rank_at(entry.place.worst, total)
    return Bar(best, worst, best)


def _rank_at(rank: int, total: int) -> str:
    return _across(rank, 1, max(total, 2))


def _history(board: Board) -> tuple[list[Dot], list[Line], tuple[str, str]]:
    points = board.history[-_MAX_POINTS:]
    if not points:
        return [], [], ("", "")
    bottom, top = _range([it.value for it in points])
    first, last = points[0].at, points[-1].at
    sign = 1 if board.higher_is_better else -1
    best, corners, dots = -math.inf, [], []
    for it in points:
        x, y = _across(it.at, first, last), _down(it.value, bottom, top)
        is_best = sign * it.value > best
        if is_best:
            best = sign * it.value
            corners.append((x, y))
        dots.append(Dot(x, y, is_best, _title(it)))
    return dots, _staircase(corners), (value_text(top, (bottom, top)),
                                       value_text(bottom, (bottom, top)))  # fmt: skip


def _staircase(corners: Sequence[tuple[str, str]]) -> list[Line]:
    """Draw level until the next record, then straight to it; the last one goes on to the end."""
    lines = []
    for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], ("100%", corners[-1][1])], strict=True):
        lines.append(Line(x1, y1, x2, y1))
        if y2 != y1:
            lines.append(Line(x2, y1, x2, y2))
    return lines


def _title(point: Point) -> str:
    return f"{point.claim.repo_name}: {value_text(point.value, point.verdict.ci)}"


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis; a single value stands in the middle."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if low == high:
        half = abs(low) / 10 or 1.0
        return low - half, high + half
    return low, high


def _across(value: float, low: float, high: float) -> str:
    share = (value - low) / (high - low) if high > low else 0.5
    return f"{_MARGIN + _WIDE * share:.2f}%"


def _down(value: float, bottom: float, top: float) -> str:
    return f"{8 + 84 * (top - value) / (top - bottom):.2f}%"
