"""Export a model: a graph and weights that run without any code of the repo they come from.

    folder = export("owner/name", "resnet18", "resnet18-graph", example="1x3x224x224",
                    dynamic="batch")
    model = reprise.hub.load_exported(folder)      # an nn.Module; needs torch and nothing else

A confined worker runs the repo's code and traces the module with torch.export. What it sends is
checked here, written beside the folder, and run once more in a second worker that cannot read the
repo. Only then does the folder exist.
"""

import json
import logging
import os
import shutil
import uuid
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.base.errors import AlreadyExists, InvalidInput, IsolationFailed, NotSupported
from reprise.base.files import atomic_write, fsync_folder, write_bytes
from reprise.hub import isolated as isolating
from reprise.hub.address import LocalFolder
from reprise.hub.finding import check_name
from reprise.hub.snapshots import Options, Snapshot, describe
from reprise.isolate.client import RemoteObject, Worker
from reprise.isolate.inside import export_archive, exported
from reprise.isolate.inside.export_rules import Refused

if TYPE_CHECKING:
    from reprise.hub.isolated import Isolation
    from reprise.isolate.launch import Launch

log = logging.getLogger("reprise.hub")

_MAX_BYTES = 64 << 30  # of all tensors; an untrusted worker must not fill the disk
_MAX_TENSORS = 100_000
_SIDES = {exported.WEIGHTS: ("state.", "constant."), exported.EXAMPLE: ("input.", "output.")}
_TOLERANCE = 1e-4  # of the graph in another process, absolute


@dataclass(frozen=True)
class _Order:
    """What is to be exported."""

    snapshot: Snapshot
    launch: "Launch"
    entry: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def export(  # noqa: PLR0913 - load's arguments, and three more
    repo: str,
    entry: str,
    folder: str | os.PathLike[str],
    *args: Any,
    example: Any,
    dynamic: str | dict[str, dict[int, str]] | None = None,
    isolated: "bool | Isolation" = True,
    trust_repo: bool | str | None = "check",
    options: Options | None = None,
    **kwargs: Any,
) -> Path:
    """Write the model that an entry point makes as a graph; return the folder.

    It runs without the repo's code, as the model computes in evaluation mode. The folder gets
    `model.pt2` (torch's archive of the graph), `model.safetensors`, `example.safetensors` (the
    example and what the live model made of it) and `export.json` (origin, digests).

    Args:
        repo: As for `load`.
        entry: Name of an entry point that returns an `nn.Module`.
        folder: Where to write; must not exist, or be empty.
        *args: Passed to the entry point.
        example: What the module is traced with: one argument, a tuple of positional or a
            dictionary of keyword arguments of its `forward`. A text such as "2x3x224x224" or
            "2x16:int64" stands for random numbers of that shape.
        dynamic: Axes whose size may differ from the example's. A name means the first axis of
            every tensor, {"x": {0: "batch", 2: "time"}} others; equal names are equal sizes.
            By default all sizes are fixed.
        isolated: True or an `Isolation`: the code never runs in this process.
        trust_repo: As for `load`.
        options: How to fetch the repo.
        **kwargs: Passed to the entry point.

    Raises:
        AlreadyExists: Something is in the folder.
        NotSupported: A part cannot be exported (the error says which, and what to do), or this
            machine cannot confine the code.
        RepriseError: As `load`.
    """
    check_name(entry)
    target = Path(folder).absolute()
    _check_free(target)
    _check_isolated(isolated)
    snapshot, launch = isolating.prepared(
        repo, entry, isolated=isolated, options=options or Options(), trust_repo=trust_repo
    )
    return _exported(_Order(snapshot, launch, entry, args, kwargs), target, example, dynamic)


def _exported(order: _Order, target: Path, example: Any, dynamic: Any) -> Path:
    """Write beside the folder, check, rename."""
    staging = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
    staging.mkdir(parents=True)
    try:
        _write(order, staging, example, dynamic)
        _check(order, staging)
        fsync_folder(staging)
        staging.rename(target)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    fsync_folder(target.parent)
    return target


def _check_isolated(isolated: object) -> None:
    if isolated is False:
        raise InvalidInput(
            "An export runs the repo's code in a worker, never in this process.",
            hint="Leave isolated out, or pass an Isolation that says how to run it.",
        )


