"""When each token of a text is said: found from how the decoder attends to the sound.

Some heads of a speech model's decoder follow the sound while it writes. What they attend to, token
by token, is evened out, and the cheapest way through it, token after token and moment after moment,
says where each token begins.

Source: the paper on Whisper (Radford et al., 2022), its authors' implementation of times of words;
Sakoe and Chiba, 1978, for the warping.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.models.generate.seam import Array
from reprise.models.generate.settings import FILE_NAME
from reprise.models.plan import Plan

_NAME = "alignment_heads"
_WIDTH = 7  # moments, where a configuration does not say


@dataclass(frozen=True)
class Heads:
    """Which heads follow the sound.

    Attributes:
        pairs: Layer and head of each.
        width: Moments that the median is taken of.
    """

    pairs: tuple[tuple[int, int], ...]
    width: int = _WIDTH

    @property
    def layers(self) -> list[int]:
        """Layers that have one, in order."""
        return sorted({layer for layer, _ in self.pairs})

    def chosen(self, attentions: Mapping[int, Array]) -> Array:
        """Pick the heads [N, T, S] out of the attentions of one text, [H, T, S] by layer."""
        return np.stack([attentions[layer][head] for layer, head in self.pairs])


def read_heads(plan: Plan, told: Mapping[str, Any]) -> Heads:
    """Read which heads of a model follow the sound.

    Args:
        plan: Of the model.
        told: Its `generation_config.json`.

    Raises:
        InvalidInput: The file does not say, or names what the model does not have.
    """
    given, tower = told.get(_NAME), plan.spec.decoder
    if given is None:
        raise InvalidInput(
            f"Times of words need {_NAME}, and the {FILE_NAME} of this model has none: the heads "
            "of its decoder that follow the sound, as pairs of layer and head.",
            hint="Copy them from the model that it was trained from; return_timestamps=True gives "
            "times of sentences without.",
        )  # fmt: skip
    assert tower is not None
    assert tower.stack.cross is not None
    most = tower.stack.layers, tower.stack.cross.heads
    if not isinstance(given, list) or not given or not all(_is_head(pair, most) for pair in given):
        raise InvalidInput(
            f"{FILE_NAME} has {_NAME} {given!r:.60}; they must be pairs of layer and head, and "
            f"the decoder has {most[0]} layers of {most[1]} heads."
        )
    width = plan.config.get("median_filter_width", _WIDTH)
    if type(width) is not int or width < 1 or not width % 2:
        raise InvalidInput(f"config.json has median_filter_width {width!r:.20}; it must be odd.")
    return Heads(tuple((layer, head) for layer, head in given), width)


def _is_head(pair: Any, most: tuple[int, int]) -> bool:
    return (
        isinstance(pair, list | tuple)
        and len(pair) == len(most)
        and all(type(n) is int and 0 <= n < end for n, end in zip(pair, most, strict=True))
    )


def token_moments(attended: Array, width: int) -> Array:
    """Say at which moment each token begins, [T]; never falling.

    Args:
        attended: How much each of some heads attends to each moment at each token, [N, T, S].
        width: Moments that the median is taken of.
    """
    attended = attended.astype(np.float64)
    spread = attended.std(axis=1, keepdims=True)
    even = (attended - attended.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0)
    return warp(-median(even, width).mean(axis=0))


def median(values: Array, width: int) -> Array:
    """Replace each value [..., S] by the median of those around it; ends are mirrored.

    Example:
        >>> median(np.array([1.0, 9.0, 2.0, 3.0]), 3).tolist()
        [9.0, 2.0, 3.0, 2.0]
    """
    side = width // 2
    if not side or values.shape[-1] <= side:
        return values
    padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(side, side)], mode="reflect")
    around = np.lib.stride_tricks.sliding_window_view(padded, width, axis=-1)
    return np.asarray(np.partition(around, side, axis=-1)[..., side])


def warp(costs: Array) -> Array:
    """Find the cheapest way from the first corner to the last; gives where it enters each row.

    A step goes on by a row, by a column, or by both.

    Args:
        costs: Of standing at each row and column, [T, S], at least one of each.

    Example:
        >>> warp(np.array([[0.0, 0.0, 5.0, 5.0], [5.0, 5.0, 0.0, 0.0]])).tolist()
        [0, 2]
    """
    steps = _steps(costs)
    entered = np.zeros(len(costs), np.int64)
    row, column = len(costs) - 1, costs.shape[1] - 1
    while row > 0:
        step = steps[row + column, row]
        if step != _ALONG:
            entered[row] = column
            row -= 1
        column -= step != _DOWN
    return entered


_BOTH, _DOWN, _ALONG = range(3)


def _steps(costs: Array) -> Array:
    """Say by which step the cheapest way comes to each place: [row + column, row].

    Places whose row and column add up to the same number depend only on those before, so they are
    computed at once.
    """
    rows, columns = costs.shape
    steps = np.full((rows + columns - 1, rows), _ALONG, np.int8)
    # Place 0 stands for what lies before the first row; the way begins there.
    before, last = np.full(rows + 1, np.inf), np.full(rows + 1, np.inf)
    before[0] = 0.0
    for number in range(rows + columns - 1):
        low, high = max(0, number - columns + 1), min(rows, number + 1)
        own = np.arange(low, high)
        ways = np.stack((before[own], last[own], last[own + 1]))
        step = _cheapest(ways)
        steps[number, low:high] = step
        here = np.full(rows + 1, np.inf)
        here[own + 1] = ways[step, np.arange(len(own))] + costs[own, number - own]
        before, last = last, here
    return steps


def _cheapest(ways: Array) -> Array:
    """Choose of [both, down, along]; along where that is no dearer."""
    found = np.where(ways[_BOTH] < ways[_DOWN], _BOTH, _DOWN)
    return np.where(ways[:2].min(axis=0) < ways[_ALONG], found, _ALONG)
