"""Cards of repos: what the tip of the default branch says, kept in rows for listing and search."""

import json
from collections.abc import Iterator
from itertools import chain

from sqlalchemy import Connection, bindparam, delete, func, select, update

from reprise.formats import lfs_pointer
from reprise.registry.access import Repo
from reprise.registry.db.schema import repo as repo_table
from reprise.registry.db.schema import repo_tag
from reprise.registry.db.upsert import insert
from reprise.registry.description import Description, Files, describe, read_json
from reprise.registry.git.objects import TreeEntry
from reprise.registry.git.store import GitStore

# Counts up when `refresh` learns to read more: hubs then read their repos again, see card_backlog.
VERSION = 1
README = "README.md"
CONFIG = "config.json"
# Larger ones are served, but nothing is learnt from them.
MAX_README = 4 << 20  # bytes
MAX_CONFIG = 1 << 20  # bytes
# How far file names are looked at for clues about frameworks.
_MAX_FOLDERS = 32
_MAX_NAMES = 5000
_LEVELS = 2

_TAGS = select(repo_tag.c.tag).where(repo_tag.c.repo_id == bindparam("repo_id"))
_CHILDREN = (
    select(func.count())
    .select_from(repo_tag)
    .join(repo_table, repo_table.c.id == repo_tag.c.repo_id)
    .where(
        repo_tag.c.tag == bindparam("tag"),
        repo_table.c.type == bindparam("type"),
        repo_table.c.private.is_(False),
    )
)


def refresh(
    conn: Connection, repo: Repo, commit: bytes, *, store: GitStore | None = None
) -> Description:
    """Bring a repo's rows up to date with a commit; call it after the default branch moved.

    Nothing in a repo can make this fail: a broken card counts as an empty one.
    """
    store = store or GitStore(conn, repo.id)
    found = describe(repo.type, read_files(store, store.read_commit(commit).tree))
    values = {
        "card": json.dumps(found.card, separators=(",", ":")),
        "pipeline_tag": found.pipeline_tag,
        "library_name": found.library_name,
        "summary": found.summary,
        "described_by": VERSION,
    }
    conn.execute(update(repo_table).where(repo_table.c.id == repo.id).values(values))
    _replace_tags(conn, repo.id, found.tags)
    return found


def concerns(path: str, was: TreeEntry | None, now: TreeEntry | None) -> bool:
    """Tell whether a change at a path can change what a repo says about itself.

    Most commits only write files that are there, or new ones deep inside; they cost no `refresh`.
    """
    if path in {README, CONFIG}:
        return True
    came_or_went = was is None or now is None or was.is_folder != now.is_folder
    return came_or_went and path.count("/") < _LEVELS


def read_files(store: GitStore, tree: bytes) -> Files:
    """Read the parts of a tree that describe its repo: card, config, file names of two levels."""
    root = store.read_tree(tree)
    return Files(
        names=list(_names(store, root)),
        readme=read_root_file(store, root, README, MAX_README).decode("utf-8", "replace"),
        config=read_json(read_root_file(store, root, CONFIG, MAX_CONFIG)),
    )


def read_root_file(store: GitStore, root: tuple[TreeEntry, ...], name: str, limit: int) -> bytes:
    """Read a file at the root that lies in git itself; empty when absent, large or a pointer."""
    entry = next((entry for entry in root if entry.name == name), None)
    if entry is None or entry.is_folder:
        return b""
    if store.sizes([entry.oid]).get(entry.oid, limit + 1) > limit:
        return b""
    body = store.read(entry.oid).body
    return b"" if lfs_pointer.parse(body) else body


def tags_of(conn: Connection, repo_id: int) -> list[str]:
    """List a repo's tags, sorted."""
    return sorted(conn.execute(_TAGS, {"repo_id": repo_id}).scalars())


def count_children(conn: Connection, repo: Repo) -> int:
    """Count the public models whose cards name this one as their base."""
    tag = f"base_model:{repo.repo_id}"
    count: int = conn.execute(_CHILDREN, {"tag": tag, "type": repo.type.value}).scalar_one()
    return count


def _names(store: GitStore, root: tuple[TreeEntry, ...]) -> Iterator[str]:
    folders = [entry for entry in root if entry.is_folder][:_MAX_FOLDERS]
    below = ((f"{entry.name}/", store.read_tree(entry.oid)) for entry in folders)
    left = _MAX_NAMES
    for folder, entries in chain([("", root)], below):
        for entry in entries[: max(left, 0)]:
            if not entry.is_folder:
                yield folder + entry.name
        left -= len(entries)


def _replace_tags(conn: Connection, repo_id: int, tags: list[str]) -> None:
    old, new = set(tags_of(conn, repo_id)), set(tags)
    if gone := old - new:
        conn.execute(
            delete(repo_tag).where(repo_tag.c.repo_id == repo_id, repo_tag.c.tag.in_(gone))
        )
    if added := new - old:
        values = [{"repo_id": repo_id, "tag": tag} for tag in sorted(added)]
        conn.execute(insert(conn, repo_tag).on_conflict_do_nothing(), values)