def _check_free(target: Path) -> None:
    try:
        taken = any(target.iterdir())
    except FileNotFoundError:
        return
    except NotADirectoryError:
        taken = True
    if taken:
        raise AlreadyExists(
            f"There is something at {target} already.",
            hint="Choose another folder, or delete that one first.",
        )


def _write(order: _Order, staging: Path, example: Any, dynamic: Any) -> None:
    with Worker(order.launch, name=str(order.snapshot.address), represent=RemoteObject) as worker:
        model = worker.load(order.snapshot.folder, order.entry, *order.args, **order.kwargs)
        if not isinstance(model, RemoteObject):
            raise NotSupported(
                f"{order.entry} returns {type(model).__name__}, and only an nn.Module can be "
                "exported.",
                hint="Export an entry point that returns the module itself.",
            )
        made = worker.request("export", {"target": model, "example": example, "dynamic": dynamic})
        _take(worker, made, order, staging)


def _take(worker: Worker, made: Any, order: _Order, staging: Path) -> None:
    """Fetch what the worker made, check it, and write it."""
    ask = partial(worker.call, made.__reprise_reference__)
    facts, program = ask("facts"), ask("program")
    try:
        stored = _stored(facts["stored"])
        write_bytes(staging / exported.PROGRAM, export_archive.clean_archive(program))
        for name, prefixes in _SIDES.items():
            chosen = {key: value for key, value in stored.items() if key.startswith(prefixes)}
            with atomic_write(staging / name) as file:
                file.write(export_archive.header_of(chosen))
                for key, shape in chosen.items():
                    file.write(_sized(ask("tensor", (key,)), key, shape))
        described = _described(order, facts, staging)
        for condition in facts["conditions"]:
            log.warning("The graph works, and checks at every call, where %s.", condition)
    except (Refused, LookupError, TypeError, AttributeError, ValueError) as error:
        raise IsolationFailed(f"The worker sent no exported model: {error}.") from None
    write_bytes(staging / exported.DESCRIPTION, described)


def _sized(data: bytes, name: str, told: tuple[str, list[int]]) -> bytes:
    if len(data) != export_archive.size_of(*told):
        raise Refused(f"the tensor {name[:100]!r} has another size than it says")
    return data


def _stored(value: Any) -> dict[str, tuple[str, list[int]]]:
    """Check types and shapes that an untrusted worker told."""
    if len(value) > _MAX_TENSORS:
        raise Refused(f"it has more than {_MAX_TENSORS} tensors")
    stored = {str(name): (kind, shape) for name, (kind, shape) in value.items()}
    if sum(export_archive.size_of(kind, shape) for kind, shape in stored.values()) > _MAX_BYTES:
        raise Refused(f"its tensors take more than {_MAX_BYTES >> 30} GiB")
    return stored


def _described(order: _Order, facts: Any, staging: Path) -> bytes:
    """Put together `export.json`."""
    address = order.snapshot.address
    origin = describe(order.snapshot)
    if isinstance(address, LocalFolder):  # where it lay on this machine is nobody's business
        origin = {"repo": address.path.name, "commit": None}
    value = {
        "version": exported.VERSION,
        **origin,
        "entry": order.entry,
        "entry_arguments": [
            *map(repr, order.args),
            *(f"{k}={v!r}" for k, v in order.kwargs.items()),
        ],
        "torch": str(facts["torch"]),
        "arguments": facts["arguments"],
        "dynamic": facts["dynamic"],
        "conditions": facts["conditions"],
        "sha256": {name: _digest(staging / name) for name in exported.FILES},
        "tensors": facts["tensors"],
        "example": facts["example"],
    }
    return (json.dumps(value, indent=1) + "\n").encode()


def _digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _check(order: _Order, staging: Path) -> None:
    """Run what was written in a process that can read nothing of the repo."""
    limits = replace(order.launch.limits, readable=(staging,))
    launch = replace(order.launch, limits=limits)
    with Worker(launch, name=f"check of {order.snapshot.address}") as worker:
        found = worker.request("check_export", {"folder": str(staging)})
    difference = float(found["largest_difference"])
    if not difference <= _TOLERANCE:
        raise NotSupported(
            f"The exported graph computes something else than the model: the largest difference "
            f"is {difference:g}.",
            hint="Load the entry point with isolated=True instead.",
        )
    log.info("The exported graph differs from the model by at most %g.", difference)
