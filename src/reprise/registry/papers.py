"""Papers that repos cite, as their tags tell."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select

from reprise.base.errors import InvalidInput
from reprise.base.ids import RepoType
from reprise.formats import papers
from reprise.formats.papers import Paper
from reprise.registry.access import Caller
from reprise.registry.db.schema import repo, repo_tag
from reprise.registry.listing import visible

MAX_LISTED = 100
_MAX_TEXT = 200  # characters
_PREFIXES = ("arxiv:", "doi:")


@dataclass(frozen=True)
class Cited:
    """A paper, and how many repos cite it."""

    paper: Paper
    repos: int


def most_cited(conn: Connection, caller: Caller, text: str, *, limit: int) -> list[Cited]:
    """List the papers of what a caller may see, those that most repos cite first.

    Args:
        conn: An open connection.
        caller: Whoever asks.
        text: Part of an identifier, or an address; empty for all.
        limit: At most so many, up to `MAX_LISTED`.

    Raises:
        InvalidInput: The text is too long.
    """
    if len(text) > _MAX_TEXT:
        raise InvalidInput(f"A paper is searched by at most {_MAX_TEXT} characters.")
    named = papers.parse(text)
    part = named.id if named is not None else text.strip().lower()
    times = func.count().label("times")
    seen = or_(*(visible(caller, kind) & (repo.c.type == kind.value) for kind in RepoType))
    rows = conn.execute(
        select(repo_tag.c.tag, times)
        .join(repo, repo.c.id == repo_tag.c.repo_id)
        .where(or_(*(repo_tag.c.tag.startswith(it) for it in _PREFIXES)), seen)
        .where(repo_tag.c.tag.contains(part, autoescape=True))
        .group_by(repo_tag.c.tag)
        .order_by(times.desc(), repo_tag.c.tag)
        .limit(max(1, min(limit, MAX_LISTED)))
    )
    parsed = ((papers.parse(row.tag.partition(":")[2]), row.times) for row in rows)
    return [Cited(paper, count) for paper, count in parsed if paper is not None]
