"""`/models`, `/datasets`, `/spaces`, `/metrics`: everything there is, filtered and sorted."""

from dataclasses import replace
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from reprise.base.ids import RepoType
from reprise.registry import listing
from reprise.registry.listing import Query
from reprise.server.calls import Call, face
from reprise.server.faces.hf_listing import query_of
from reprise.server.observe import metrics_text
from reprise.server.web import shelves
from reprise.server.web.render import page, wants_page, web_of

_PAGE = 30
_MOST = 10_000  # counted; beyond that the page says "more than"
_FIRST = 8  # filters of a group in sight
# (name in the address, title) in the order they stand in.
_SORTS = (
    ("trendingScore", "Most used"),
    ("lastModified", "Recently updated"),
    ("createdAt", "Newest"),
    ("likes", "Most liked"),
)
_TITLES = {
    RepoType.MODEL: ("Models", "Weights with code, a card and a history."),
    RepoType.DATASET: ("Datasets", "Data to train and measure with, versioned like code."),
    RepoType.SPACE: ("Spaces", "Small applications around models."),
    RepoType.METRIC: ("Metrics", "Ways to turn answers into numbers."),
}


async def metrics_or_page(request: Request) -> Response:
    """`GET /metrics`: the operator's counters, or for a browser the list of metrics."""
    if not wants_page(request):
        return metrics_text(request)
    request.path_params["type"] = RepoType.METRIC
    return await face(list_page)(request)


def list_page(call: Call) -> Response:
    """`GET /{type}s`: a page of repos beside the filters that narrow it."""
    repo_type = call.repo_type()
    query, web = query_of(call, repo_type), web_of(call.request)
    with call.read() as (conn, caller):
        found = listing.page(conn, caller, query, limit=_PAGE, cursor=call.query("cursor") or None)
        total = listing.count(conn, caller, query, most=_MOST)
        facets = shelves.facets(web, conn, caller, query, first=_FIRST)
    title, motto = _TITLES[repo_type]
    return page(
        call.request,
        "list.html",
        title=title,
        motto=motto,
        repo_type=repo_type,
        lines=shelves.lines(found),
        total=total,
        most=_MOST,
        facets=facets,
        chosen=[(tag, address(replace(query, tags=_without(query, tag)))) for tag in query.tags],
        add=lambda tag: address(replace(query, tags=(*query.tags, tag))),
        sorts=[(it, label, address(replace(query, sort=it))) for it, label in _SORTS],
        query=query,
        search=" ".join(query.words),
        plain=address(Query(repo_type)),
        next_page=address(query, found.cursor) if found.cursor else "",
        first_page=address(query) if call.query("cursor") else "",
    )


def address(query: Query, cursor: str | None = None) -> str:
    """Write a query as the address of its page."""
    params = [("filter", tag) for tag in query.tags]
    params += [("search", " ".join(query.words))] if query.words else []
    params += [("author", query.author)] if query.author else []
    params += [("sort", query.sort)] if query.sort != Query(query.repo_type).sort else []
    params += [("cursor", cursor)] if cursor else []
    tail = f"?{urlencode(params)}" if params else ""
    return f"/{query.repo_type.plural}{tail}"


def _without(query: Query, tag: str) -> tuple[str, ...]:
    return tuple(it for it in query.tags if it != tag)
