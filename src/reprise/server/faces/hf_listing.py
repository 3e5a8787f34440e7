"""Listing over the Hub API: repos by filter and search, page by page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import msgspec
from sqlalchemy import Connection
from starlette.responses import Response

from reprise.base.errors import InvalidInput, NotSupported
from reprise.base.ids import RepoType
from reprise.registry import commit_facts, info, listing, parameters
from reprise.registry.access import Caller, Repo
from reprise.registry.commit_facts import CommitFacts
from reprise.registry.info import CommitInfo, encode, join
from reprise.registry.listing import Query
from reprise.server.calls import Call
from reprise.server.faces import eval_results
from reprise.server.faces.hf_info import JSON, caches, identity, keep
from reprise.server.faces.hf_read import next_link

# Query parameters that stand for tags: name -> what comes before the value in the tag.
_TAG_PARAMS = {"pipeline_tag": "", "library": "", "license": "license:", "dataset": "dataset:"}
# Filters whose answer this hub does not know; leaving them out would list what was not asked for.
_UNKNOWN = ("apps", "inference", "inference_provider")
# What an item shows without being asked, and what `full` adds.
_BRIEF = {
    RepoType.MODEL: "likes private downloads tags pipeline_tag library_name createdAt",
    RepoType.DATASET: "author disabled gated lastModified likes private sha downloads tags "
    "createdAt",
    RepoType.SPACE: "likes private sdk tags createdAt",
    RepoType.METRIC: "author lastModified likes private sha downloads tags createdAt",
}
_FULL = {
    RepoType.MODEL: "author disabled gated lastModified sha siblings",
    RepoType.DATASET: "cardData siblings description",
    RepoType.SPACE: "author lastModified sha siblings cardData",
    RepoType.METRIC: "cardData siblings",
}
# What a row of the database tells; anything else is read from the tip's files.
_IN_ROWS = frozenset(
    "author cardData createdAt disabled downloads downloadsAllTime gated lastModified "
    "library_name likes mainSize pipeline_tag private sdk sha tags trendingScore usedStorage "
    "resourceGroup inference inferenceProviderMapping".split()
)
_MAX_DETAILED = 100  # items in one page when files must be read for each


@dataclass(frozen=True)
class _Row:
    """What the database says about one item."""

    repo: Repo
    tags: list[str]
    tip: bytes | None
    known: CommitInfo | None = None
    facts: CommitFacts | None = None
    results: bytes | None = None  # evalResults, where asked for


def list_repos(call: Call) -> Response:
    """`GET /api/{type}s`: one page, with a `Link` to the next."""
    repo_type = call.repo_type()
    shown = _shown(call, repo_type)
    detailed = bool(shown.keys() - _IN_ROWS)
    limit, query = _limit(call, detailed=detailed), query_of(call, repo_type)
    with call.read() as (conn, caller):
        page = listing.page(conn, caller, query, limit=limit, cursor=call.query("cursor") or None)
        tips = listing.tips_of(conn, [repo.id for repo in page.repos])
        rows = [_Row(repo, page.tags[repo.id], tips.get(repo.id)) for repo in page.repos]
        if detailed:
            rows = [_with_facts(call, conn, row) for row in rows]
        if "evalResults" in shown:
            rows = [_with_results(call, conn, row) for row in rows]
    body = b"[%s]" % b",".join(_item(call, row, shown) for row in rows)
    headers = {"Link": next_link(call, page.cursor)} if page.cursor else {}
    return Response(body, media_type=JSON, headers=headers)


def brief_items(call: Call, conn: Connection, caller: Caller, query: Query) -> bytes:
    """Return the first page of what a query finds, as a JSON array of short items."""
    page = listing.page(conn, caller, query, limit=listing.MAX_PAGE)
    tips = listing.tips_of(conn, [repo.id for repo in page.repos])
    shown = dict.fromkeys(_BRIEF[query.repo_type].split())
    rows = (_Row(repo, page.tags[repo.id], tips.get(repo.id)) for repo in page.repos)
    return b"[%s]" % b",".join(_item(call, row, shown) for row in rows)


def query_of(call: Call, repo_type: RepoType) -> Query:
    """Read the conditions and the order from a request's query."""
    tags = [_as_tag(repo_type, text) for text in _split(call.queries("filter"))]
    for name, prefix in _TAG_PARAMS.items():
        tags += [prefix + it.removeprefix(prefix) for it in _split(call.queries(name))]
    tags += [_as_tag(repo_type, f"language:{text}") for text in _split(call.queries("language"))]
    wanted = call.query("num_parameters")
    return Query(
        repo_type,
        tags=tuple(dict.fromkeys(tags)),
        author=call.query("author"),
        words=tuple(word for text in call.queries("search") for word in text.split()),
        gated=call.flag("gated") if call.query("gated") else None,
        parameters=parameters.parse_range(wanted) if wanted else (None, None),
        sort=call.query("sort") or "trendingScore",
        ascending=call.query("direction") == "1",
    )


