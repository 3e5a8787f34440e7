"""Listing and search: filters, sorting, pages by key, and counts.

SQL alone serves hubs of up to about 100,000 repos. Two plans cover what people ask: read the
sort index until the page is full, or start from whatever few repos carry the rarest tag.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    exists,
    false,
    func,
    literal,
    or_,
    select,
)

from reprise.base.errors import InvalidInput
from reprise.base.ids import RepoType
from reprise.registry.access import Action, Caller, Repo, TokenRole, allowed
from reprise.registry.db.batches import batched
from reprise.registry.db.claim_tables import claim, verdict, verifier_key
from reprise.registry.db.schema import account, git_ref, repo, repo_tag
from reprise.registry.repos import as_repo

MAX_PAGE = 1000  # items
_PER_REPO = {TokenRole.FINE_GRAINED, TokenRole.WORKER}  # tokens good for what their scopes name
MAX_TERMS = 20  # tags and words in one question
_MAX_WORD = 200  # characters
# Below this many repos with a tag, sorting them costs less than reading along a sort index.
_RARE = 5000
_BATCH = 500
# A tag that no card gives: data sets on which somebody verified a public model have it.
_BENCHMARK = "benchmark:"
_OFFICIAL = "official"  # what clients send for any benchmark; other names are kinds of work
_MAX_INTEGER = 1 << 62

# How the wire spells what a listing may be sorted by. Trending is downloads: nothing is known
# about their course in time.
SORTS: dict[str, ColumnElement[int]] = {
    "lastModified": repo.c.updated_at,
    "createdAt": repo.c.created_at,
    "downloads": repo.c.downloads,
    "likes": repo.c.likes,
    "trendingScore": repo.c.downloads,
    "mainSize": repo.c.used_storage,
}


@dataclass(frozen=True)
class Query:
    """What somebody looks for. All conditions hold together."""

    repo_type: RepoType
    tags: tuple[str, ...] = ()
    author: str = ""
    words: tuple[str, ...] = ()  # each is part of the id
    gated: bool | None = None
    parameters: tuple[int | None, int | None] = (None, None)  # at least, at most
    sort: str = "trendingScore"
    ascending: bool = False


@dataclass(frozen=True)
class Page:
    """Repos in order, and the cursor of the page behind them."""

    repos: list[Repo]
    cursor: str | None
    tags: dict[int, list[str]] = field(default_factory=dict)  # by repo number


def check(query: Query) -> Query:
    """Return a query that can be run.

    Raises:
        InvalidInput: An unknown sort, or more conditions than this hub looks at.
    """
    if query.sort not in SORTS:
        known = ", ".join(SORTS)
        raise InvalidInput(f"Unknown sort {query.sort[:80]!r}, expected one of: {known}")
    if len(query.tags) + len(query.words) > MAX_TERMS:
        raise InvalidInput(f"A search takes at most {MAX_TERMS} tags and words.")
    if any(len(word) > _MAX_WORD for word in (*query.words, *query.tags, query.author)):
        raise InvalidInput(f"A tag or word in a search has at most {_MAX_WORD} characters.")
    return query


def page(
    conn: Connection, caller: Caller, query: Query, *, limit: int, cursor: str | None = None
) -> Page:
    """List a page of the repos that a caller may see.

    Args:
        conn: An open connection.
        caller: Whoever asks.
        query: What for.
        limit: At most so many, up to `MAX_PAGE`.
        cursor: That of the page before.

    Raises:
        InvalidInput: The query or the cursor is malformed.
    """
    check(query)
    after = _read_cursor(query, cursor) if cursor else None
    statement, rare = _matching(conn, caller, query)
    column = SORTS[query.sort]
    # Arithmetic keeps SQLite, which counts no rows before it plans, off the sort index.
    ordered = column + 0 if rare else column
    if after is not None:
        statement = statement.where(_behind(ordered, after, ascending=query.ascending))
    for key in (ordered, repo.c.id):
        statement = statement.order_by(key.asc() if query.ascending else key.desc())
    limit = max(1, min(limit, MAX_PAGE))
    rows = conn.execute(statement.limit(limit + 1)).all()
    found = [as_repo(row) for row in rows[:limit]]
    last = _write_cursor(query, found[-1]) if len(rows) > limit else None
    seen = [it for it in found if (allowed(caller, it) or 0) >= Action.READ]
    return Page(seen, last, tags_of(conn, [it.id for it in seen]))


def count(conn: Connection, caller: Caller, query: Query, *, most: int) -> int:
    """Count what a query finds, up to `most`."""
    found = _matching(conn, caller, check(query))[0].with_only_columns(repo.c.id).limit(most)
    total: int = conn.execute(select(func.count()).select_from(found.subquery())).scalar_one()
    return total


def facet_counts(
    conn: Connection, caller: Caller, query: Query, *, among: int, most: int = 1000
) -> list[tuple[str, int]]:
    """Count the tags of what a query finds, most frequent first.

    Args:
        conn: An open connection.
        caller: Whoever asks.
        query: What for.
        among: At most so many repos are looked at.
        most: At most so many tags are returned.
    """
    found = _matching(conn, caller, check(query))[0].with_only_columns(repo.c.id).limit(among)
    hits = found.subquery()
    times = func.count().label("times")
    rows = conn.execute(
        select(repo_tag.c.tag, times)
        .join(hits, hits.c.id == repo_tag.c.repo_id)
        .group_by(repo_tag.c.tag)
        .order_by(times.desc(), repo_tag.c.tag)
        .limit(most)
    )
    return [(row.tag, row.times) for row in rows]


def tags_of(conn: Connection, repo_ids: Sequence[int]) -> dict[int, list[str]]:
    """List the tags of several repos, each sorted."""
    found: dict[int, list[str]] = {number: [] for number in repo_ids}
    for batch in batched(repo_ids, _BATCH):
        for row in conn.execute(_TAGS, {"ids": batch}):
            found[row.repo_id].append(row.tag)
    return found


def tips_of(conn: Connection, repo_ids: Sequence[int]) -> dict[int, bytes]:
    """Look up the commits at the tips of several repos' default branches."""
    found = {}
    for batch in batched(repo_ids, _BATCH):
        found.update({row.repo_id: row.oid for row in conn.execute(_TIPS, {"ids": batch})})
    return found


