"""Reading a JSON object field by field: a wrong one is named in the error."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from reprise.base.errors import InvalidField

MOST_TEXTS = 1024  # of one request
_SHOWN = 60  # characters of a wrong value


class Fields:
    """A JSON object; null counts as absent.

    Args:
        given: What should be an object.
        path: Where it stands: `parameters`.

    Raises:
        InvalidField: It is no object.
    """

    def __init__(self, given: Any, path: str = "") -> None:
        if not isinstance(given, Mapping):
            raise InvalidField(
                f"{path or 'The body'} must be a JSON object, not {kind_of(given)}.",
                field=path or "body",
            )
        self._given, self._path = given, path

    def __contains__(self, name: str) -> bool:
        return self._given.get(name) is not None

    def names(self) -> list[str]:
        """List the fields that are there."""
        return [name for name in self._given if name in self]

    def raw(self, name: str) -> Any:
        """Give a field as it is; None when it is absent."""
        return self._given.get(name)

    def at(self, name: str) -> str:
        """Say where a field stands."""
        return f"{self._path}.{name}" if self._path else name

    def wrong(self, name: str, wanted: str) -> InvalidField:
        """Make the error of a field: it must be what is wanted."""
        value = self.raw(name)
        shown = "missing" if value is None else "empty" if value in ([], {}) else shorten(value)
        shown = "a file" if f"{name}_base64" in self else shown
        return InvalidField(f"{self.at(name)} must be {wanted}; it is {shown}.",
                            field=self.at(name))  # fmt: skip

    def object(self, name: str) -> "Fields":
        """Read an object; an empty one when it is absent."""
        return Fields(self._given.get(name) or {} if name not in self else self.raw(name),
                      self.at(name))  # fmt: skip

    def text(self, name: str, default: str | None = None) -> str | None:
        """Read a text."""
        if name not in self:
            return default
        if not isinstance(self.raw(name), str):
            raise self.wrong(name, "a text")
        return str(self.raw(name))

    def choice(self, name: str, among: Sequence[str], default: str | None = None) -> str | None:
        """Read one of some words."""
        found = self.text(name, default)
        if found is not None and found not in among:
            raise self.wrong(name, f"one of {', '.join(among)}")
        return found

    def flag(self, name: str, default: bool = False) -> bool:
        """Read true or false."""
        if name not in self:
            return default
        if not isinstance(self.raw(name), bool):
            raise self.wrong(name, "true or false")
        return bool(self.raw(name))

    def whole(self, name: str, low: int, high: int, default: int | None = None) -> int | None:
        """Read a whole number from `low` to `high`."""
        if name not in self:
            return default
        value = self.raw(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # as JSON writers have it
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.wrong(name, f"a whole number from {low} to {high}")
        return value

    def number(self, name: str, low: float, high: float, default: float | None = None,
               *, above: bool = False) -> float | None:  # fmt: skip
        """Read a number from `low` to `high`; with `above` not `low` itself."""
        if name not in self:
            return default
        value = self.raw(name)
        right = isinstance(value, int | float) and not isinstance(value, bool)
        if (
            not right
            or not math.isfinite(value)
            or not low <= value <= high
            or (above and value == low)
        ):
            least = f"above {low:g}" if above else f"from {low:g}"
            raise self.wrong(name, f"a number {least} to {high:g}")
        return float(value)

    def texts(self, name: str, most: int = MOST_TEXTS) -> list[str] | None:
        """Read a text or a list of texts, at least one; None when it is absent."""
        if name not in self:
            return None
        value = self.raw(name)
        many = [value] if isinstance(value, str) else value
        if not isinstance(many, list) or not many:
            raise self.wrong(name, "a text or a list of texts")
        if len(many) > most:
            raise InvalidField(f"{self.at(name)} has {len(many):,} texts; it may have {most:,}.",
                               field=self.at(name))  # fmt: skip
        for number, one in enumerate(many):
            if not isinstance(one, str):
                where = f"{self.at(name)}.{number}"
                raise InvalidField(f"{where} must be a text, not {kind_of(one)}.", field=where)
        return list(many)

    def need(self, name: str, value: Any, wanted: str) -> Any:
        """Refuse a field that is absent."""
        if value is None:
            raise self.wrong(name, wanted)
        return value


def kind_of(value: Any) -> str:
    """Name a kind of JSON value."""
    names: dict[type, str] = {
        bool: "true or false",
        str: "a text",
        list: "a list",
        dict: "an object",
        int: "a number",
        float: "a number",
        type(None): "null",
    }
    return names.get(type(value), type(value).__name__)


def shorten(value: Any) -> str:
    """Show the beginning of a value."""
    shown = repr(value) if isinstance(value, str | int | float) else kind_of(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
