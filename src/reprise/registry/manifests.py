"""Manifests of hubconf repos: read from a commit's source files, kept per repo and commit.

A commit only notes that a manifest is due. Reading one takes up to seconds, so that happens after
the transaction, in whatever thread calls `catch_up`.
"""

import json
import logging
import tempfile
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy import insert as plain_insert

from reprise.base.errors import InvalidFormat, InvalidId, NotFound, RevisionNotFound
from reprise.base.ids import RepoType, check_path
from reprise.hub.manifest import (
    EntryPoint,
    Manifest,
    Problem,
    from_json,
    read_manifest,
    to_json,
)
from reprise.registry import repos
from reprise.registry.access import Repo
from reprise.registry.db.database import lock_repo
from reprise.registry.db.schema import entry_point, manifest, manifest_due
from reprise.registry.db.upsert import insert
from reprise.registry.git import refs, trees
from reprise.registry.git.objects import EXECUTABLE, FILE
from reprise.registry.git.store import GitStore
from reprise.registry.registry import Registry
from reprise.registry.revisions import tree_of

HUBCONF = "hubconf.py"
_READ = (".py", ".txt", ".toml", ".cfg", ".yml", ".yaml")  # what a manifest is made from
_MAX_NAME = 255  # bytes, of most file systems
_MAX_FILES = 500
_MAX_FILE = 1 << 20  # bytes
_MAX_BYTES = 8 << 20  # of all files together
_MAX_INDEXED = 5_000  # entry points of one repo
_MAX_SUMMARY = 200  # characters
_MAX_SIGNATURE = 2_000  # characters

_STORED = select(manifest.c.body).where(
    manifest.c.repo_id == bindparam("repo_id"), manifest.c.commit_oid == bindparam("commit")
)
_log = logging.getLogger(__name__)


def note(
    conn: Connection, repo: Repo, old: bytes | None, new: bytes | None, *, store: GitStore, now: int
) -> None:
    """Note that the default branch moved; call it in the transaction that moved it."""
    if repo.type is not RepoType.MODEL:
        return
    if new is not None and _has_hubconf(store, new):
        row = {"repo_id": repo.id, "since": now}
        conn.execute(insert(conn, manifest_due).values(row).on_conflict_do_nothing())
    elif old is not None and _has_hubconf(store, old):
        conn.execute(delete(entry_point).where(entry_point.c.repo_id == repo.id))
        conn.execute(delete(manifest_due).where(manifest_due.c.repo_id == repo.id))


def catch_up(registry: Registry) -> int:
    """Read every manifest that is due, and return how many there were.

    Opens transactions of its own; call it outside of any.
    """
    done = 0
    while (repo_id := _next_due(registry)) is not None:
        done += 1
        try:
            _bring_up_to_date(registry, repo_id)
        except Exception:  # noqa: BLE001 - whatever it is, the others go on
            _log.exception("The manifest of repo number %d could not be read", repo_id)
            with registry.db.write() as conn:
                _settle(conn, repo_id)
    return done


def stored(conn: Connection, repo: Repo, commit: bytes) -> Manifest | None:
    """Return the manifest kept for a commit, or None."""
    body = conn.execute(_STORED, {"repo_id": repo.id, "commit": commit}).scalar()
    try:
        return from_json(json.loads(body)) if body is not None else None
    except InvalidFormat:  # kept by another version of the hub
        return None


# Path -> source; None: it should be read, but a limit or its kind is in the way.
Sources = dict[str, bytes | None]


def sources_of(conn: Connection, repo: Repo, commit: bytes) -> Sources:
    """Read the source files of a commit, within limits.

    Files that are no code, or larger than any code, are left out without a word.
    """
    store, tree = GitStore(conn, repo.id), tree_of(conn, repo.id, commit)
    if tree is None:
        raise RevisionNotFound(f"Invalid rev id: {commit.hex()}")
    listed = [
        (path, entry)
        for path, entry in trees.list_tree(store, tree, recursive=True)
        if not entry.is_folder and path.endswith(_READ)
    ]
    listed.sort(key=lambda item: not _matters(item[0]))  # stable: what matters comes first
    sizes = store.sizes({entry.oid for _, entry in listed[:_MAX_FILES]})
    found, total = Sources(), 0
    for path, entry in listed[:_MAX_FILES]:
        size = sizes.get(entry.oid, _MAX_FILE + 1)
        total += size if size <= _MAX_FILE else 0
        is_plain = entry.mode in {FILE, EXECUTABLE} and _is_plain(path)
        if size <= _MAX_FILE and total <= _MAX_BYTES and is_plain:
            found[path] = store.read(entry.oid).body
        elif size <= _MAX_FILE and _matters(path):
            found[path] = None
    return found | {path: None for path, _ in listed[_MAX_FILES:][:1] if _matters(path)}