def visible(caller: Caller, repo_type: RepoType) -> ColumnElement[bool]:
    """Build the condition on `repo` that holds for what a caller may see.

    It says in SQL what `access.allowed` says in Python; results pass through both.
    """
    public = and_(repo.c.private.is_(False), repo.c.disabled.is_(False))
    if caller.account is None:
        return public
    own: ColumnElement[bool] = repo.c.owner_id.in_([caller.account.id, *caller.orgs])
    if caller.token is not None and caller.token.role in _PER_REPO:
        prefix = f"{repo_type}/"
        keys = [it.removeprefix(prefix) for it in caller.token.scopes if it.startswith(prefix)]
        own = and_(own, repo.c.key.in_(keys)) if keys else false()
    return or_(public, own)


_TAGS = (
    select(repo_tag.c.repo_id, repo_tag.c.tag)
    .where(repo_tag.c.repo_id.in_(bindparam("ids", expanding=True)))
    .order_by(repo_tag.c.tag)
)
_TIPS = (
    select(git_ref.c.repo_id, git_ref.c.oid)
    .join(repo, repo.c.id == git_ref.c.repo_id)
    .where(
        git_ref.c.repo_id.in_(bindparam("ids", expanding=True)),
        git_ref.c.name == literal("refs/heads/") + repo.c.default_branch,
    )
)


