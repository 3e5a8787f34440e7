"""Models: an architecture described once, run by two engines.

Three layers of names, each made on demand: `AutoModelForMaskedLM` chooses by the configuration,
`BertForMaskedLM` names a family and a head, and the specs under `families` say what both build.
Importing this package imports neither torch nor ONNX Runtime.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reprise.models.auto import AutoConfig
    from reprise.models.config import Config
    from reprise.models.families import model_types, register

_OWN = {
    "AutoConfig": "auto",
    "Config": "config",
    "model_types": "families",
    "register": "families",
}
__all__ = ["AutoConfig", "Config", "model_types", "register"]


def __getattr__(name: str) -> Any:
    """Make or import a public name on first use."""
    from importlib import import_module

    if name in _OWN:
        return getattr(import_module(f"{__name__}.{_OWN[name]}"), name)
    if not name[0].isupper():  # a module of this package, or nothing of ours
        raise AttributeError(name)
    found = _made(name)
    if found is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found  # the same class every time
    return found


def _made(name: str) -> Any:
    from reprise.models.auto import auto_class, concrete_class
    from reprise.models.families import by_class_name
    from reprise.models.tasks import AUTO_HEADS

    if name in AUTO_HEADS:
        return auto_class(name)
    found = by_class_name(name)
    return concrete_class(*found) if found else None


def __dir__() -> list[str]:
    """List the public names; concrete classes are too many to list."""
    from reprise.models.tasks import AUTO_HEADS

    return sorted([*globals(), *_OWN, *AUTO_HEADS])
