"""Keys and values of tokens already seen, in buffers that grow by doubling.

Reading gives a view of what is filled, so one more token copies one row and nothing else.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

_FIRST = 64  # positions of a new buffer


class Cache:
    """Keys and values [B, H, S, D] per layer, and those of the encoder for cross attention."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}
        self._lengths: dict[int, int] = {}
        self.cross: dict[int, tuple[Tensor, Tensor]] = {}
        self.states: dict[int, Tensor] = {}  # hidden states kept instead of keys (mems)

    def __len__(self) -> int:
        return len(self._lengths)

    @property
    def length(self) -> int:
        """Positions seen so far."""
        return max(self._lengths.values(), default=0)

    def get_seq_length(self) -> int:
        """Positions seen so far, by transformers' name."""
        return self.length

    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add keys and values [B, H, T, D] of a layer; return all of them [B, H, S, D]."""
        start = self._lengths.get(layer, 0)
        end = start + keys.shape[2]
        buffers = self._room(layer, keys, values, end)
        for buffer, new in zip(buffers, (keys, values), strict=True):
            buffer[:, :, start:end] = new
        self._lengths[layer] = end
        return buffers[0][:, :, :end], buffers[1][:, :, :end]

    def _room(self, layer: int, keys: Tensor, values: Tensor, end: int) -> tuple[Tensor, Tensor]:
        old = self._kept.get(layer)
        if old is not None and old[0].shape[2] >= end:
            return old
        size = max(_FIRST, 2 * end)
        filled = self._lengths.get(layer, 0)

        def grown(like: Tensor, before: Tensor | None) -> Tensor:
            buffer = like.new_empty(like.shape[0], like.shape[1], size, like.shape[3])
            if before is not None:
                buffer[:, :, :filled] = before[:, :, :filled]
            return buffer

        made = (grown(keys, old[0] if old else None), grown(values, old[1] if old else None))
        self._kept[layer] = made
        return made

    def crop(self, length: int) -> None:
        """Forget every position from `length` on."""
        self._lengths = {layer: min(end, length) for layer, end in self._lengths.items()}

    def reorder(self, rows: Tensor) -> None:
        """Keep the given batch rows in the given order (beam search)."""
        for kept in (self._kept, self.cross):
            for layer, (keys, values) in kept.items():
                kept[layer] = (keys.index_select(0, rows), values.index_select(0, rows))
        for layer, states in self.states.items():
            self.states[layer] = states.index_select(0, rows)

    def join(self, other: "Cache") -> None:
        """Put the rows of another cache below; both end in the same column, gaps are zeros."""
        for number in self._lengths:
            own, new = self.layer(number), other.layer(number)
            width = max(own[0].shape[2], new[0].shape[2])
            keys, values = (torch.cat((_behind(a, width), _behind(b, width)))
                            for a, b in zip(own, new, strict=True))  # fmt: skip
            self._kept[number], self._lengths[number] = (keys, values), width

    def trim(self, count: int) -> None:
        """Forget the first positions."""
        kept = self._kept.items()
        self._kept = {n: (k[:, :, count:], v[:, :, count:]) for n, (k, v) in kept}
        self._lengths = {layer: end - count for layer, end in self._lengths.items()}

    def layer(self, number: int) -> tuple[Tensor, Tensor]:
        """Return the keys and values [B, H, S, D] of a layer."""
        keys, values = self._kept[number]
        end = self._lengths[number]
        return keys[:, :, :end], values[:, :, :end]


def _behind(keys: Tensor, width: int) -> Tensor:
    """Put zeros before keys or values [B, H, S, D] until they have this many positions."""
    missing = width - keys.shape[2]
    return pad(keys, (0, 0, missing, 0)) if missing else keys
