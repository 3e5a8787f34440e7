"""Load an entry point in a worker: an environment of its own, a process that may touch nothing.

    model = reprise.load("owner/name", "resnet18", isolated=True)   # an nn.Module, computing there

For repos that nobody vouched for, and for repos whose packages do not go with the caller's. Tensors
travel through shared memory. Gradients do not: a worker is for using a model, not for training it.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.hub import consent, locked, locking, settings
from reprise.hub.address import Address
from reprise.hub.finding import found
from reprise.hub.locking import Locking
from reprise.hub.manifest import Manifest
from reprise.hub.snapshots import Options, Snapshot
from reprise.isolate import environments
from reprise.isolate.client import Reference, RemoteObject, Worker
from reprise.isolate.environments import Environment
from reprise.isolate.interpreter import inspect
from reprise.isolate.launch import TRUSTED, UNTRUSTED, Launch
from reprise.isolate.limits import Level, Limits
from reprise.isolate.progress import Progress, Step
from reprise.isolate.requirements import Sources

log = logging.getLogger("reprise.hub")

_TOLD = frozenset({"resolve", "wait", "fetch"})  # steps that may take long


def log_step(step: Step) -> None:
    """Log a step of building an environment, at level INFO where people may have to wait."""
    level = logging.INFO if step.phase in _TOLD else logging.DEBUG
    log.log(level, "Environment: %s %s", step.phase, step.item)


@dataclass(frozen=True)
class Isolation:
    """How an isolated repo is run.

    Attributes:
        trusted: The code may do what the caller may do; it only needs other packages. Somebody
            has to agree to that, as for `load`.
        python: Interpreter of the environment to build: a path, a version such as "3.10", or None
            for the running one's version.
        environment: Interpreter of an environment that exists, instead of building one.
        requirements: What to install, instead of what the repo's code asks for.
        packages: A `pylock.toml` to install from, instead of the repo's own.
        constraints: Limits on versions of what is needed anyway: ("numpy<2",).
        sources: Where packages come from.
        root: Folder of all environments; by default below the cache of snapshots.
        readable: Files that untrusted code may read besides the repo and downloaded checkpoints.
        limits: What the process may use; None for `launch.UNTRUSTED` or `launch.TRUSTED`.
        level: How strongly untrusted code is confined; None for the strongest possible.
        env: Environment variables for the worker.
        call_seconds: How long one call may take.
        progress: Told about every step of building an environment; by default the log is.
    """

    trusted: bool = False
    python: str | Path | None = None
    environment: Path | None = None
    requirements: tuple[str, ...] | None = None
    packages: Path | None = None
    constraints: tuple[str, ...] = ()
    sources: Sources = field(default_factory=Sources)
    root: Path | None = None
    readable: tuple[Path, ...] = ()
    limits: Limits | None = None
    level: Level | None = None
    env: tuple[tuple[str, str], ...] = ()
    call_seconds: float | None = 600
    progress: Progress = log_step


def checked(value: object, argument: str = "isolated") -> Isolation:
    """Return how to isolate, for an argument that is True or says how.

    Raises:
        InvalidInput: It is something else; it is never taken for an argument of the entry point.
    """
    if value is True:
        return Isolation()
    if isinstance(value, Isolation):
        return value
    raise InvalidInput(
        f"{argument} must be True, False or an Isolation, not {value!r}.",
        hint="An entry point's own argument of that name is reached by "
        f"reprise.hub.entry_point(...)({argument}=...).",
    )


def isolated_entry_point(
    repo: str, entry: str, *, isolated: object, options: Options, trust_repo: object = "check"
) -> Callable[..., Any]:
    """Return a function that calls an entry point in a worker of its own, at each call.

    Modules come back as `nn.Module` where torch is installed on this side too; other objects as
    stand-ins that forward attributes and calls; plain values, arrays and tensors as themselves.
    The worker ends when nothing of it is held any more.

    Nobody has to agree to confined code, and `trust_repo=True` neither lifts the confinement nor
    is remembered. Where `Isolation.trusted` lifts it, `trust_repo` means what it means for `load`.

    Args:
        repo: As for `load`.
        entry: Name of the entry point.
        isolated: True or an `Isolation`.
        options: How to fetch the repo.
        trust_repo: As for `load`; asked about only where the code is to be trusted.

    Raises:
        ConsentRequired: It is to be trusted, and nobody agreed to run this commit.
        EntryNotFound: The repo has no such entry point.
        IncompatibleDependencies: Its packages cannot be installed together.
        NotSupported: This machine cannot confine untrusted code.
        RepriseError: See `reprise.hub.snapshots.open_snapshot`.
    """
    snapshot, launch = prepared(
        repo, entry, isolated=isolated, options=options, trust_repo=trust_repo
    )

    def call(*args: Any, **kwargs: Any) -> Any:
        name = str(snapshot.address)
        return call_entry_point(launch, name, snapshot.folder, (entry, args, kwargs))

    return call


def prepared(
    repo: str, entry: str, *, isolated: object, options: Options, trust_repo: object = "check"
) -> tuple[Snapshot, Launch]:
    """Do all that must come before a worker runs an entry point, see `isolated_entry_point`."""
    wanted = checked(isolated)
    consent.check_trust(trust_repo)
    snapshot, manifest = found(repo, entry, options)
    if options.lock is not None and wanted.packages is None:
        wanted = replace(wanted, packages=locked.packages_path(options.lock))
    if wanted.trusted and isinstance(snapshot.address, Address) and snapshot.commit:
        policy = consent.Policy(settings.trust_file())
        consent.require_consent(snapshot.address, snapshot.commit, trust_repo, policy=policy)
    return snapshot, make_launch(snapshot, manifest, wanted)


def call_entry_point(
    launch: Launch,
    name: str,
    folder: Path,
    call: tuple[str, tuple[Any, ...], Mapping[str, Any]],
) -> Any:
    """Start a worker and call an entry point of `folder` in it.

    Args:
        launch: How to start it; it must be able to read the folder.
        name: Stands before its output in the log.
        folder: Root of the repo's files.
        call: Entry point, positional and keyword arguments.
    """
    has_torch = find_spec("torch") is not None
    worker = Worker(launch, name=name, represent=_represent, prefer_numpy=not has_torch)
    entry, args, kwargs = call
    result = worker.load(folder, entry, *args, **kwargs)
    if has_torch:
        from reprise.hub import remote_module

        if remote_module.is_remote(result):
            remote_module.remember(result, remote_module.Recipe(launch, name, folder, call))
    return result


def facts_of(value: object) -> dict[str, str] | None:
    """Return the type of what lives in a worker and the level of its confinement; else None."""
    worker = getattr(value, "_worker", None)
    if not isinstance(worker, Worker):
        return None
    facts: dict[str, Any] = value._facts  # type: ignore[attr-defined]  # noqa: SLF001
    return {"type": str(facts["type"]), "isolated": worker.start().level.name.lower()}


def make_launch(snapshot: Snapshot, manifest: Manifest, wanted: Isolation) -> Launch:
    """Prepare the environment of a repo and say how its worker starts."""
    python, base, torch_there = _interpreter(snapshot.folder, manifest, wanted)
    checkpoints = settings.cache_dir() / "checkpoints"
    readable = [*_files(snapshot), *wanted.readable]
    readable += [checkpoints] if checkpoints.is_dir() else []
    launch = Launch(
        python,
        base,
        limits=wanted.limits or (TRUSTED if wanted.trusted else UNTRUSTED),
        level=Level.NONE if wanted.trusted else wanted.level,
        env=(("TORCH_HOME", str(settings.cache_dir().parent)), *wanted.env),
        modules=("torch",) if torch_there else (),
        inherits=wanted.trusted,
        call_seconds=wanted.call_seconds,
    )
    return replace(launch, limits=launch.limits.reading(*readable))


def _files(snapshot: Snapshot) -> list[Path]:
    """Return the snapshot, and what its links into another cache point to."""
    root = snapshot.root.resolve()
    links = {path.resolve() for path in root.rglob("*") if path.is_symlink()}
    return [root, *sorted(target for target in links if target.is_file())]


def _interpreter(folder: Path, manifest: Manifest, wanted: Isolation) -> tuple[Path, Path, bool]:
    """Return an interpreter, its base installation, and whether torch is to be expected."""
    if wanted.environment is not None:
        return wanted.environment, inspect(wanted.environment).base, True
    made = _environment(folder, manifest, wanted)
    return made.python, made.base, "torch" in dict(made.packages)


def _environment(folder: Path, manifest: Manifest, wanted: Isolation) -> Environment:
    """Build what was asked for, else what the repo's lock says, else what its code needs."""
    root = wanted.root or settings.cache_dir() / "environments"
    how = Locking(
        python=wanted.python,
        constraints=wanted.constraints,
        sources=wanted.sources,
        progress=wanted.progress,
    )
    if wanted.packages is not None:
        return environments.build(
            locking.read_packages(wanted.packages), root, python=how.python, sources=how.sources,
            progress=how.progress,
        )  # fmt: skip
    if wanted.requirements is None:
        return locking.environment(folder, manifest, how, root=root)
    return environments.ensure(
        wanted.requirements, root, python=how.python, constraints=how.constraints,
        sources=how.sources, progress=how.progress,
    )  # fmt: skip


def _represent(worker: Worker, reference: Reference, facts: dict[str, Any]) -> Any:
    if facts.get("module") and find_spec("torch") is not None:
        from reprise.hub import remote_module

        return remote_module.make(worker, reference, facts)
    return RemoteObject(worker, reference, facts)
