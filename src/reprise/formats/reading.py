"""Read a document field by field: every complaint names the place, and nothing unknown slips by."""

import math
import re
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any

from reprise.base.digests import is_sha256
from reprise.base.errors import InvalidFormat
from reprise.base.ids import is_commit

MAX_TEXT = 10_000  # characters of one field
MAX_ITEMS = 100_000  # of one list
_MAX_DEPTH = 16
_INT_LIMIT = 1 << 63  # readers in other languages lose digits beyond
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,20})?([eE][-+]?[0-9]{1,3})?")


class Reader:
    """One table of a document. `end` complains about what nobody took.

    Args:
        value: The table.
        place: Its name in the document: `model` or `dataset[1]`; empty for the document itself.
        what: What the document is, for messages: "This claim".
    """

    def __init__(self, value: object, place: str = "", what: str = "This document") -> None:
        self.place, self.what = place, what
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise self.wrong("", "must be a table of keys and values")
        self._value: dict[str, Any] = value
        self._taken: set[str] = set()

    def wrong(self, key: str, problem: str) -> InvalidFormat:
        """Return an error about a key, to be raised."""
        name = ".".join(filter(None, (self.place, key)))
        return InvalidFormat(f"{self.what}: {name + ' ' if name else ''}{problem}.")

    def has(self, key: str) -> bool:
        """Tell whether a key is there."""
        return key in self._value

    def text(self, key: str) -> str:
        """Take a text that must be there."""
        found = self.maybe_text(key)
        if found is None:
            raise self.wrong(key, "is missing")
        return found

    def maybe_text(self, key: str) -> str | None:
        """Take a text, or None when it is not there."""
        value = self._take(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value or len(value) > MAX_TEXT:
            raise self.wrong(key, f"must be a text of 1 to {MAX_TEXT} characters")
        return _encodable(self, key, value)

    def long_text(self, key: str) -> str:
        """Take a text of any length that must be there."""
        value = self._take(key)
        if not isinstance(value, str):
            raise self.wrong(key, "is missing, or no text")
        return _encodable(self, key, value)

    def commit(self, key: str) -> str | None:
        """Take a commit of 40 hex digits."""
        value = self.maybe_text(key)
        if value is not None and not is_commit(value):
            raise self.wrong(key, "must be a commit: 40 lower-case hex digits")
        return value

    def sha256(self, key: str) -> str | None:
        """Take a SHA-256 of 64 hex digits."""
        value = self.maybe_text(key)
        if value is not None and not is_sha256(value):
            raise self.wrong(key, "must be a SHA-256: 64 lower-case hex digits")
        return value

    def choice(self, key: str, choices: tuple[str, ...]) -> str | None:
        """Take one of some words."""
        value = self.maybe_text(key)
        if value is not None and value not in choices:
            raise self.wrong(key, f"must be {' or '.join(choices)}, not {value[:80]!r}")
        return value

    def number(self, key: str) -> str | None:
        """Take a decimal number written as text, which keeps its digits: "78.05"."""
        value = self._value.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise self.wrong(key, f'must be in quotes, which keep its decimals: {key} = "{value}"')
        text = self.maybe_text(key)
        if text is not None and not is_number(text):
            raise self.wrong(key, f'must be a decimal number such as "78.05", not {text[:40]!r}')
        return text

    def whole(self, key: str) -> int | None:
        """Take a whole number from 0."""
        value = self._take(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _INT_LIMIT:
            raise self.wrong(key, "must be a whole number from 0")
        return value

    def flag(self, key: str) -> bool | None:
        """Take true or false."""
        value = self._take(key)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(key, "must be true or false")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Take a list of texts; absent is empty."""
        value = self._list(key)
        if not all(isinstance(item, str) and len(item) <= MAX_TEXT for item in value):
            raise self.wrong(key, "must be a list of texts")
        return tuple(_encodable(self, key, item) for item in value)

    def wholes(self, key: str) -> tuple[int, ...]:
        """Take a list of whole numbers; absent is empty."""
        value = self._list(key)
        if not all(type(item) is int and abs(item) < _INT_LIMIT for item in value):
            raise self.wrong(key, "must be a list of whole numbers")
        return tuple(value)

    def plain(self, key: str) -> dict[str, Any]:
        """Take a table of anything that JSON can say; absent is empty."""
        value = self._take(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.wrong(key, "must be a table of keys and values")
        self._check_plain(key, value, 0)
        return value

    def table(self, key: str) -> "Reader":
        """Take a table; absent is empty."""
        value = self._take(key)
        name = f"{self.place}.{key}" if self.place else key
        return Reader({} if value is None else value, name, self.what)

    def tables(self, key: str) -> list["Reader"]:
        """Take a list of tables; absent is empty."""
        value = self._list(key)
        name = f"{self.place}.{key}" if self.place else key
        return [Reader(item, f"{name}[{n}]", self.what) for n, item in enumerate(value)]

    def end(self) -> None:
        """Complain about keys that nobody took.

        Raises:
            InvalidFormat: There is one; the message says what may have been meant.
        """
        left = sorted(set(self._value) - self._taken)
        if not left:
            return
        close = get_close_matches(left[0], sorted(self._taken), n=1)
        raise self.wrong(
            left[0][:80], f"is unknown{f'; did you mean {close[0]}?' if close else ''}".rstrip("?")
        )

    def _take(self, key: str) -> Any:
        self._taken.add(key)
        return self._value.get(key)

    def _list(self, key: str) -> list[Any]:
        value = self._take(key)
        if value is None:
            return []
        if not isinstance(value, list | tuple) or len(value) > MAX_ITEMS:
            raise self.wrong(key, f"must be a list of at most {MAX_ITEMS} items")
        return list(value)

    def _check_plain(self, key: str, value: Any, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise self.wrong(key, f"is nested deeper than {_MAX_DEPTH} levels")
        if isinstance(value, str):
            _encodable(self, key, value)
        elif isinstance(value, dict):
            for name, item in value.items():
                _encodable(self, key, name)
                self._check_plain(f"{key}.{name}", item, depth + 1)
        elif isinstance(value, list):
            for item in value:
                self._check_plain(key, item, depth + 1)
        elif not _is_scalar(value):
            raise self.wrong(key, f"holds {str(value)[:40]!r}, which JSON cannot say")


def is_number(text: str) -> bool:
    """Tell whether a text is a decimal number of a sane length.

    Example:
        >>> is_number("78.05"), is_number("nan"), is_number("1_0"), is_number("007")
        (True, False, False, False)
    """
    return _NUMBER.fullmatch(text) is not None


def decimal(text: str) -> Decimal:
    """Return the exact value of a decimal number.

    Raises:
        InvalidFormat: It is none.
    """
    try:
        if is_number(text):
            return Decimal(text)
    except InvalidOperation:  # pragma: no cover - the pattern allows no such text
        pass
    raise InvalidFormat(f'{text[:40]!r} is no decimal number such as "78.05".')


def _is_scalar(value: object) -> bool:
    if isinstance(value, bool):
        return True
    if isinstance(value, int):
        return abs(value) < _INT_LIMIT
    return isinstance(value, float) and math.isfinite(value)


def _encodable(reader: Reader, key: str, text: object) -> str:
    try:
        assert isinstance(text, str)
        text.encode()
    except (AssertionError, UnicodeEncodeError):
        raise reader.wrong(key, "holds what is no text") from None
    return text