def read(sources: Sources) -> Manifest:
    """Read a manifest from source files; nothing is run. Hold no connection meanwhile.

    Where a source is missing, the manifest says that it is incomplete.
    """
    with tempfile.TemporaryDirectory(prefix="reprise-manifest-") as folder:
        root = Path(folder)
        for path, body in sources.items():
            if body is not None:
                target = root / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(body)
        found = read_manifest(root)
    missing = sorted(path for path, body in sources.items() if body is None)
    if not missing:
        return found
    problem = Problem(storable(missing[0]), 0, "this hub does not read links or so many files")
    flags = tuple(sorted({*found.flags, "incomplete"}))
    return replace(found, flags=flags, problems=(*found.problems, problem))


def summary_of(entry: EntryPoint) -> str:
    """Return the first line of an entry point's docstring, as listings show it."""
    lines = (entry.doc or "").strip().splitlines()
    return storable(lines[0].strip() if lines else "")[:_MAX_SUMMARY]


def storable(text: str) -> str:
    """Replace what no database holds in a text: NUL and half characters."""
    return text.replace("\0", "�").encode("utf-8", "replace").decode()


def _bring_up_to_date(registry: Registry, repo_id: int) -> None:
    with registry.db.read() as conn:
        repo = repos.by_number(conn, repo_id)
        commit = _tip(conn, repo) if repo is not None else None
        sources = sources_of(conn, repo, commit) if repo is not None and commit else {}
    if repo is None or commit is None:
        with registry.db.write() as conn:
            _settle(conn, repo_id)
        return
    found = read(sources)
    with registry.db.write() as conn:
        lock_repo(conn, repo_id)
        if _tip(conn, repo) == commit:  # else it is due again
            _keep(conn, repo_id, commit, found, registry.clock())
            _settle(conn, repo_id)


def _keep(conn: Connection, repo_id: int, commit: bytes, found: Manifest, now: int) -> None:
    body = json.dumps(to_json(found), separators=(",", ":"))
    row = {"repo_id": repo_id, "commit_oid": commit, "body": body, "created_at": now}
    again = {"body": body, "created_at": now}
    statement = insert(conn, manifest).values(row)
    conn.execute(
        statement.on_conflict_do_update(index_elements=["repo_id", "commit_oid"], set_=again)
    )
    conn.execute(delete(entry_point).where(entry_point.c.repo_id == repo_id))
    own = [it for it in found.entry_points if it.own and it.name.isidentifier()]
    if own:
        conn.execute(plain_insert(entry_point), [_row(repo_id, it) for it in own[:_MAX_INDEXED]])


def _row(repo_id: int, entry: EntryPoint) -> dict[str, object]:
    summary = summary_of(entry)
    signature = storable(entry.signature)[:_MAX_SIGNATURE] if entry.signature else None
    return {
        "repo_id": repo_id,
        "name": entry.name,
        "key": f"{entry.name} {summary}".lower(),
        "kind": entry.kind,
        "signature": signature,
        "summary": summary,
    }


def _next_due(registry: Registry) -> int | None:
    oldest = select(manifest_due.c.repo_id).order_by(manifest_due.c.since, manifest_due.c.repo_id)
    with registry.db.read() as conn:
        found: int | None = conn.execute(oldest.limit(1)).scalar()
    return found


def _settle(conn: Connection, repo_id: int) -> None:
    conn.execute(delete(manifest_due).where(manifest_due.c.repo_id == repo_id))


def _tip(conn: Connection, repo: Repo) -> bytes | None:
    try:
        return refs.resolve(conn, repo, repo.default_branch)
    except NotFound:
        return None


def _has_hubconf(store: GitStore, commit: bytes) -> bool:
    found = trees.find(store, store.read_commit(commit).tree, HUBCONF)
    return found is not None and not found.is_folder


def _matters(path: str) -> bool:
    """Tell whether a manifest is likely made from a file: code anywhere, other texts at the root.

    Texts elsewhere may be included by a requirements file, and are mostly data.
    """
    return path.endswith(".py") or ("/" not in path and path.endswith(_READ))


def _is_plain(path: str) -> bool:
    """Tell whether a file system takes a path as it is."""
    try:
        check_path(path)
    except InvalidId:
        return False
    return all(len(part.encode()) <= _MAX_NAME for part in path.split("/"))
