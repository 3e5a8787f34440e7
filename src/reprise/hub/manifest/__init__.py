"""What a hubconf repo offers and needs, read from its source without running any of it.

The reader is imported on first use: whoever only looks at a manifest does not pay for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from reprise.hub.manifest.encoding import from_json, to_json
from reprise.hub.manifest.records import (
    FLAGS,
    Dependency,
    EntryPoint,
    Manifest,
    Problem,
    WeightUrl,
    find,
    names,
)

if TYPE_CHECKING:
    from reprise.hub.manifest.absent import install_command, missing
    from reprise.hub.manifest.reader import read_manifest

__all__ = [
    "FLAGS",
    "Dependency",
    "EntryPoint",
    "Manifest",
    "Problem",
    "WeightUrl",
    "find",
    "from_json",
    "install_command",
    "missing",
    "names",
    "read_manifest",
    "to_json",
]

_LATER = {"install_command": "absent", "missing": "absent", "read_manifest": "reader"}


def __getattr__(name: str) -> Any:
    """Import the module behind a function on first use."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = found
    return found
