"""`reprise torch-hub`: let torch.hub load from a hub in every process of an environment."""

import os
import sysconfig
from pathlib import Path

import click

from reprise.base.errors import Forbidden
from reprise.base.files import write_bytes
from reprise.cli import output

# Such files are read in the order of their names; those that make Reprise importable come first.
_NAME = "zz_reprise_torch_hub.pth"
# Runs at every start of the interpreter: without the variable it is one look at the environment.
_LINE = (
    'import os; os.environ.get("REPRISE_PATCH_TORCH_HUB") and '
    '__import__("reprise.hub.torch_hub", fromlist=["_"]).patch_from_environment()\n'
)


@click.group("torch-hub")
def torch_hub() -> None:
    """Let torch.hub load from a hub, in every process of this Python environment.

    After `enable`, processes with REPRISE_PATCH_TORCH_HUB set to a hub's URL (or to 1, for the
    hub in HF_ENDPOINT) load from there; all others are as before.
    """


@torch_hub.command()
@output.json_option
def enable() -> None:
    """Install the hook into this environment."""
    path = _path()
    try:
        write_bytes(path, _LINE.encode())
    except PermissionError:
        raise _refused(path) from None
    output.show({"enabled": True, "file": str(path)}, f"Wrote {path}.")
    output.hint("Now set REPRISE_PATCH_TORCH_HUB to your hub's URL where torch.hub shall use it.")


@torch_hub.command()
@output.json_option
def disable() -> None:
    """Remove the hook from this environment."""
    path = _path()
    was = path.exists()
    try:
        path.unlink(missing_ok=True)
    except PermissionError:
        raise _refused(path) from None
    output.show({"enabled": False}, f"Removed {path}." if was else "It was not enabled.")


@torch_hub.command()
@output.json_option
def status() -> None:
    """Show whether the hook is installed and what it would do."""
    path = _path()
    value = {
        "enabled": path.exists(),
        "file": str(path),
        "hub": os.environ.get("REPRISE_PATCH_TORCH_HUB") or None,
    }
    state = "enabled" if value["enabled"] else "disabled"
    output.show(value, f"{state}, REPRISE_PATCH_TORCH_HUB={value['hub'] or ''}")


def _path() -> Path:
    return Path(sysconfig.get_path("purelib")) / _NAME


def _refused(path: Path) -> Forbidden:
    return Forbidden(
        f"{path.parent} may not be written to.",
        hint="Use a virtual environment, or patch in code: reprise.patch_torch_hub().",
    )
