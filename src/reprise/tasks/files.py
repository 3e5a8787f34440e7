"""Small files beside a model: how sentences are pooled, how images are prepared."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from reprise.base.errors import EntryNotFound, InvalidFormat
from reprise.models.source import Source

_MAX_BYTES = 4 << 20
_PREPROCESSOR = ("preprocessor_config.json", "processor_config.json")


def pinned(source: Source) -> str:
    """Name a repo at the commit that was found, or the folder."""
    if not source.commit:
        return str(source.folder)
    owner, slash, rest = source.name.rpartition("/")
    name = rest.partition("@")[0].partition(":")[0]
    return f"{owner}{slash}{name}@{source.commit}"


def fetch(source: Source, patterns: Sequence[str], hub: dict[str, Any]) -> Path:
    """Fetch those small files that a repo has; a folder has them already."""
    if source.commit:
        from reprise.hub.picking import fetch_matching

        with suppress(EntryNotFound):  # it has none of them, and none has to be there
            fetch_matching(pinned(source), patterns, **hub)
    return source.folder


def read_json(path: Path) -> Any:
    """Read a small file of JSON; None when it is not there.

    Raises:
        InvalidFormat: It is not JSON, or far too large.
    """
    if not path.is_file():
        return None
    if path.stat().st_size > _MAX_BYTES:
        raise InvalidFormat(f"{path} is larger than {_MAX_BYTES >> 20} MiB.")
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InvalidFormat(f"{path} is not valid JSON: {error}") from None


def read_object(path: Path) -> dict[str, Any]:
    """Read a small JSON object; empty when it is not there.

    Raises:
        InvalidFormat: It is not a JSON object.
    """
    found = read_json(path)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InvalidFormat(f"{path} must hold a JSON object, not {type(found).__name__}.")
    return found


def preprocessor(folder: Path) -> dict[str, Any] | None:
    """Read how a model's images or sounds are prepared; None when nothing says it."""
    for name in _PREPROCESSOR:
        if (folder / name).is_file():
            found = read_object(folder / name)
            for nested in ("image_processor", "feature_extractor"):
                if isinstance(found.get(nested), dict):
                    return dict(found[nested])
            return found
    return None
