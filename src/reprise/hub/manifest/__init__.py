"""What a hubconf repo offers and needs, read from its source without running any of it."""

from reprise.hub.manifest.encoding import from_json, to_json
from reprise.hub.manifest.missing import install_command, missing
from reprise.hub.manifest.reader import read_manifest
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
