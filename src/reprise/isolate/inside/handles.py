"""Objects that stay in the worker, known to the caller by number."""

from __future__ import annotations

import sys
from typing import Any

from .values import KIND, CannotTravel


class Handles:
    """Keeps an object alive for as long as the caller holds its number.

    The same object always has the same number. Numbers are counted each time they are sent,
    because the caller may give one up while another copy is on its way.
    """

    def __init__(self) -> None:
        self._objects: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}
        self._counts: dict[int, int] = {}
        self._next = 1

    def refer(self, value: Any) -> dict[str, Any]:
        """Return the JSON that stands for an object."""
        number = self._numbers.get(id(value))
        if number is None:
            number, self._next = self._next, self._next + 1
            self._objects[number] = value
            self._numbers[id(value)] = number
        self._counts[number] = self._counts.get(number, 0) + 1
        return {KIND: "object", "id": number, **_facts(value)}

    def resolve(self, value: dict[str, Any]) -> Any:
        """Return the object behind a reference that the caller sent.

        Raises:
            CannotTravel: There is none.
        """
        if value.get(KIND) != "ref":
            raise CannotTravel(f"A value of an unknown kind arrived: {value.get(KIND)!r}.")
        return self.get(value["id"])

    def get(self, number: int) -> Any:
        """Return an object by number.

        Raises:
            CannotTravel: There is none.
        """
        try:
            return self._objects[number]
        except KeyError:
            raise CannotTravel(f"The worker has no object number {number}.") from None

    def release(self, counts: dict[str, int]) -> None:
        """Forget objects that the caller has given up as often as it received them."""
        for text, count in counts.items():
            number = int(text)
            self._counts[number] -= count
            if self._counts[number] <= 0:
                del self._counts[number]
                del self._numbers[id(self._objects.pop(number))]


def _facts(value: Any) -> dict[str, Any]:
    """Describe an object as far as the caller's stand-in needs to know."""
    kind = value if isinstance(value, type) else type(value)
    torch = sys.modules.get("torch")
    nn = getattr(torch, "nn", None)
    return {
        "type": f"{kind.__module__}.{kind.__qualname__}",
        "callable": callable(value),
        "module": nn is not None and isinstance(value, nn.Module),
        "training": bool(getattr(value, "training", False)) if nn is not None else False,
    }
