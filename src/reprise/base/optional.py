"""Optional parts: one error that prints the exact install line."""

from importlib import import_module
from types import ModuleType

from reprise.base.errors import MissingExtra


def require(module: str, *, extra: str) -> ModuleType:
    """Import an optional module.

    Args:
        module: Dotted module name.
        extra: The extra of this distribution that installs it.

    Raises:
        MissingExtra: The module is absent; the message holds the install command.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"This needs {error.name!r}, which is not installed. "
            f"Install it with: pip install 'reprise[{extra}]'"
        ) from error
