"""A push, from the request to moved refs: objects and refs land in one transaction, or nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from sqlalchemy import Connection

from reprise.base.errors import InvalidInput, RepriseError, StaleParent
from reprise.registry import branches, push_rules
from reprise.registry.access import Repo
from reprise.registry.db.database import lock_repo
from reprise.registry.git import refs
from reprise.registry.git.losses import mark_garbage, note_losses
from reprise.registry.git.objects import Kind, object_id
from reprise.registry.git.pack_reader import PackFile, PackLimits
from reprise.registry.git.pktline import Sink, error_packet
from reprise.registry.git.pointers import PointerRow, save_pointers
from reprise.registry.git.push_request import (
    Command,
    PushRequest,
    Report,
    read_push,
    write_report,
)
from reprise.registry.git.store import GitStore
from reprise.registry.git.unpack import Unpacked
from reprise.registry.registry import Registry

# Finds the repo and checks that the caller may write to it, in the connection's transaction.
FindRepo = Callable[[Connection], Repo]

_EMPTY_TREE = object_id(Kind.TREE, b"")


@dataclass(frozen=True)
class _Step:
    """What one ref's move needs to know."""

    registry: Registry
    repo: Repo
    store: GitStore
    now: int
    dropped: list[bytes]  # what may be lost by the moves


class _Undone(Exception):
    """Leaves the transaction without a trace."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report


def receive(registry: Registry, find: FindRepo, source: BinaryIO, sink: Sink) -> None:
    """Answer one POST to `git-receive-pack`.

    Args:
        registry: The hub.
        find: Called twice: to read what the pack builds on, and inside the transaction.
        source: The request in a real file, positioned at its start.
        sink: Receives the answer. Refusals go there too, as git expects.
    """
    try:
        request = read_push(source)
    except RepriseError as error:
        sink.write(error_packet(error.message))
        return
    if not request.commands:  # git's probe for credentials before a large push
        return
    write_report(request, _carry_out(registry, find, request, source), sink)


def _carry_out(
    registry: Registry, find: FindRepo, request: PushRequest, source: BinaryIO
) -> Report:
    pack = None
    try:
        if not request.has_pack:
            return _land(registry, find, request, None)
        limits = registry.limits
        ceilings = PackLimits(limits.push_objects, limits.push_bytes, limits.regular_file)
        pack = PackFile(source, ceilings, begin=request.pack_at)
        with registry.db.read() as conn:
            repo = find(conn)
            unpacked = Unpacked(pack, GitStore(conn, repo.id))
        return _land(registry, find, request, unpacked)
    except _Undone as undone:
        return undone.report
    except RepriseError as error:
        refused = [error.message] * len(request.commands)
        return Report(refused, unpack=error.message, notes=[error.message])
    finally:
        if pack is not None:
            pack.close()


def _land(
    registry: Registry, find: FindRepo, request: PushRequest, unpacked: Unpacked | None
) -> Report:
    """Store the objects and move the refs.

    Raises:
        _Undone: No ref could be moved, or not all of an atomic push.
        RepriseError: The objects cannot be taken.
    """
    with registry.db.write() as conn:
        repo = find(conn)
        lock_repo(conn, repo.id)
        store = GitStore(conn, repo.id)
        if unpacked is not None:
            _insert(store, unpacked)
            _check_content(store, repo, request, unpacked)
        step = _Step(registry, repo, store, registry.clock(), [])
        refusals = _move_all(conn, step, request.commands)
        report = Report(refusals, notes=_notes(refusals))
        if all(refusals) or ("atomic" in request.capabilities and any(refusals)):
            raise _Undone(_atomic(report) if not all(refusals) else report)
        note_losses(conn, repo.id, step.dropped)
        if unpacked is not None and _leftovers(unpacked, request.commands, refusals):
            mark_garbage(conn, repo.id)
        return report


def _insert(store: GitStore, unpacked: Unpacked) -> None:
    """Store a pack's objects, provided that everything they refer to is there or comes along."""
    found = unpacked.found
    gone = found.outside_bases - store.heads(found.outside_bases).keys()
    if gone:
        raise StaleParent("The repo was cleaned up during this push; push again.")
    if _EMPTY_TREE in found.needs:  # git invents it where it is missing
        store.write(Kind.TREE, b"")
    _check_connected(store, unpacked)
    store.insert(unpacked.rows())
    rows = [PointerRow(oid, pointer) for oid, pointer in found.pointers.items()]
    save_pointers(store.conn, store.repo_id, rows)


def _check_connected(store: GitStore, unpacked: Unpacked) -> None:
    """Everything stored is complete below itself, so one step beyond the pack is enough."""
    found = unpacked.found
    outside = found.needs.keys() - found.kinds.keys()
    known = {oid: head.kind for oid, head in store.heads(outside).items()}
    known.update(found.kinds)
    for oid, kind in found.needs.items():
        if oid not in known:
            raise InvalidInput(
                f"The push is incomplete: {kind.name.lower()} {oid.hex()} is missing. In a shallow "
                "clone, run 'git fetch --unshallow' and push again."
            )
        if known[oid] is not kind:
            raise InvalidInput(
                f"{oid.hex()} is a {known[oid].name.lower()}, but is used as a {kind.name.lower()}."
            )


def _check_content(store: GitStore, repo: Repo, request: PushRequest, unpacked: Unpacked) -> None:
    """Refuse the whole push for its files: objects without them must not stay behind."""
    tips = [command.new for command in request.commands if command.new is not None]
    notes = push_rules.content_problems(store, repo, unpacked.found, tips)
    if notes:
        raise _Undone(Report([notes[0]] * len(request.commands), notes=notes))


def _move_all(conn: Connection, step: _Step, commands: Sequence[Command]) -> list[str | None]:
    """Move refs one by one, deletions first; a refused one leaves the others alone."""
    refusals: dict[str, str | None] = {}
    for command in sorted(commands, key=lambda command: command.new is not None):
        try:
            with conn.begin_nested():
                _move(conn, step, command)
            refusals[command.ref] = None
        except RepriseError as error:
            refusals[command.ref] = error.message
    return [refusals[command.ref] for command in commands]


def _move(conn: Connection, step: _Step, command: Command) -> None:
    push_rules.check_command(step.store, step.repo, command)
    refs.move(
        conn, step.repo.id, command.ref,
        old=command.old, new=command.new, dropped=step.dropped,
    )  # fmt: skip
    branches.moved(
        conn, step.registry, step.repo, command.ref,
        old=command.old, new=command.new, now=step.now,
    )  # fmt: skip


def _leftovers(
    unpacked: Unpacked, commands: Sequence[Command], refusals: Sequence[str | None]
) -> bool:
    """Tell whether the pack held objects that no moved ref leads to."""
    roots = {
        command.new
        for command, refusal in zip(commands, refusals, strict=True)
        if refusal is None and command.new is not None
    }
    found = unpacked.found
    return not (found.kinds.keys() - found.needs.keys()) <= roots


def _notes(refusals: Sequence[str | None]) -> list[str]:
    """Say every refusal once in full; the line of a ref is cut short."""
    return list(dict.fromkeys(refusal for refusal in refusals if refusal is not None))


def _atomic(report: Report) -> Report:
    other = "nothing was moved, because another ref of this atomic push was refused"
    return Report([refusal or other for refusal in report.refusals], notes=report.notes)
