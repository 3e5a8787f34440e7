"""Search through the entry points of all repos."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from reprise.base.errors import InvalidInput
from reprise.base.ids import RepoId, RepoType
from reprise.registry.access import Caller
from reprise.registry.db.schema import account, entry_point, repo
from reprise.registry.listing import MAX_TERMS, visible

MAX_FOUND = 100
_MAX_WORD = 200  # characters


@dataclass(frozen=True)
class Found:
    """An entry point at the tip of a repo's default branch."""

    repo_id: RepoId
    name: str
    kind: str
    signature: str | None
    summary: str


def search(conn: Connection, caller: Caller, text: str, *, limit: int = MAX_FOUND) -> list[Found]:
    """Find entry points whose name or summary holds every word, most used repos first.

    Args:
        conn: An open connection.
        caller: Whoever asks; finds only what is in repos the caller may see.
        text: Words.
        limit: At most so many, up to `MAX_FOUND`.

    Raises:
        InvalidInput: More or longer words than this hub looks for.
    """
    words = text.lower().split()
    if len(words) > MAX_TERMS or any(len(word) > _MAX_WORD for word in words):
        raise InvalidInput(f"A search takes {MAX_TERMS} words of {_MAX_WORD} characters at most.")
    rows = conn.execute(
        select(entry_point, repo.c.name.label("repo_name"), account.c.name.label("owner"))
        .join(repo, repo.c.id == entry_point.c.repo_id)
        .join(account, account.c.id == repo.c.owner_id)
        .where(visible(caller, RepoType.MODEL))
        .where(*(entry_point.c.key.contains(word, autoescape=True) for word in words))
        .order_by(repo.c.downloads.desc(), repo.c.id, entry_point.c.name)
        .limit(max(1, min(limit, MAX_FOUND)))
    )
    return [
        Found(RepoId(row.owner, row.repo_name), row.name, row.kind, row.signature, row.summary)
        for row in rows
    ]
