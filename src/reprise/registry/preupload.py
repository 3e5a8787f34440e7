"""How each file of an upload should travel: inside the commit, or as a large file before it."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from reprise.formats import gitattributes, gitignore
from reprise.formats.gitattributes import Attributes
from reprise.registry import cards, contents
from reprise.registry.access import Repo
from reprise.registry.git.store import GitStore
from reprise.registry.registry import Limits
from reprise.registry.revisions import Located, tree_of

# Bytes do not merge and hardly compress: above this size they are better off outside git.
BINARY = 1 << 20


@dataclass(frozen=True)
class Planned:
    """A file somebody wants to upload: size in bytes, and its first bytes."""

    path: str
    size: int
    sample: bytes


@dataclass(frozen=True)
class Advice:
    """How to upload it. `oid` names what is there now: SHA-1 of the blob, or SHA-256 if large."""

    path: str
    large: bool
    ignored: bool
    oid: str | None


@dataclass(frozen=True)
class Rules:
    """`.gitattributes` and `.gitignore` that the upload brings along; None means the repo's."""

    attributes: str | None = None
    ignore: str | None = None


def advise(
    conn: Connection,
    repo: Repo,
    at: Located,
    planned: list[Planned],
    rules: Rules,
    *,
    limits: Limits,
) -> list[Advice]:
    """Decide for every file of an upload.

    Raises:
        InvalidFormat: `.gitattributes` or `.gitignore` is over its limits.
    """
    kept = _kept_rules(conn, repo, at)
    attributes = gitattributes.parse((rules.attributes or kept.attributes or "").encode())
    ignore = gitignore.parse(rules.ignore if rules.ignore is not None else kept.ignore or "")
    present = _present(conn, repo, at, (it.path for it in planned))
    return [
        Advice(
            path=it.path,
            large=is_large(it, attributes, limits),
            ignored=ignore.ignores(it.path),
            oid=present.get(it.path),
        )
        for it in planned
    ]


def is_large(planned: Planned, attributes: Attributes, limits: Limits) -> bool:
    """Tell whether a file should travel as a large one; empty files and the rules never do."""
    if planned.size == 0 or planned.path == gitattributes.PATH:
        return False
    if attributes.is_lfs(planned.path) or planned.size > limits.regular_file:
        return True
    return planned.size > BINARY and b"\0" in planned.sample


def _kept_rules(conn: Connection, repo: Repo, at: Located) -> Rules:
    """Read the rules that the repo itself has at its root."""
    store = GitStore(conn, repo.id)
    tree = tree_of(conn, repo.id, at.commit)
    root = store.read_tree(tree) if tree is not None else ()
    attributes = cards.read_root_file(store, root, gitattributes.PATH, gitattributes.MAX_SIZE)
    ignore = cards.read_root_file(store, root, gitignore.PATH, gitignore.MAX_SIZE)
    return Rules(attributes.decode("utf-8", "replace"), ignore.decode("utf-8", "replace"))


def _present(conn: Connection, repo: Repo, at: Located, paths: Iterable[str]) -> dict[str, str]:
    found = [item.listed for item in contents.find_items(conn, repo, at, paths)]
    return {
        it.path: it.pointer.sha256 if it.pointer else it.oid.hex()
        for it in found
        if not it.is_folder
    }
