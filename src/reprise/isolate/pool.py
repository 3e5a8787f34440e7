"""The caller's shared memory: which slots exist, which are free, what the worker must be told."""

import os
from dataclasses import dataclass, field
from typing import Any

from reprise.isolate.inside import slots
from reprise.isolate.inside.slots import Leases, Slot

# Free slots beyond this are given up: a batch of today's size should fit without new pages.
KEPT_FREE = 256 << 20


@dataclass
class Pool:
    """Slots shared with one worker: free, lent to the worker, or looked at on this side.

    Not thread-safe; the owner takes turns.
    """

    leases: Leases = field(default_factory=Leases)
    _slots: dict[int, Slot] = field(default_factory=dict)
    _free: set[int] = field(default_factory=set)
    _lent: set[int] = field(default_factory=set)
    _new: list[tuple[Slot, int]] = field(default_factory=list)
    _dropped: list[int] = field(default_factory=list)
    _next: int = 1
    _size: int = 0  # of all slots

    def lend(self, size: int) -> Slot:
        """Return a slot for arguments; it is the worker's until the worker returns it."""
        slot = self._take(size)
        self._lent.add(slot.number)
        return slot

    def returned(self, numbers: list[int]) -> None:
        """Free the slots that the worker no longer looks at; others in the list are ignored."""
        back = self._lent.intersection(numbers)
        self._lent -= back
        self._free |= back

    def offer(self, size: int) -> None:
        """Make sure that a free slot of this size exists."""
        self._free.add(self._take(size).number)

    def use(self, number: int) -> Slot:
        """Take the slot that the worker wrote its answer to; KeyError when it was not free."""
        self._free.remove(number)
        return self._slots[number]

    def settle(self, number: int) -> None:
        """Free an answer's slot at once when nothing on this side looks at it."""
        if not self.leases.is_open(number):
            self._free.add(number)

    def collect(self) -> None:
        """Free slots whose views are gone on this side; give up what is too much."""
        self._free.update(number for number in self.leases.ended() if number in self._slots)
        if self._size <= KEPT_FREE:
            return
        by_size = sorted(self._free, key=lambda number: self._slots[number].size)
        while by_size and sum(self._slots[n].size for n in by_size) > KEPT_FREE:
            number = by_size.pop()
            self._free.remove(number)
            self._size -= self._slots.pop(number).size
            self._dropped.append(number)

    def news(self) -> tuple[dict[str, Any], list[int]]:
        """Return what the worker does not know yet, with descriptors to send and then close."""
        facts = [{"id": slot.number, "size": slot.size} for slot, _ in self._new]
        descriptors = [descriptor for _, descriptor in self._new]
        news = {"slots": facts, "drop": self._dropped, "offer": sorted(self._free)}
        self._new, self._dropped = [], []
        return news, descriptors

    def close(self) -> None:
        """Forget all; memory that is still looked at goes with its last view."""
        for _, descriptor in self._new:
            os.close(descriptor)
        self._new = []
        self._slots.clear()
        self._free.clear()

    def _take(self, size: int) -> Slot:
        fitting = [
            self._slots[number] for number in self._free if slots.fits(self._slots[number], size)
        ]
        if not fitting:
            return self._create(size)
        slot = min(fitting, key=lambda item: item.size)
        self._free.remove(slot.number)
        return slot

    def _create(self, size: int) -> Slot:
        slot, descriptor = slots.create(self._next, size)
        self._next += 1
        self._slots[slot.number] = slot
        self._size += slot.size
        self._new.append((slot, descriptor))
        return slot
