"""What all pages of a repo share: its name, its tabs, the revision in view."""

from dataclasses import dataclass

from sqlalchemy import Connection

from reprise.registry import revisions
from reprise.registry.access import Caller, Repo
from reprise.registry.cards import tags_of
from reprise.registry.git import refs
from reprise.registry.git.history import nodes
from reprise.registry.git.store import GitStore
from reprise.registry.revisions import Located
from reprise.server.calls import Call

HUBCONF = "hubconf.py"
_MAX_REFS = 100


@dataclass(frozen=True)
class Frame:
    """The frame of a repo's pages."""

    repo: Repo
    tags: list[str]
    revision: str  # as in the address
    at: Located
    branches: list[str]
    tag_names: list[str]
    has_entry_points: bool
    micros: int  # committer's date of the commit in view


def frame(call: Call, conn: Connection, caller: Caller) -> Frame:
    """Find the repo and the revision that an address names.

    Raises:
        RepoNotFound, RevisionNotFound: There is none that the caller may see.
    """
    repo = call.repo(conn, caller)
    revision = call.param("rev") or repo.default_branch
    at = revisions.locate(conn, repo, revision)
    tags = tags_of(conn, repo.id)
    found = refs.list_refs(conn, repo.id)[: 2 * _MAX_REFS]
    node = nodes(GitStore(conn, repo.id), [at.commit])[at.commit]
    return Frame(
        repo=repo,
        tags=tags,
        revision=revision,
        at=at,
        branches=[it.short for it in found if it.name.startswith(refs.HEADS)][:_MAX_REFS],
        tag_names=[it.short for it in found if it.name.startswith(refs.TAGS)][:_MAX_REFS],
        has_entry_points="torch-hub" in tags,
        micros=node.seconds * 1_000_000,
    )
