"""Entry points that exist only once the file ran."""

import functools

dependencies = []

_CONFIGS = {"b0": 1.0, "b1": 1.1, "b2": 1.2}


def _build(name, width, pretrained=False):
    """Build one of many."""
    return name, width, pretrained


def _factory(name, width):
    def build(pretrained=False, **kwargs):
        """Build a model by its name."""
        return _build(name, width, pretrained)

    return build


for _name, _width in _CONFIGS.items():
    globals()[f"net_{_name}"] = _factory(_name, _width)
    globals()["lite_" + _name] = functools.partial(_build, _name, _width / 2)

for _name in ["one", "two"]:
    locals()["size_" + _name] = lambda name=_name: name


def plain():
    """A plain one."""
    return "plain"
