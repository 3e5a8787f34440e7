"""Refusals of the few operations by which a short template could fill the memory."""

import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

MAX_PIECE = 16 << 20  # characters or items of one intermediate value
_MAX_POWER = 4096  # bits of a power's result
_WIDTH = re.compile(r"\d{6,}|\*")  # of a field in a format; nobody needs a hundred thousand
_FORMATS = frozenset({"format", "format_map"})
_PADS = frozenset({"center", "ljust", "rjust", "zfill", "expandtabs"})
_Filter = Callable[..., Any]


class Growth:
    """Checks operands before an operation runs.

    Args:
        error: What to raise.
    """

    def __init__(self, error: type[Exception]) -> None:
        self._error = error

    def check_length(self, length: int) -> None:
        """Refuse a text or list of this length."""
        if length > MAX_PIECE:
            raise self._error(f"a value would have {length} parts")

    def check_product(self, operator: str, left: Any, right: Any) -> None:
        """Refuse operators whose result would be too long."""
        if operator == "**":
            self._check_power(left, right)
        elif operator == "+":
            if isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
                self.check_length(len(left) + len(right))
        elif operator == "%":
            self._check_format(left)
        else:
            for text, times in ((left, right), (right, left)):
                if isinstance(text, str | list | tuple) and isinstance(times, int):
                    self.check_length(len(text) * max(times, 0))

    def check_call(self, called: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Refuse methods of texts that would make long ones."""
        called = getattr(called, "__wrapped__", called)  # the sandbox wraps str.format
        text = getattr(called, "__self__", None)
        name = getattr(called, "__name__", "")
        if not isinstance(text, str):
            return
        if name in _FORMATS:
            self._check_format(text)
        elif name in _PADS:
            self._check_numbers([*args, *kwargs.values()])
        elif name == "replace" and len(args) > 1:
            self.check_length(len(text) * max(1, len(str(args[1]))))
        elif name == "join" and args and hasattr(args[0], "__len__"):
            self.check_length(len(text) * len(args[0]))

    def filter(self, original: _Filter) -> _Filter:
        """Return a filter that checks its arguments."""

        @wraps(original)
        def checked(*args: Any, **kwargs: Any) -> Any:
            given = [*args, *kwargs.values()]
            self._check_numbers(given)
            texts = [each for each in given if isinstance(each, str)]
            if original.__name__ == "do_format":
                self._check_format(texts[0] if texts else "")
            if original.__name__ == "do_replace" and len(texts) > 1:
                self.check_length(len(texts[0]) * max(1, len(texts[-1])))
            return original(*args, **kwargs)

        return checked

    def _check_power(self, left: Any, right: Any) -> None:
        are_whole = isinstance(left, int) and isinstance(right, int)
        if are_whole and left.bit_length() * max(right, 0) > _MAX_POWER:
            raise self._error("the result of ** is too large")

    def _check_format(self, text: Any) -> None:
        if isinstance(text, str) and _WIDTH.search(text):
            raise self._error("a format asks for a very wide field")

    def _check_numbers(self, values: list[Any]) -> None:
        for value in values:
            if isinstance(value, int) and value > MAX_PIECE:
                raise self._error(f"{value} is too large a width")
