"""Where results of steps are kept."""

import os
from pathlib import Path

from reprise.data.store import DEFAULT_LIMIT, Store


def default_store() -> Store:
    """Return the store in use: the folder `datasets` beside the client's snapshots."""
    from reprise.hub import settings

    return Store(settings.cache_dir() / "datasets", DEFAULT_LIMIT)


def store_at(folder: str | os.PathLike[str] | None, limit: int = DEFAULT_LIMIT) -> Store:
    """Return a store in a folder; None is the default one."""
    if folder is None:
        return default_store()
    return Store(Path(folder).expanduser().absolute(), limit)
