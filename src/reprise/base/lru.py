"""A cache bounded by bytes: what was used least recently goes first."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Lru(Generic[K, V]):
    """Keeps values until their weights exceed a limit. Safe to share between threads."""

    def __init__(self, limit: int, weigh: Callable[[V], int]) -> None:
        """Make an empty cache.

        Args:
            limit: The most that all values may weigh together, bytes.
            weigh: Returns a value's weight, bytes.
        """
        self.limit = limit
        self.weight = 0
        self._weigh = weigh
        self._values: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        """Return a value, or None."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key]

    def put(self, key: K, value: V) -> V:
        """Keep a value and return it; one that would fill half the cache is not kept."""
        weight = self._weigh(value)
        if weight * 2 > self.limit:
            return value
        with self._lock:
            if key in self._values:
                self.weight -= self._weigh(self._values.pop(key))
            self._values[key] = value
            self.weight += weight
            while self.weight > self.limit:
                _, dropped = self._values.popitem(last=False)
                self.weight -= self._weigh(dropped)
        return value

    def __len__(self) -> int:
        return len(self._values)
