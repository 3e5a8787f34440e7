"""From the names in a checkpoint to the canonical ones, and back.

A family writes a table, one module a line: canonical name, stored name, and how the tensors are
laid out when that differs. `*` stands for a layer's number, `{q,k,v}` for a choice that runs
through both sides together, `q+k+v` for several tensors stored as one:

    layers.*.attn.{q,k,v}   encoder.layer.*.attention.self.{query,key,value}
    layers.*.attn.q+k+v     h.*.attn.c_attn                                    columns

A name without `!` stands for a module: its `.weight` and `.bias` follow it. `!` ends the name of
a single tensor. Every operation has an inverse, so files move both ways without loss.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.models.layouts import Layout, layout_of

SUFFIXES = ("weight", "bias")
_CHOICE = re.compile(r"\{([^}]*)\}")


@dataclass(frozen=True)
class Rule:
    """Canonical templates that are stored together under one template."""

    canonical: tuple[str, ...]
    stored: str
    layout: Layout


@dataclass(frozen=True)
class Place(Rule):
    """A rule with the numbers filled in: where some tensors of one model are stored."""


def parse_table(text: str) -> tuple[Rule, ...]:
    """Read a family's table."""
    lines = (line.split("#")[0].split() for line in text.splitlines())
    return tuple(rule for words in lines if words for rule in _rules(words))


def _rules(words: list[str]) -> Iterator[Rule]:
    canonical, stored, *rest = words
    layout = layout_of(" ".join(rest) or "same")
    for left, right in _choices(canonical, stored):
        yield from _suffixed(left, right, layout)


def _choices(canonical: str, stored: str) -> Iterator[tuple[str, str]]:
    left, right = (_CHOICE.findall(side) for side in (canonical, stored))
    pairs = [list(zip(a.split(","), b.split(","), strict=True))
             for a, b in zip(left, right, strict=True)]  # fmt: skip
    for picked in product(*pairs):
        yield _fill(canonical, [a for a, _ in picked]), _fill(stored, [b for _, b in picked])


def _fill(template: str, words: list[str]) -> str:
    remaining = iter(words)
    return _CHOICE.sub(lambda _: next(remaining), template)


def _suffixed(left: str, right: str, layout: Layout) -> Iterator[Rule]:
    parts = _siblings(left.rstrip("!"))
    if left.endswith("!"):
        yield Rule(parts, right.rstrip("!"), layout)
        return
    for suffix in SUFFIXES:
        yield Rule(tuple(f"{part}.{suffix}" for part in parts), f"{right}.{suffix}", layout)


def _siblings(left: str) -> tuple[str, ...]:
    """Spell out `attn.q+k+v`: each part stands where the first one stands."""
    first, *others = left.split("+")
    steps = first.split(".")
    spelled = [[*steps[: len(steps) - len(part.split("."))], part] for part in others]
    return (first, *(".".join(part) for part in spelled))


def places(rules: Iterable[Rule], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Place]:
    """Find where each canonical tensor of a model is stored.

    Args:
        rules: The family's table.
        shapes: Canonical names of the model with their shapes.

    Returns:
        Canonical name to place; tensors stored as one share a place.

    Raises:
        InvalidInput: The table has no line for a tensor: a mistake in the family.
    """
    layers = _layer_numbers(shapes)
    found: dict[str, Place] = {}
    for rule in rules:
        numbers: Iterable[str] = layers if "*" in rule.canonical[0] else ("",)
        for number in numbers:
            names = tuple(name.replace("*", number) for name in rule.canonical)
            if all(name in shapes for name in names):
                place = Place(names, rule.stored.replace("*", number), rule.layout)
                found |= dict.fromkeys(names, place)
    missing = sorted(set(shapes) - set(found))
    if missing:
        raise InvalidInput(f"The family's table names no place for {', '.join(missing[:5])}.")
    return found


def _layer_numbers(shapes: Iterable[str]) -> list[str]:
    numbers = {part for name in shapes for part in name.split(".") if part.isdigit()}
    return sorted(numbers, key=int)


def split(place: Place, tensor: Any, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Turn a stored tensor (torch or NumPy) into the canonical ones it holds."""
    wanted = [shapes[name] for name in place.canonical]
    return dict(zip(place.canonical, place.layout.split(tensor, wanted), strict=True))


def join(place: Place, tensors: Mapping[str, Any]) -> Any:
    """Turn canonical tensors into the stored one; the inverse of `split`."""
    return place.layout.join([tensors[name] for name in place.canonical])


def stored_shape(place: Place, shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """Shape of the stored tensor."""
    return place.layout.shape([shapes[name] for name in place.canonical])
