"""The history of a repo, and what one commit changed."""

from dataclasses import dataclass
from difflib import unified_diff
from itertools import islice

from sqlalchemy import Connection
from starlette.responses import Response

from reprise.base.errors import NotFound, RevisionNotFound
from reprise.base.ids import is_commit
from reprise.formats import lfs_pointer
from reprise.registry import revisions
from reprise.registry.git import history, trees
from reprise.registry.git.objects import Commit, TreeEntry
from reprise.registry.git.store import GitStore
from reprise.server.calls import Call
from reprise.server.web.render import page
from reprise.server.web.repo_frame import Frame, frame
from reprise.server.web.wording import file_size

_PAGE = 50  # commits
_MAX_FILES = 100  # of one commit
_MAX_DIFFED = 200_000  # bytes of a file that is compared
_MAX_LINES = 400  # of one file's difference


@dataclass(frozen=True)
class Logged:
    """One commit in a list."""

    oid: str
    commit: Commit


@dataclass(frozen=True)
class Change:
    """What a commit did to one file."""

    path: str
    kind: str  # added, removed, changed
    lines: list[str]  # of a unified difference
    note: str = ""  # instead of lines


def history_page(call: Call) -> Response:
    """`GET /{type}{repo}/commits/{rev}`: newest first."""
    after = call.query("after")
    with call.read() as (conn, caller):
        shown = frame(call, conn, caller)
        store = GitStore(conn, shown.repo.id)
        behind = _known(conn, shown, after) if after else None
        found = list(history.log(store, shown.at.commit, limit=_PAGE + 1, after=behind))
    logged = [Logged(oid.hex(), commit) for oid, commit in found[:_PAGE]]
    return page(
        call.request,
        "history.html",
        frame=shown,
        repo=shown.repo,
        repo_type=shown.repo.type,
        tab="history",
        logged=logged,
        after=logged[-1].oid if len(found) > _PAGE else "",
        is_first=not after,
    )


def commit_page(call: Call) -> Response:
    """`GET /{type}{repo}/commit/{oid}`: the files it changed, compared with its first parent."""
    with call.read() as (conn, caller):
        shown = frame(call, conn, caller)
        oid = _known(conn, shown, call.param("commit"))
        store = GitStore(conn, shown.repo.id)
        commit = store.read_commit(oid)
        before = store.read_commit(commit.parents[0]).tree if commit.parents else None
        changed = trees.diff(store, before, commit.tree)
        files = (it for it in changed if not _is_folder(it[1], it[2]))
        found = list(islice(files, _MAX_FILES + 1))
        changes = [_change(store, *it) for it in found[:_MAX_FILES]]
    return page(
        call.request,
        "commit.html",
        frame=shown,
        repo=shown.repo,
        repo_type=shown.repo.type,
        tab="history",
        commit=commit,
        oid=oid.hex(),
        parents=[parent.hex() for parent in commit.parents],
        changes=changes,
        more=len(found) > _MAX_FILES,
        most=_MAX_FILES,
    )


def _known(conn: Connection, shown: Frame, text: str) -> bytes:
    if not is_commit(text):
        raise RevisionNotFound(f"{text[:80]!r} is not a commit id of 40 hex digits.")
    return revisions.locate(conn, shown.repo, text).commit


def _is_folder(was: TreeEntry | None, now: TreeEntry | None) -> bool:
    return all(entry is None or entry.is_folder for entry in (was, now))


def _change(store: GitStore, path: str, was: TreeEntry | None, now: TreeEntry | None) -> Change:
    was, now = (None if it is None or it.is_folder else it for it in (was, now))
    kind = "added" if was is None else "removed" if now is None else "changed"
    old, new = _body(store, was), _body(store, now)
    if old is None or new is None:
        return Change(path, kind, [], "too large to compare")
    pointer = lfs_pointer.parse(new) or lfs_pointer.parse(old)
    if pointer is not None:
        return Change(path, kind, [], f"large file, {file_size(pointer.size)}")
    try:
        before, after = old.decode().splitlines(), new.decode().splitlines()
    except UnicodeDecodeError:
        return Change(path, kind, [], "not a text")
    lines = list(islice(unified_diff(before, after, lineterm="", n=3), 2, _MAX_LINES + 3))
    cut = len(lines) > _MAX_LINES
    return Change(path, kind, lines[:_MAX_LINES], "only the beginning is shown" if cut else "")


def _body(store: GitStore, entry: TreeEntry | None) -> bytes | None:
    """Read a side of a comparison; None when it is too large."""
    if entry is None:
        return b""
    try:
        size = store.sizes([entry.oid]).get(entry.oid, _MAX_DIFFED + 1)
        return store.read(entry.oid).body if size <= _MAX_DIFFED else None
    except NotFound:  # a submodule names a commit of another repo
        return None
