"""Floor 3, the client: find, fetch, list, load and publish repos of a hub.

Names are imported on first use, so that each costs only what it needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reprise.hub.account import login, logout, whoami
    from reprise.hub.downloads import download
    from reprise.hub.entrypoints import entry_help as help  # noqa: A004 - torch.hub's name
    from reprise.hub.entrypoints import entry_point, load
    from reprise.hub.entrypoints import list_entries as list  # noqa: A004 - torch.hub's name
    from reprise.hub.publishing import publish
    from reprise.hub.searching import search
    from reprise.hub.settings import get_dir, set_dir

# Public name -> module and attribute.
_EXPORTS = {
    "download": "downloads:download",
    "entry_point": "entrypoints:entry_point",
    "get_dir": "settings:get_dir",
    "help": "entrypoints:entry_help",
    "list": "entrypoints:list_entries",
    "load": "entrypoints:load",
    "login": "account:login",
    "logout": "account:logout",
    "publish": "publishing:publish",
    "search": "searching:search",
    "set_dir": "settings:set_dir",
    "whoami": "account:whoami",
}

__all__ = [
    "download",
    "entry_point",
    "get_dir",
    "help",
    "list",
    "load",
    "login",
    "logout",
    "publish",
    "search",
    "set_dir",
    "whoami",
]


def __getattr__(name: str) -> Any:
    """Import the module behind a public name on first use."""
    target = _EXPORTS.get(name)
    if target is None:
        raise AttributeError(f"module 'reprise.hub' has no attribute {name!r}")
    module, _, attribute = target.partition(":")
    return getattr(import_module(f"reprise.hub.{module}"), attribute)
