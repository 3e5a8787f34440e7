import sys

ENTRY_POINTS = {}


def register(fn):
    """Note a function, and export it from its module."""
    module = sys.modules[fn.__module__]
    if hasattr(module, "__all__"):
        module.__all__.append(fn.__name__)
    else:
        module.__all__ = [fn.__name__]
    ENTRY_POINTS[fn.__name__] = fn
    return fn


def deprecate(module_name, names):
    """Register old names for new functions."""
    module = sys.modules[module_name]
    for old, new in names.items():
        ENTRY_POINTS[old] = _shim(old, getattr(module, new))


def _shim(old, function):
    def call(pretrained=False, **kwargs):
        return function(pretrained=pretrained, **kwargs)

    return call


class Registry:
    """Registers under a chosen name."""

    def __init__(self):
        self._items = {}

    def register(self, name=None):
        def decorator(fn):
            self._items[name or fn.__name__] = fn
            return fn

        return decorator


VGG = Registry()
