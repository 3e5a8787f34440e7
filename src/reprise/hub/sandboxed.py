"""Complete a manifest by running a repo's code, confined: for names that are made while it runs.

Some names cannot be read from source: filled in by loops over files, made by decorators of other
packages. Running `hubconf.py` in a worker shows them. This happens only when somebody asks for it,
nobody has to agree first (the code can touch nothing), and what it tells is marked as such.
"""

from dataclasses import replace
from typing import Any, get_args

from reprise.base.errors import InvalidInput, IsolationFailed
from reprise.hub.finding import readable
from reprise.hub.isolated import Isolation, checked, make_launch
from reprise.hub.manifest import EntryPoint, Manifest
from reprise.hub.manifest.records import Kind
from reprise.hub.snapshots import Options, Snapshot, open_snapshot
from reprise.isolate.client import Worker

FLAG = "executed-in-sandbox"
_MAX_ENTRIES = 20_000
_MAX_NAME, _MAX_SIGNATURE, _MAX_DOC = 300, 10_000, 100_000  # characters


def look(repo: str, options: Options, sandbox: object) -> tuple[Snapshot, Manifest]:
    """Open a repo and return its snapshot and its manifest, completed where that is needed.

    Args:
        repo: As for `list`.
        options: How to fetch it.
        sandbox: True, or an `Isolation` that says how to run it.

    Raises:
        InvalidInput: `sandbox` is something else, or would not confine the code.
        RepriseError: As `complete`.
    """
    isolation = checked(sandbox, "sandbox")
    if isolation.trusted:
        raise InvalidInput(
            "A sandbox runs code that nobody agreed to; it cannot be trusted.",
            hint="Leave out trusted=True, or load the entry point instead of listing it.",
        )
    snapshot = open_snapshot(repo, options, weights=False)
    return snapshot, complete(snapshot, readable(snapshot), isolation)


def complete(snapshot: Snapshot, manifest: Manifest, isolation: Isolation) -> Manifest:
    """Run `hubconf.py` in a worker and put what that shows in place of what could not be read.

    Entry points that the source tells for certain stay as the source tells them; a manifest of
    nothing but those is returned as it is, and nothing is run.

    Raises:
        IncompatibleDependencies: The repo's packages cannot be installed together.
        IsolationFailed: Its code failed, or told nonsense.
        NotSupported: This machine cannot confine untrusted code.
    """
    if "dynamic-names" not in manifest.flags and all(map(_is_known, manifest.entry_points)):
        return manifest
    launch = make_launch(snapshot, manifest, isolation)
    with Worker(launch, name=str(snapshot.address)) as worker:
        told = worker.entries(snapshot.folder)
    return _merged(manifest, told)


def _merged(manifest: Manifest, told: object) -> Manifest:
    if not isinstance(told, list) or len(told) > _MAX_ENTRIES:
        raise _nonsense("more entry points than anybody can use")
    read = {entry.name: entry for entry in manifest.entry_points}
    seen = {entry.name: entry for entry in map(_entry, told)}
    entries = (
        _joined(read[name], entry) if name in read else entry for name, entry in seen.items()
    )
    flags = sorted({*manifest.flags, FLAG} - {"dynamic-names"})
    ordered = tuple(sorted(entries, key=lambda entry: entry.name))
    return replace(manifest, entry_points=ordered, flags=tuple(flags))


def _joined(read: EntryPoint, seen: EntryPoint) -> EntryPoint:
    return read if _is_known(read) else replace(seen, own=read.own)


def _is_known(entry: EntryPoint) -> bool:
    return entry.certainty == "static" and entry.kind != "unknown"


def _entry(item: Any) -> EntryPoint:
    """Check one entry point as hostile code may have told it."""
    fields: dict[str, Any] = item if isinstance(item, dict) else {}
    name, kind, line = fields.get("name"), fields.get("kind"), fields.get("line")
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= _MAX_NAME:
        raise _nonsense("an entry point without a name")
    if kind not in get_args(Kind) or type(line) is not int or line < 0:
        raise _nonsense(f"no such kind or place of {name}")
    assert kind is not None
    file = _text(fields.get("file"), _MAX_NAME) or ""
    return EntryPoint(
        name=name,
        kind=kind,
        signature=_text(fields.get("signature"), _MAX_SIGNATURE),
        doc=_text(fields.get("doc"), _MAX_DOC),
        file=file if file.isprintable() else "",
        line=line,
        decorators=(),
        certainty="executed",
        own=line > 0 or fields.get("renamed") is True,
    )


def _text(value: object, longest: int) -> str | None:
    return value[:longest] if isinstance(value, str) else None


def _nonsense(what: str) -> IsolationFailed:
    return IsolationFailed(
        f"The code in the sandbox told nonsense about its entry points: {what}.",
        hint="List the repo without a sandbox: what its source tells is safe to read.",
    )