def _shown(call: Call, repo_type: RepoType) -> dict[str, None]:
    """List the properties of each item, in order.

    Raises:
        InvalidInput: `expand` names something unknown.
        NotSupported: A filter that this hub cannot answer.
    """
    for name in _UNKNOWN:
        if call.query(name):
            raise NotSupported(f"This hub cannot filter by {name!r}; leave it out.")
    asked = call.queries("expand")
    info.check_expand(repo_type, asked)
    if asked:
        return dict.fromkeys(asked)
    names = _BRIEF[repo_type].split()
    names += _FULL[repo_type].split() if call.flag("full") else []
    names += [name for name in ("cardData", "config") if call.flag(name)]
    return dict.fromkeys(names)


def _limit(call: Call, *, detailed: bool) -> int:
    most = _MAX_DETAILED if detailed else listing.MAX_PAGE
    text = call.query("limit") or str(most)
    if not text.isdecimal() or int(text[:9]) == 0:
        raise InvalidInput("'limit' must be a whole number above zero.")
    return min(int(text[:9]), most)


def _split(values: list[str]) -> list[str]:
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _as_tag(repo_type: RepoType, text: str) -> str:
    """Return the tag a filter means; languages stand bare on models, with a prefix elsewhere."""
    return text.removeprefix("language:") if repo_type is RepoType.MODEL else text


def _with_facts(call: Call, conn: Connection, row: _Row) -> _Row:
    if row.tip is None:
        return row
    known = caches(call).commits.get(info.key_of(row.repo, row.tip))
    facts = commit_facts.gather(conn, row.repo, row.tip) if known is None else None
    return _Row(row.repo, row.tags, row.tip, known, facts)


def _with_results(call: Call, conn: Connection, row: _Row) -> _Row:
    return replace(row, results=encode(eval_results.eval_results(call, conn, row.repo)))


def _item(call: Call, row: _Row, shown: Mapping[str, None]) -> bytes:
    known = row.known or (keep(call, row.repo, row.facts) if row.facts else None)
    parts = dict(known.parts) if known is not None else {}
    parts.update((name, encode(value)) for name, value in _properties(row) if name in shown)
    parts["cardData"] = row.repo.card.encode()
    parts |= {"evalResults": row.results} if row.results is not None else {}
    chosen = {name: parts[name] for name in shown if name in parts}
    return b"{%s}" % b",".join([identity(row.repo), *([join(chosen)] if chosen else [])])


def _properties(row: _Row) -> Iterator[tuple[str, object]]:
    repo = row.repo
    yield from info.repo_parts(repo).items()
    yield "tags", row.tags
    if row.tip is not None:
        yield "sha", row.tip.hex()
    if repo.pipeline_tag is not None:
        yield "pipeline_tag", repo.pipeline_tag
    if repo.library_name is not None:
        yield "library_name", repo.library_name
    if repo.type is RepoType.SPACE:
        yield "sdk", msgspec.json.decode(repo.card).get("sdk")
    yield "trendingScore", repo.downloads
    yield "downloadsAllTime", repo.downloads
    yield "usedStorage", repo.used_storage
    yield "mainSize", repo.used_storage
    yield "inferenceProviderMapping", []
