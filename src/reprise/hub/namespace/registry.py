"""Where the code behind a key lies on this machine, remembered across processes.

A pickle names classes by module, and the modules of a repo are named after its key. Another
process that reads the pickle looks the key up here. Only code that somebody registered - after
agreeing to run it - is found; a snapshot that merely lies in the cache is not.
"""

import json
from pathlib import Path

from reprise.base.digests import sha256_hex
from reprise.base.files import write_bytes


def register(key: str, folder: Path, *, hub_dir: Path | None = None) -> None:
    """Remember that the code of `key` lies in `folder`.

    One small file per key below `<hub dir>/namespaces`, written atomically: processes may
    register at the same time.
    """
    record = {"key": key, "folder": str(folder.resolve())}
    write_bytes(_place(key, hub_dir), json.dumps(record).encode())


def lookup(key: str, *, hub_dir: Path | None = None) -> Path | None:
    """Return the registered folder, or None when there is none or it is gone."""
    try:
        record = json.loads(_place(key, hub_dir).read_bytes())
        folder = Path(record["folder"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return folder if record.get("key") == key and folder.is_dir() else None


def _place(key: str, hub_dir: Path | None) -> Path:
    if hub_dir is None:
        from reprise.hub.settings import cache_dir

        hub_dir = cache_dir()
    return hub_dir / "namespaces" / f"{sha256_hex(key.encode())}.json"
