"""Signatures as this room writes them; `reprise.formats.signature` reads and compares them."""

from collections.abc import Iterable

from reprise.formats.signature import Comparison, comparable, parse
from reprise.metrics.options import text_of

__all__ = ["Comparison", "comparable", "parse", "write"]


def write(name: str, fields: Iterable[tuple[str, object]]) -> str:
    """Write a signature.

    Args:
        name: `id@MAJOR.MINOR`.
        fields: Keys and values in order.
    """
    return "|".join([name, *(f"{key}:{text_of(value)}" for key, value in fields)])
