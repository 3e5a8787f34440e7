"""Decoders whose keys and values stay where they are: one buffer that a graph reads and writes.

Each row's keys begin in column 0, so rows of different lengths need no padding and no masks; what
a row took back is written over. The operation (GroupQueryAttention) does causal attention, with
windows and with heads that share keys; families that bend or bias the scores take the other way
(`cache.py`).
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from reprise.models import rope as ropes
from reprise.models import spec
from reprise.models.generate.seam import Array
from reprise.models.onnx.buffers import Buffers
from reprise.models.onnx.call import Request
from reprise.models.plan import Plan

_FLOAT, _SHARE = 4, 4  # bytes of a number; the part of the memory that a copy may take
_EIGHT = 8  # a head's width has to be a multiple of it
_LONG = 64  # tokens of one row that repay laying out the weights anew
_REQUEST = Request(
    inputs=frozenset({"input_ids", "position_ids", "ends", "reach", "picked"}), buffered=True
)


def fits(plan: Plan) -> bool:
    """Tell whether a model can decode with buffers."""
    towers = tuple(plan.spec.towers.values())
    head = plan.head
    if len(towers) != 1 or head is None or head.kind != "causal_lm" or head.pool != "all":
        return False
    table, stack = towers[0].input, towers[0].stack
    if not isinstance(table, spec.Embedding) or table.mask_pads or stack.mask_pads or stack.cross:
        return False
    return _counts_by_place(table) and _attends_plainly(stack.attention)


def _counts_by_place(table: spec.Embedding) -> bool:
    return table.positions is None or table.positions.count != "unpadded"


def _attends_plainly(attention: spec.Attention) -> bool:
    rope = attention.rope
    many = rope if isinstance(rope, tuple) else (rope,) if rope else ()
    return (
        attention.causal
        and attention.score_bias is None
        and attention.width % _EIGHT == 0
        and not any(map(ropes.by_length, many))
    )


def _fits_again(plan: Plan) -> bool:
    """Tell whether the weights take so little of this machine's memory that a copy may be held."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # not on every system
        return False
    return sum(map(prod, plan.shapes.values())) * _FLOAT <= memory // _SHARE


