"""Modules imported when the model is called, not when it is made."""

import importlib

dependencies = []


class Model:
    """Doubles its input with code that is imported on every call."""

    def __call__(self, x):
        from utils.ops import double

        return double(x)

    def by_name(self, x):
        return importlib.import_module("utils.ops").double(x)

    def relative(self, x):
        from importlib import import_module

        return import_module(".ops", package="utils").double(x)

    def by_function(self, x):
        return __import__("utils.ops").ops.double(x)

    def missing(self):
        import utils.absent


def model():
    """A model that is not finished when it is returned."""
    return Model()
