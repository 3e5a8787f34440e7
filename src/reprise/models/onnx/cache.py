"""Keys and values of tokens already seen, as they go out of one run and into the next."""

from collections.abc import Mapping

import numpy as np

from reprise.models.onnx.attention import memory_names, past_names
from reprise.models.spec import Stack

Pair = tuple[np.ndarray, np.ndarray]


class Cache:
    """Keys and values [B, H, S, D] per layer, and those of the encoder for cross attention."""

    def __init__(self) -> None:
        self._kept: dict[int, Pair] = {}
        self.cross: dict[int, Pair] = {}
        self.grows = True  # False: only the encoder's keys and values are of use

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def length(self) -> int:
        """Positions seen so far."""
        return int(self._kept[0][0].shape[2]) if self._kept else 0

    def get_seq_length(self) -> int:
        """Positions seen so far, by transformers' name."""
        return self.length

    def layer(self, number: int) -> Pair:
        """Return the keys and values [B, H, S, D] of a layer."""
        return self._kept[number]

    def crop(self, length: int) -> None:
        """Forget every position from `length` on."""
        kept = self._kept.items()
        self._kept = {n: (k[:, :, :length], v[:, :, :length]) for n, (k, v) in kept}

    def reorder(self, rows: np.ndarray) -> None:
        """Keep the given batch rows in the given order (beam search)."""
        for kept in (self._kept, self.cross):
            for layer, (keys, values) in kept.items():
                kept[layer] = (keys[rows], values[rows])

    def join(self, other: "Cache") -> None:
        """Put the rows of another cache below; both end in the same column, gaps are zeros."""
        for layer, pair in self._kept.items():
            below = other.layer(layer)
            width = max(pair[0].shape[2], below[0].shape[2])
            both = [np.concatenate((_behind(own, width), _behind(new, width)))
                    for own, new in zip(pair, below, strict=True)]  # fmt: skip
            self._kept[layer] = (both[0], both[1])

    def trim(self, count: int) -> None:
        """Forget the first positions."""
        kept = self._kept.items()
        self._kept = {n: (k[:, :, count:], v[:, :, count:]) for n, (k, v) in kept}

    def feeds(self, stack: Stack, rows: int) -> dict[str, np.ndarray]:
        """Give the inputs of the next run of a stack over so many rows."""
        pairs = {memory_names(layer): pair for layer, pair in self.cross.items()}
        for layer in range(stack.layers if self.grows else 0):
            shape = (rows, stack.attention.groups_of(stack.set_of(layer)), 0, stack.attention.width)
            pairs[past_names(layer)] = self._kept.get(layer) or (np.zeros(shape, np.float32),) * 2
        return {n: a for names, pair in pairs.items() for n, a in zip(names, pair, strict=True)}

    def keep(self, outputs: dict[str, np.ndarray]) -> None:
        """Take keys and values out of what a run gave."""
        for layer in range(sum(name.startswith("present_key.") for name in outputs)):
            names = f"present_key.{layer}", f"present_value.{layer}"
            self._kept[layer] = (outputs.pop(names[0]), outputs.pop(names[1]))

    def keep_cross(self, outputs: Mapping[str, np.ndarray]) -> None:
        """Take the encoder's keys and values."""
        for layer in range(len(outputs) // 2):
            first, second = memory_names(layer)
            self.cross[layer] = (outputs[first], outputs[second])


def _behind(keys: np.ndarray, width: int) -> np.ndarray:
    """Put zeros before keys or values [B, H, S, D] until they have this many positions."""
    missing = width - keys.shape[2]
    return np.pad(keys, ((0, 0), (0, 0), (missing, 0), (0, 0))) if missing else keys