def _matching(conn: Connection, caller: Caller, query: Query) -> tuple[Select[Any], bool]:
    """Build the query without its order, and tell whether few rows match."""
    columns = select(repo, account.c.name.label("owner"))
    conditions = [visible(caller, query.repo_type), *_conditions(query)]
    owner = account.c.id == repo.c.owner_id
    rarest = _rarest(conn, query.tags)
    rare = conn.dialect.name == "sqlite" and (rarest is not None or bool(query.author))
    kind = repo.c.type + "" if rare else repo.c.type  # as with the order: no index on purpose
    tags = [tag for tag in query.tags if tag != rarest]
    conditions += [kind == query.repo_type.value, *(_has_tag(tag) for tag in tags)]
    if rarest is None:
        return columns.join(account, owner).where(*conditions), rare
    source = repo_tag.join(repo, repo.c.id == repo_tag.c.repo_id).join(account, owner)
    return columns.select_from(source).where(repo_tag.c.tag == rarest, *conditions), rare


def _conditions(query: Query) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.author:
        who = select(account.c.id).where(account.c.key == query.author.lower())
        conditions.append(repo.c.owner_id == who.scalar_subquery())
    conditions += [repo.c.key.contains(word.lower(), autoescape=True) for word in query.words]
    if query.gated is not None:
        conditions.append(repo.c.gated != "" if query.gated else repo.c.gated == "")
    least, most = query.parameters
    if least is not None:
        conditions.append(repo.c.parameters >= least)
    if most is not None:
        conditions.append(repo.c.parameters <= most)
    return conditions


def _rarest(conn: Connection, tags: Sequence[str]) -> str | None:
    """Find the tag that the fewest repos carry, if they are few."""
    counts = {}
    for tag in (tag for tag in tags if not tag.startswith(_BENCHMARK)):
        some = select(repo_tag.c.repo_id).where(repo_tag.c.tag == tag).limit(_RARE)
        counts[tag] = conn.execute(select(func.count()).select_from(some.subquery())).scalar_one()
    rarest = min(counts, key=lambda tag: counts[tag], default=None)
    return rarest if rarest is not None and counts[rarest] < _RARE else None


def _has_tag(tag: str) -> ColumnElement[bool]:
    if tag.startswith(_BENCHMARK):
        return _is_benchmark(tag.removeprefix(_BENCHMARK))
    other = repo_tag.alias()
    return exists().where(other.c.repo_id == repo.c.id, other.c.tag == tag)


def _is_benchmark(task: str) -> ColumnElement[bool]:
    model = repo.alias()
    conditions = [
        repo.c.type == RepoType.DATASET.value,
        claim.c.data_key == repo.c.key,
        model.c.private.is_(False),
        model.c.disabled.is_(False),
        verdict.c.signature.is_not(None),
        verifier_key.c.revoked_at.is_(None),
    ]
    if task != _OFFICIAL:
        conditions.append(claim.c.task == task)
    measured = (
        select(claim.c.id)
        .join(model, model.c.id == claim.c.repo_id)
        .join(verdict, verdict.c.claim_id == claim.c.id)
        .join(verifier_key, verifier_key.c.id == verdict.c.key_id)
    )
    return measured.where(*conditions).correlate(repo).exists()


def _behind(
    column: ColumnElement[int], after: tuple[int, int], *, ascending: bool
) -> ColumnElement[bool]:
    value, number = after
    if ascending:
        return and_(column >= value, or_(column > value, repo.c.id > number))
    return and_(column <= value, or_(column < value, repo.c.id < number))


def _write_cursor(query: Query, last: Repo) -> str:
    values = {
        "lastModified": last.updated_at,
        "createdAt": last.created_at,
        "downloads": last.downloads,
        "likes": last.likes,
        "trendingScore": last.downloads,
        "mainSize": last.used_storage,
    }
    text = json.dumps([query.sort, query.ascending, values[query.sort], last.id])
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(query: Query, cursor: str) -> tuple[int, int]:
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        sort, ascending, value, number = json.loads(urlsafe_b64decode(padded))
    except (ValueError, TypeError, RecursionError):
        raise InvalidInput("The cursor is damaged; start again from the first page.") from None
    integers = all(type(it) is int and abs(it) < _MAX_INTEGER for it in (value, number))
    if (sort, ascending) != (query.sort, query.ascending) or not integers:
        raise InvalidInput("The cursor belongs to another listing; start from the first page.")
    return value, number
