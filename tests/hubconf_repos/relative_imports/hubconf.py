"""A package whose parts reach each other with dots."""

from detector import build as detector
from detector.layers.norm import norm

dependencies = []


def pair():
    """Two detectors."""
    return detector(), detector(norm)
