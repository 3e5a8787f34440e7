"""The first page of a repo: its card, its facts, and how to use it."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from reprise.base.errors import InvalidFormat
from reprise.base.ids import RepoType
from reprise.formats import card as cards
from reprise.hub.manifest import Manifest, names
from reprise.registry import commit_facts, info, leaderboards, served
from reprise.registry.access import Caller, Repo
from reprise.registry.cards import MAX_README, README
from reprise.registry.info import CommitInfo
from reprise.registry.leaderboards import Benchmark
from reprise.server import manifests
from reprise.server.calls import Call
from reprise.server.faces.hf_info import caches, keep
from reprise.server.web import links, markdown
from reprise.server.web.card_facts import card_facts
from reprise.server.web.render import page, web_of
from reprise.server.web.repo_frame import Frame, frame
from reprise.server.web.sanitize import Base
from reprise.server.web.snippets import snippets
from reprise.server.web.stamps import stamps_of, verified

NO_MANIFEST = Manifest()
_MAX_BOARDS = 20


def card_page(call: Call) -> Response:
    """`GET /{type}{repo}`, and `…/tree/{rev}` without a path leads to the files instead."""
    with call.read() as (conn, caller):
        shown = frame(call, conn, caller)
        readme = _readme(conn, shown)
        stamps = stamps_of(conn, shown.repo)
        boards = _boards(conn, caller, shown.repo)
        found = caches(call).commits.get(info.key_of(shown.repo, shown.at.commit))
        facts = commit_facts.gather(conn, shown.repo, shown.at.commit) if found is None else None
        manifest = _manifest(call, conn, shown)
        commit = shown.at.commit
        sources = manifests.sources_of(conn, shown.repo, commit) if manifest is None else {}
    if manifest is None:
        manifest = manifests.read(call, shown.repo, commit, sources)
    if facts is not None:
        found = keep(call, shown.repo, facts)
    assert found is not None
    parts = _decoded(found)
    return page(
        call.request,
        "card.html",
        frame=shown,
        repo=shown.repo,
        tab="card",
        card_html=_html(call, shown, readme) if readme else "",
        facts=card_facts(shown.repo, parts),
        stamps=stamps,
        boards=boards[:_MAX_BOARDS],
        verified=verified(stamps),
        snippets=snippets(shown.repo, parts, names(manifest), call.base_url),
        description=shown.repo.summary,
        repo_type=shown.repo.type,
        is_model=shown.repo.type is RepoType.MODEL,
    )


def _boards(conn: Connection, caller: Caller, repo: Repo) -> list[Benchmark]:
    """List the leaderboards on a data set."""
    if repo.type is not RepoType.DATASET:
        return []
    return leaderboards.benchmarks(conn, caller, data=str(repo.repo_id))


def _manifest(call: Call, conn: Connection, shown: Frame) -> Manifest | None:
    if not shown.has_entry_points:
        return NO_MANIFEST
    return manifests.known(call, conn, shown.repo, shown.at.commit)


def base_of(shown: Frame, folder: str = "") -> Base:
    """Tell where relative addresses in a repo's texts lead."""
    return Base(
        links.at(shown.repo, "blob", shown.revision),
        links.at(shown.repo, "resolve", shown.revision),
        folder,
    )


def render_markdown(call: Call, shown: Frame, oid: bytes, text: str, folder: str = "") -> str:
    """Render a text of a repo, or take it from the cache."""
    base, kept = base_of(shown, folder), web_of(call.request).html
    key = ("markdown", markdown.VERSION, oid, base)
    return kept.get(key) or kept.put(key, markdown.to_html(text, base))


def _readme(conn: Connection, shown: Frame) -> tuple[bytes, str] | None:
    _, file = served.find(conn, shown.repo, shown.at.hex, README)
    if file is None or file.pointer is not None or file.size > MAX_README:
        return None
    return file.oid, served.read_blob(conn, shown.repo, file).decode("utf-8", "replace")


def _html(call: Call, shown: Frame, readme: tuple[bytes, str]) -> str:
    oid, text = readme
    try:
        body = cards.parse(text).body
    except InvalidFormat:
        body = text
    return render_markdown(call, shown, oid, body) if body.strip() else ""


def _decoded(found: CommitInfo) -> Mapping[str, Any]:
    """Decode the properties that the page shows."""
    wanted = "cardData library_name model-index pipeline_tag safetensors usedStorage".split()
    return {name: json.loads(found.parts[name]) for name in wanted if name in found.parts}
