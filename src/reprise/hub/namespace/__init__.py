"""Load hubconf repos side by side in one process, each with its modules to itself."""

from reprise.hub.namespace.loading import entry_point, load_module, unload
from reprise.hub.namespace.nested import folder_key
from reprise.hub.namespace.registry import register

__all__ = ["entry_point", "folder_key", "load_module", "register", "unload"]
