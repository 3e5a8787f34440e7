"""The other repo."""

from models.net import Backbone

dependencies = ["torch"]


def features(width=4):
    """A backbone that imports more when it runs."""
    return Backbone(width)