class BufferedSteps:
    """Rows of tokens going through a decoder with buffers.

    Args:
        model: A model of this engine that `fits`.
        new: Most tokens that a row will take.
    """

    def __init__(self, model: Any, new: int = 0) -> None:
        (tower,) = model.spec.towers.values()
        self._sessions, self._buffers = model.sessions, Buffers(tower.stack)
        self._vocabulary = tower.input.vocab
        self._packs = not model.sessions.placed.rounded and _fits_again(model.plan)
        self._new, self._long = new, new >= _LONG
        self._lengths = np.zeros(0, np.int64)
        self._bound: dict[tuple[int, ...], _Bound] = {}  # by first row and shape

    def start(self, rows: Sequence[Array]) -> Array:
        """Take the prompts; give the scores [R, V] after each."""
        self._lengths = np.array([len(row) for row in rows], np.int64)
        width = int(self._lengths.max())
        tokens = np.zeros((len(rows), width), np.int64)
        for number, row in enumerate(rows):
            tokens[number, : len(row)] = row
        self._buffers.begin(len(rows), width + 1 + min(self._new, _LONG))
        self._bound.clear()
        # Behind a short row stand tokens that no token of its own sees, and that are written over.
        ends = np.full(len(rows), width - 1)
        places = np.broadcast_to(np.arange(width), tokens.shape)
        picked = self._lengths[:, None] - 1
        return self._run(tokens, places, ends, picked, slice(0, len(rows)))[:, 0]

    def feed(self, tokens: Array) -> Array:
        """Take tokens [R, T], negative where there is none; give the scores [R, T, V]."""
        rows, width = tokens.shape
        if self._buffers.grow(int(self._lengths.max()) + width, int(self._lengths.max())):
            self._bound.clear()
        if width > 1 and rows > 1:  # the operation takes several new tokens of one row only
            return self._row_by_row(tokens)
        scores = self._behind(tokens, slice(0, rows))
        self._lengths = self._lengths + width
        return scores

    def _row_by_row(self, tokens: Array) -> Array:
        scores = np.zeros((*tokens.shape, self._vocabulary), np.float32)
        for number, row in enumerate(tokens):
            there = row >= 0
            if there.any():
                scores[number, there] = self._behind(row[None, there], slice(number, number + 1))
                self._lengths[number] += there.sum()
        return scores

    def _behind(self, tokens: Array, rows: slice) -> Array:
        """Run some rows' tokens [R, T] behind what the rows have: scores [R, T, V]."""
        columns = np.arange(tokens.shape[1])
        places = self._lengths[rows, None] + columns
        return self._run(
            tokens, places, places[:, -1], np.broadcast_to(columns, tokens.shape), rows
        )

    def _run(self, tokens: Array, places: Array, ends: Array, picked: Array, rows: slice) -> Array:
        shape = (len(tokens), tokens.shape[1], picked.shape[1])
        key = (rows.start, *shape)
        if key not in self._bound:
            request = replace(_REQUEST, packed=self._packs and (self._long or len(tokens) > 1))
            kept = dict(self._buffers.items(rows))
            self._bound[key] = _Bound(self._sessions, request, kept, shape)
        given = {"input_ids": tokens, "position_ids": places, "ends": ends,
                 "reach": ends.max(keepdims=True) + 1, "picked": picked}  # fmt: skip
        scores = np.empty((len(tokens), picked.shape[1], self._vocabulary), np.float32)
        self._bound[key].run(given, scores)
        return scores

    def rewind(self, lengths: Sequence[int]) -> None:
        """Take back what each row has beyond a length."""
        self._lengths = np.minimum(self._lengths, np.asarray(lengths))

    def reorder(self, rows: Sequence[int]) -> None:
        """Keep these rows, in this order; one may be kept several times."""
        chosen = list(rows)
        if chosen == list(range(len(self._lengths))):
            return
        self._lengths = self._lengths[chosen]
        self._buffers.reorder(chosen, int(self._lengths.max()))
        self._bound.clear()

    def join(self, other: Any) -> None:
        """Take the rows of other steps of the same model below its own."""
        assert isinstance(other, BufferedSteps)
        lengths, buffers = other.held()
        used = int(self._lengths.max()), int(lengths.max())
        self._buffers.join(buffers, used)
        self._lengths = np.concatenate((self._lengths, lengths))
        self._bound.clear()

    def held(self) -> tuple[Array, Buffers]:
        """Give how many tokens each row has [R], and where their keys are."""
        return self._lengths, self._buffers

    def trim(self) -> None:
        """Do nothing: every row begins in the first column."""


class _Bound:
    """A graph bound to keys and values, and to memory for its small inputs, for calls of one shape.

    Args:
        sessions: The graphs.
        request: Which of them.
        kept: Keys and values by name; they live for as long as this does.
        shape: Rows, tokens, tokens whose scores are wanted.
    """

    def __init__(self, sessions: Any, request: Request, kept: dict[str, Array],
                 shape: tuple[int, ...]) -> None:  # fmt: skip
        rows, length, picked = shape
        self._sessions, self._kept = sessions, kept
        self._session = sessions.session(request)
        self._binding = self._session.io_binding()
        self._inputs: dict[str, Array] = {
            "input_ids": np.zeros((rows, length), np.int64),
            "position_ids": np.zeros((rows, length), np.int64),
            "ends": np.zeros(rows, np.int32), "reach": np.zeros(1, np.int32),
            "picked": np.zeros((rows, picked), np.int64),
        }  # fmt: skip
        for name, array in (self._inputs | kept).items():
            _bind(self._binding.bind_input, name, array)
        for name, array in kept.items():
            _bind(self._binding.bind_output, name.replace("past_", "present_"), array)

    def run(self, given: dict[str, Array], scores: Array) -> None:
        """Run it; the scores [R, K, V] are written where they shall be."""
        for name, value in given.items():
            self._inputs[name][...] = value
        _bind(self._binding.bind_output, "logits", scores)
        self._sessions.run_bound(self._session, self._binding)


def _bind(bind: Any, name: str, array: Array) -> None:
    bind(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
