"""Everything that can be bound to a public name."""

import functools
from dataclasses import dataclass, field
from typing import NamedTuple

dependencies = ["math"]

version = "1.0"
sizes = {"small": 1, "large": 8}


class Base:
    """A model with a constructor of its own."""

    def __init__(self, width: int, depth: int = 2, *, bias=True):
        self.width, self.depth, self.bias = width, depth, bias

    def __call__(self, x):
        """Scale the input."""
        return x * self.width * self.depth


class Wide(Base):
    """Inherits its constructor."""


class Plain:
    """Has no constructor and cannot be called."""


@dataclass
class Config:
    """Generated constructor."""

    width: int
    depth: int = 2
    names: list = field(default_factory=list)


class Point(NamedTuple):
    """Generated from fields."""

    x: int
    y: int = 0


def _scaled(factor, x, offset=0):
    """Scale and shift."""
    return factor * x + offset


tiny = Base(1, depth=1)
settings = Plain()
double = functools.partial(_scaled, 2)
shifted = functools.partial(_scaled, 1, offset=10)
square = lambda x: x * x
