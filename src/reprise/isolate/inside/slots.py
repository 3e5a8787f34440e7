"""Pieces of memory that both sides see: numbered, of fixed size, lent until nobody looks at them.

The caller makes every slot and sends its descriptor once. Sizes are sealed, so neither side can
shrink a slot under the other's feet. Whoever decodes a message gets views of the slot; when the
last view is gone, the slot may be used again.
"""

from __future__ import annotations

import ctypes
import fcntl
import functools
import mmap
import os
import weakref
from collections import deque

ALIGNMENT = 64  # bytes; what vector instructions like best
_SMALLEST = 1 << 20
_WASTE = 8
# linux/memfd.h and linux/fcntl.h; the names came to Python later than 3.8.
_ALLOW_SEALING, _ADD_SEALS, _SEAL_ALL_SIZES = 0x0002, 1033, 0x0001 | 0x0002 | 0x0004


class Slot:
    """One piece of shared memory, mapped."""

    def __init__(self, number: int, descriptor: int, size: int) -> None:
        self.number = number
        self.size = size
        self._map = mmap.mmap(descriptor, size)
        self.memory = memoryview(self._map)

    def part(self, offset: int, size: int) -> ctypes.Array[ctypes.c_char]:
        """Return a part of it, as an object that whatever shares its memory keeps alive.

        numpy and torch hold on to this object, while they see through a memoryview to the map.

        Raises:
            ValueError: It does not lie inside.
        """
        if not (0 <= offset <= self.size and 0 <= size <= self.size - offset):
            raise ValueError("A buffer lies outside its memory.")
        return _bytes_type(size).from_buffer(self._map, offset)


@functools.lru_cache(maxsize=32)
def _bytes_type(size: int) -> type[ctypes.Array[ctypes.c_char]]:
    """Return the type of so many bytes; kept, because making one takes longer than copying them."""
    return ctypes.c_char * size


def create(number: int, size: int) -> tuple[Slot, int]:
    """Make a slot of at least `size` bytes; return it with its descriptor, for sending."""
    rounded = max(_SMALLEST, 1 << (size - 1).bit_length())
    descriptor = os.memfd_create("reprise-slot", os.MFD_CLOEXEC | _ALLOW_SEALING)
    os.ftruncate(descriptor, rounded)
    fcntl.fcntl(descriptor, _ADD_SEALS, _SEAL_ALL_SIZES)
    return Slot(number, descriptor, rounded), descriptor


def fits(slot: Slot, size: int) -> bool:
    """Tell whether a slot is large enough, yet not so large that a small tensor would pin it."""
    return size <= slot.size <= max(size * _WASTE, _SMALLEST)


class _Part(weakref.ref):  # type: ignore[type-arg]
    """A weak reference that knows its slot; compared and hashed by identity."""

    number: int
    __slots__ = ("number",)
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


class Leases:
    """Tells when the parts of slots that were handed out are gone.

    Parts may die in any thread and at any moment, so their end is only noted here and acted upon
    when the owner asks.
    """

    def __init__(self) -> None:
        self._ended: deque[int] = deque()
        self._open: dict[int, int] = {}
        self._watched: set[_Part] = set()

    def lend(self, slot: Slot, offset: int, size: int) -> memoryview:
        """Return the memory of a part of a slot, and note when nobody looks at it any more.

        Raises:
            ValueError: It does not lie inside.
        """
        part = slot.part(offset, size)
        self._open[slot.number] = self._open.get(slot.number, 0) + 1
        watched = _Part(part, self._note)
        watched.number = slot.number
        self._watched.add(watched)
        return memoryview(part).cast("B")

    def _note(self, watched: _Part) -> None:
        self._watched.discard(watched)
        self._ended.append(watched.number)

    def is_open(self, number: int) -> bool:
        """Tell whether parts of a slot may still be alive."""
        return number in self._open

    def ended(self) -> list[int]:
        """Return the slots whose last part died since the last call."""
        free = []
        while self._ended:
            number = self._ended.popleft()
            self._open[number] -= 1
            if not self._open[number]:
                del self._open[number]
                free.append(number)
        return free
