"""Papers over the API: what a repo cites, which repos cite a paper, which papers are cited."""

from typing import Any

from starlette.responses import Response

from reprise.base.errors import InvalidFormat, InvalidInput, NotFound
from reprise.base.ids import RepoType
from reprise.formats import card as cards
from reprise.formats.papers import Paper, papers_of, parse
from reprise.registry import papers, revisions
from reprise.registry.cards import MAX_README, README, read_root_file
from reprise.registry.git.store import GitStore
from reprise.registry.listing import Query
from reprise.server.calls import Call
from reprise.server.faces.hf_listing import brief_items
from reprise.server.responses import Json

_DEFAULT = 20


def of_repo(call: Call) -> Response:
    """`GET …/papers?revision=`: the papers that a card cites, those of its metadata first."""
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        at = revisions.locate(conn, repo, call.query("revision") or repo.default_branch)
        store = GitStore(conn, repo.id)
        root = store.read_tree(store.read_commit(at.commit).tree)
        readme = read_root_file(store, root, README, MAX_README).decode("utf-8", "replace")
    try:
        card = cards.parse(readme)
    except InvalidFormat:
        card = cards.Card({}, readme)
    return Json([_shown(paper) for paper in papers_of(card.data, card.body)])


def repos_of_arxiv(call: Call) -> Response:
    """`GET /api/arxiv/{id}/repos`: the repos that cite a paper, as the Hub API groups them."""
    paper = parse(call.param("id"))
    if paper is None or paper.kind != "arxiv":
        raise NotFound(f"{call.param('id')[:80]!r} is no identifier of arXiv, like 1810.04805.")
    with call.read() as (conn, caller):
        parts = [
            b'"%ss":%s'
            % (kind.value.encode(), brief_items(call, conn, caller, _query(kind, paper)))
            for kind in (RepoType.MODEL, RepoType.DATASET, RepoType.SPACE)
        ]
    return Response(b"{%s}" % b",".join(parts), media_type="application/json")


def list_papers(call: Call) -> Response:
    """`GET /api/papers?search=&limit=`: cited papers, those that most repos cite first."""
    text = call.query("limit", str(_DEFAULT))
    if not text.isascii() or not text.isdigit() or len(text) > 4:  # noqa: PLR2004 - 9999 will do
        raise InvalidInput("'limit' must be a number.")
    with call.read() as (conn, caller):
        found = papers.most_cited(conn, caller, call.query("search"), limit=int(text))
    return Json([{**_shown(it.paper), "repos": it.repos} for it in found])


def _query(kind: RepoType, paper: Paper) -> Query:
    return Query(kind, tags=(paper.tag,), sort="downloads")


def _shown(paper: Paper) -> dict[str, Any]:
    return {"id": paper.id, "kind": paper.kind, "tag": paper.tag or None, "url": paper.url}
