from .beta import *

__all__ = ["alpha_small", "alpha_large", "Alpha"] + ["_exported"]


class Alpha:
    """A model."""

    def __init__(self, width=1):
        self.width = width


def alpha_small():
    """Small."""
    return Alpha(1)


def alpha_large():
    """Large."""
    return Alpha(2)


def not_exported():
    """Stays inside."""


def _exported():
    """Private all the same."""
