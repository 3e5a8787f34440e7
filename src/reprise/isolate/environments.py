"""Environments built from a lock, each once per machine.

    <root>/<digest>/           a virtual environment, complete or absent, with environment.json
    <root>/wheels/             unpacked wheels, which environments link to
    <root>/locks/              what requirements resolved to, so that the next time needs no network

The digest covers the interpreter and the hash of every wheel, so equal digests mean equal code.
"""

import json
import os
import shutil
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reprise.base.digests import canonical_json, sha256_hex
from reprise.base.errors import InvalidFormat
from reprise.base.files import write_bytes
from reprise.formats import pylock
from reprise.formats.pylock import Lock
from reprise.isolate import interpreter as interpreters
from reprise.isolate import resolving, venv, wheels
from reprise.isolate.installers import Installer
from reprise.isolate.interpreter import Interpreter
from reprise.isolate.progress import Progress, Step, silent
from reprise.isolate.requirements import Sources, checked
from reprise.isolate.store import Chosen, Store, link_tree, locked

# How callers name an interpreter: path, version, None for the running one, or one found before.
Python = str | Path | Interpreter | None

RECORD = "environment.json"
_STAGING = ".staging-"


@dataclass(frozen=True)
class Environment:
    """A finished environment.

    Attributes:
        folder: Where it lies; read-only.
        python: Its interpreter.
        base: Folder of the installation that the interpreter belongs to.
        digest: SHA-256 over interpreter and wheels.
        packages: Name -> version, sorted.
    """

    folder: Path
    python: Path
    base: Path
    digest: str
    packages: tuple[tuple[str, str], ...]


def resolve(
    requirements: Sequence[str],
    *,
    python: Python = None,
    constraints: Sequence[str] = (),
    sources: Sources | None = None,
    installer: Installer | None = None,
    everywhere: bool = False,
) -> Lock:
    """Choose versions for an interpreter; see `resolving.resolve`.

    Args:
        requirements: Lines such as `numpy>=1.26`.
        python: A path, a version such as `3.10`, or None for the running interpreter.
        constraints: Lines that limit versions of packages that are needed anyway.
        sources: Where packages come from.
        installer: Which program decides.
        everywhere: Also for other systems and newer Pythons, where the installer can.

    Raises:
        NotSupported: There is no such interpreter.
    """
    return resolving.resolve(
        requirements, interpreters.find(python),
        constraints=constraints, sources=sources, installer=installer, everywhere=everywhere,
    )  # fmt: skip


def build(
    lock: Lock,
    root: Path,
    *,
    python: Python = None,
    sources: Sources | None = None,
    installer: Installer | None = None,
    progress: Progress = silent,
) -> Environment:
    """Return the environment of a lock, built now unless it was built before.

    No code of any package runs. Processes may build at the same time; an interrupted build leaves
    nothing that is taken for an environment.

    Args:
        lock: What goes in.
        root: Folder of all environments.
        python: As for `resolve`.
        sources: Where files come from that are not on this machine yet.
        installer: Which program fetches them.
        progress: Told about every step.

    Raises:
        IncompatibleDependencies: The lock has no wheel of a package for this interpreter.
        CorruptContent: A file does not have the hash in the lock.
        HubUnreachable: A file could not be fetched; OfflineMiss when it should not be.
    """
    found = interpreters.find(python)
    chosen = wheels.select(lock, found)
    digest = _digest(found, chosen)
    ready = _open(root, digest)
    if ready is None:
        with locked(root, digest, progress):
            ready = _open(root, digest)
            if ready is None:
                store = Store(root, found)
                store.fill(
                    chosen, sources=sources or Sources(), installer=installer, progress=progress
                )
                progress(Step("link", f"{len(chosen)} packages"))
                ready = _assemble(store, digest, chosen)
    os.utime(ready.folder / RECORD)  # when it was last used
    progress(Step("done", ready.digest[:12]))
    return ready


def ensure(
    requirements: Sequence[str],
    root: Path,
    *,
    python: Python = None,
    constraints: Sequence[str] = (),
    sources: Sources | None = None,
    progress: Progress = silent,
) -> Environment:
    """Resolve and build; the second time neither asks a network.

    The answer of the first time holds until its file below `<root>/locks` is deleted.

    Args:
        requirements: As for `resolve`.
        root: Folder of all environments.
        python: As for `resolve`.
        constraints: As for `resolve`.
        sources: As for `resolve`.
        progress: Told about every step.
    """
    found = interpreters.find(python)
    question = {"requirements": checked(requirements), "constraints": checked(constraints),
                "python": _identity(found)}  # fmt: skip
    path = root / "locks" / f"{sha256_hex(canonical_json(question))}.toml"
    lock = _known(path)
    if lock is None:
        progress(Step("resolve", ", ".join(question["requirements"])))
        lock = resolving.resolve(requirements, found, constraints=constraints, sources=sources)
        write_bytes(path, pylock.write(lock).encode())
    return build(lock, root, python=found, sources=sources, progress=progress)


def _assemble(store: Store, digest: str, chosen: list[Chosen]) -> Environment:
    """Link a staging folder together and give it its name. The lock on the digest is held."""
    root, found = store.root, store.interpreter
    for leftover in root.glob(f"{_STAGING}{digest}-*"):
        shutil.rmtree(leftover, ignore_errors=True)  # its process is gone, or it held the lock
    staging = root / f"{_STAGING}{digest}-{uuid.uuid4().hex}"
    try:
        venv.create(staging, found)
        for _, wheel in chosen:
            link_tree(store.tree(wheel), staging)
        _write_record(staging, digest, found, chosen)
        shutil.rmtree(root / digest, ignore_errors=True)  # something without a record
        staging.rename(root / digest)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    ready = _open(root, digest)
    assert ready is not None
    return ready


def _write_record(folder: Path, digest: str, found: Interpreter, chosen: list[Chosen]) -> None:
    record = {
        "digest": digest,
        "python": found.full_version,
        "base": str(found.base),
        "cache_tag": found.cache_tag,
        "packages": {package.name: package.version for package, _ in chosen},
        "wheels": sorted(wheel.sha256 for _, wheel in chosen),
        "built": int(time.time()),
    }
    write_bytes(folder / RECORD, (json.dumps(record, indent=2) + "\n").encode())


def _open(root: Path, digest: str) -> Environment | None:
    folder = root / digest
    try:
        record = json.loads((folder / RECORD).read_bytes())
        packages = tuple(sorted(record["packages"].items()))
        base = Path(record["base"])
    except (OSError, ValueError, KeyError, AttributeError):
        return None
    return Environment(folder, folder / "bin" / "python", base, digest, packages)


def _digest(found: Interpreter, chosen: list[Chosen]) -> str:
    identity = {"python": _identity(found), "wheels": sorted(wheel.sha256 for _, wheel in chosen)}
    return sha256_hex(canonical_json(identity))


def _identity(found: Interpreter) -> list[str]:
    return [found.full_version, found.cache_tag, str(found.executable)]


def _known(path: Path) -> Lock | None:
    try:
        return pylock.read(path.read_text(encoding="utf-8"))
    except (OSError, InvalidFormat, UnicodeDecodeError):
        return None
