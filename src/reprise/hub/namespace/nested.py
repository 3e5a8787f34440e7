"""Nested loads: a repo whose code calls `torch.hub.load` for another one.

torch.hub would put the other repo's modules into `sys.modules` under bare names. While a repo's
code runs, its last step goes through a namespace too, for the threads that run such code.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reprise.base.digests import sha256_hex
from reprise.hub.namespace.space import Space

# (folder, key, entry point's name) -> the entry point, under a prefix of its own.
LoadEntry = Callable[[Path, str, str], Callable[..., Any]]
_STEP = "_load_local"  # torch.hub's (folder, entry point, *args, **kwargs) -> model


def folder_key(folder: Path) -> str:
    """Return the key of a folder that belongs to no hub.

    Equal for equal folders; the digest stands for the path, which is nobody's business.
    """
    resolved = folder.resolve()
    return f"local/{sha256_hex(str(resolved).encode())[:16]}/{resolved.name}"


class Redirection:
    """Swaps one step of torch.hub while windows are open. Not thread-safe by itself."""

    def __init__(self, current: Callable[[], Space | None], load: LoadEntry) -> None:
        self._current = current
        self._load = load
        self._open = False
        self._hub: Any = None
        self._original: Callable[..., Any] | None = None

    def open(self) -> None:
        """Swap the step, or note to do so when torch is imported."""
        self._open = True
        self._swap()

    def close(self) -> None:
        """Put torch's own step back."""
        self._open = False
        if self._original is not None:
            setattr(self._hub, _STEP, self._original)
            self._original = None

    def after_import(self, name: str) -> None:
        """Swap the step when the import was the first of torch."""
        if self._open and name.partition(".")[0] == "torch":
            self._swap()

    def _swap(self) -> None:
        hub = sys.modules.get("torch.hub")
        original = getattr(hub, _STEP, None)
        if original is None or self._original is not None:
            return
        current, load = self._current, self._load

        def load_local(folder: str, entry: str, *args: Any, **kwargs: Any) -> Any:
            if current() is None:
                return original(folder, entry, *args, **kwargs)
            path = Path(folder)
            return load(path, folder_key(path), entry)(*args, **kwargs)

        self._hub, self._original = hub, original
        setattr(hub, _STEP, load_local)
