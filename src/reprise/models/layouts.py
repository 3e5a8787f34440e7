"""How canonical tensors lie in a stored one: a few operations, each with its inverse.

They work on torch tensors and NumPy arrays alike, by methods that both have. A linear layer's
canonical weight is [out, in].
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidInput

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """One way to store tensors.

    `split` gets the stored tensor and the canonical shapes, `join` the canonical tensors, `shape`
    the canonical shapes.
    """

    name: str
    split: Callable[[Any, Sequence[Shape]], list[Any]]
    join: Callable[[list[Any]], Any]
    shape: Callable[[Sequence[Shape]], Shape]


def _concatenate(tensors: list[Any]) -> Any:
    first = tensors[0]
    if type(first).__module__.startswith("torch"):
        import torch

        return torch.cat(tensors)
    import numpy as np

    return np.concatenate(tensors)


def _turn(tensor: Any) -> Any:
    """Swap the two sides of a matrix; vectors stay."""
    return tensor.swapaxes(0, 1) if tensor.ndim > 1 else tensor


def _cut(tensor: Any, shapes: Sequence[Shape]) -> list[Any]:
    """Cut along the first side into pieces as long as the shapes say."""
    pieces, start = [], 0
    for shape in shapes:
        pieces.append(tensor[start : start + shape[0]])
        start += shape[0]
    return pieces


def _stacked(shapes: Sequence[Shape]) -> Shape:
    return (sum(shape[0] for shape in shapes), *shapes[0][1:])


def _turned(shape: Shape) -> Shape:
    return (shape[1], shape[0]) if len(shape) > 1 else shape


def _woven(width: int) -> Layout:
    """q, k and v of head 0, then of head 1, …: [H, 3, D] along the first side."""

    def split(tensor: Any, shapes: Sequence[Shape]) -> list[Any]:
        rest = tensor.shape[1:]
        apart = tensor.reshape(-1, len(shapes), width, *rest)
        return [apart[:, part].reshape(-1, *rest) for part in range(len(shapes))]

    def join(tensors: list[Any]) -> Any:
        by_head = [t.reshape(-1, width, *t.shape[1:]) for t in tensors]
        return _concatenate([t[head] for head in range(len(by_head[0])) for t in by_head])

    return Layout(f"woven:{width}", split, join, _stacked)


def _kernel(width: int) -> Layout:
    """A projection to heads stored as [C, H, D] (XLNet)."""
    return Layout(
        f"kernel:{width}",
        lambda t, shapes: [_turn(t.reshape(shapes[0][1], shapes[0][0]))],
        lambda ts: _turn(ts[0]).reshape(ts[0].shape[1], -1, width),
        lambda shapes: (shapes[0][1], shapes[0][0] // width, width),
    )


def _kernel_out(width: int) -> Layout:
    """A projection from heads stored as [C, H, D] (XLNet)."""
    return Layout(
        f"kernel_out:{width}",
        lambda t, shapes: [t.reshape(shapes[0])],
        lambda ts: ts[0].reshape(ts[0].shape[0], -1, width),
        lambda shapes: (shapes[0][0], shapes[0][1] // width, width),
    )


SAME = Layout("same", lambda t, _: [t], lambda ts: ts[0], lambda shapes: shapes[0])
# [in, out], as TensorFlow and the first GPT store a linear layer
TURNED = Layout("turned", lambda t, _: [_turn(t)], lambda ts: _turn(ts[0]), lambda s: _turned(s[0]))
# several [out, in] one above the other
ROWS = Layout("rows", _cut, _concatenate, _stacked)
# several [in, out] side by side
COLUMNS = Layout(
    "columns",
    lambda t, shapes: _cut(_turn(t), shapes),
    lambda ts: _turn(_concatenate(ts)),
    lambda shapes: _turned(_stacked(shapes)),
)
# one row of a position table, kept with a batch side before it (ViT)
BATCHED = Layout(
    "batched",
    lambda t, shapes: [t.reshape(shapes[0])],
    lambda ts: ts[0].reshape(1, *ts[0].shape),
    lambda shapes: (1, *shapes[0]),
)
# a vector with two sides of 1 before it (class tokens), and a matrix with two behind it
LEADING = Layout(
    "leading",
    lambda t, shapes: [t.reshape(shapes[0])],
    lambda ts: ts[0].reshape(1, 1, *ts[0].shape),
    lambda shapes: (1, 1, *shapes[0]),
)
POINTWISE = Layout(
    "pointwise",
    lambda t, shapes: [t.reshape(shapes[0])],
    lambda ts: ts[0].reshape(*ts[0].shape, 1, 1),
    lambda shapes: (*shapes[0], 1, 1),
)
_FIXED = {
    layout.name: layout for layout in (SAME, TURNED, ROWS, COLUMNS, BATCHED, LEADING, POINTWISE)
}
_BY_WIDTH = {"woven": _woven, "kernel": _kernel, "kernel_out": _kernel_out}


def layout_of(word: str) -> Layout:
    """Find a layout by the word of a name table: `turned`, or with a head's width `woven:64`.

    Raises:
        InvalidInput: No layout has that name.
    """
    name, _, width = word.partition(":")
    if name in _BY_WIDTH and width.isdigit():
        return _BY_WIDTH[name](int(width))
    if word not in _FIXED:
        raise InvalidInput(f"A name table knows no layout {word!r}.")
    return _FIXED[word]
