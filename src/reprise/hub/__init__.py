"""Floor 3, the client: find, fetch, list, load and publish repos of a hub.

`import reprise.hub as hub` stands in for `from torch import hub`: the same seven functions with the
same arguments. `reprise.list`, `help` and `load` are their twins for the hub in use.

Names are imported on first use, so that each costs only what it needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reprise.hub.account import login, logout, whoami
    from reprise.hub.checkpoints import download_url_to_file, load_state_dict_from_url
    from reprise.hub.downloads import download
    from reprise.hub.dropin import get_dir, load, set_dir
    from reprise.hub.dropin import help_text as help  # noqa: A004 - torch.hub's name
    from reprise.hub.dropin import list_callables as list  # noqa: A004 - torch.hub's name
    from reprise.hub.entrypoints import entry_point
    from reprise.hub.exported import check_exported, load_exported
    from reprise.hub.exporting import export
    from reprise.hub.isolated import Isolation
    from reprise.hub.publishing import publish
    from reprise.hub.searching import search
    from reprise.hub.torch_hub import patch_torch_hub, unpatch_torch_hub

# Public name -> module and attribute.
_EXPORTS = {
    "Isolation": "isolated:Isolation",
    "check_exported": "exported:check_exported",
    "download": "downloads:download",
    "download_url_to_file": "checkpoints:download_url_to_file",
    "entry_point": "entrypoints:entry_point",
    "export": "exporting:export",
    "get_dir": "dropin:get_dir",
    "help": "dropin:help_text",
    "list": "dropin:list_callables",
    "load": "dropin:load",
    "load_exported": "exported:load_exported",
    "load_state_dict_from_url": "checkpoints:load_state_dict_from_url",
    "login": "account:login",
    "logout": "account:logout",
    "patch_torch_hub": "torch_hub:patch_torch_hub",
    "publish": "publishing:publish",
    "search": "searching:search",
    "set_dir": "dropin:set_dir",
    "unpatch_torch_hub": "torch_hub:unpatch_torch_hub",
    "whoami": "account:whoami",
}

__all__ = [
    "Isolation",
    "check_exported",
    "download",
    "download_url_to_file",
    "entry_point",
    "export",
    "get_dir",
    "help",
    "list",
    "load",
    "load_exported",
    "load_state_dict_from_url",
    "login",
    "logout",
    "patch_torch_hub",
    "publish",
    "search",
    "set_dir",
    "unpatch_torch_hub",
    "whoami",
]


def __getattr__(name: str) -> Any:
    """Import the module behind a public name on first use."""
    target = _EXPORTS.get(name)
    if target is None:
        raise AttributeError(f"module 'reprise.hub' has no attribute {name!r}")
    module, _, attribute = target.partition(":")
    return getattr(import_module(f"reprise.hub.{module}"), attribute)
