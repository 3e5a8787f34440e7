"""Folders with the names of libraries, holding deployment scripts."""

try:
    import triton

    HAS_TRITON = hasattr(triton, "jit")
except ImportError:
    HAS_TRITON = False

from layers.norm import scale

dependencies = ["numpy"]


def net(width=4):
    """Uses the real numpy."""
    import numpy

    return float(numpy.ones(width).sum()) * scale(1), HAS_TRITON
