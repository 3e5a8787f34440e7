"""Load exported models: a graph and weights in a folder, see `reprise.hub.exporting`."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from reprise.base.errors import CorruptContent, InvalidFormat, NotFound
from reprise.base.optional import require
from reprise.isolate.inside import exported
from reprise.isolate.inside.export_rules import Refused

_T = TypeVar("_T")


def load_exported(folder: str | os.PathLike[str]) -> Any:
    """Return the module of an exported model. Runs no code but torch's; needs nothing but torch.

    Every file is compared with its digest, and the graph may hold nothing but operators of torch.
    The module takes the same arguments as the one it was made of, computes in evaluation mode,
    and has the same `state_dict`.

    Args:
        folder: What `export` wrote.

    Raises:
        CorruptContent: A file is not the one that was exported.
        InvalidFormat: The folder holds no exported model, or one that tries to do more.
        MissingExtra: torch is not installed.
        NotFound: A file is missing.
    """
    require("torch", extra="torch")
    return _read(folder, exported.load)


def check_exported(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Run an exported model on its example and compare with what the live model made of it.

    Returns:
        `outputs`: how many tensors were compared; `largest_difference`: of any two numbers;
        `equal`: whether all are the very same. On another machine small differences are normal.

    Raises:
        RepriseError: As `load_exported`.
    """
    require("torch", extra="torch")
    return _read(folder, exported.check)


def describe_exported(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what `export.json` says: where the model comes from, its arguments and digests.

    Raises:
        InvalidFormat: The folder holds no exported model.
    """
    return _read(folder, lambda name: exported.description(Path(name)))


def _read(folder: str | os.PathLike[str], work: Callable[[str], _T]) -> _T:
    path = Path(folder).absolute()
    if not path.is_dir():
        raise NotFound(
            f"There is no folder {path}.", hint="Export writes one: reprise export-entry"
        )
    try:
        return work(str(path))
    except exported.Damaged as error:
        raise CorruptContent(
            f"{error} in {path} is not the file that was exported.", hint="Export it again."
        ) from None
    except Refused as error:
        raise InvalidFormat(
            f"{path} is not loaded as an exported model: {error}.",
            hint="Export it again from a repo that you know.",
        ) from None
    except FileNotFoundError as error:
        raise NotFound(f"{error.filename} is missing.", hint="Export it again.") from None
