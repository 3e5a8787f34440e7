"""Entry points over the API: one repo's manifest, and search through all of them."""

import json

from starlette.responses import Response

from reprise.base.errors import InvalidInput
from reprise.hub.manifest import to_json
from reprise.registry import entry_points, revisions
from reprise.server import manifests
from reprise.server.calls import Call
from reprise.server.responses import Json

_DEFAULT = 20


def manifest(call: Call) -> Response:
    """`GET /api/{type}s/{repo}/entry-points/{rev}`: what hubconf.py offers and needs."""
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        at = revisions.locate(conn, repo, call.param("rev"))
        found = manifests.known(call, conn, repo, at.commit)
        sources = manifests.sources_of(conn, repo, at.commit) if found is None else {}
    if found is None:
        found = manifests.read(call, repo, at.commit, sources)
    # Escaped: source may hold half characters, which UTF-8 has no bytes for.
    body = json.dumps({"id": str(repo.repo_id), "sha": at.hex, **to_json(found)})
    return Response(body, media_type="application/json")


def search(call: Call) -> Response:
    """`GET /api/entry-points?search=&limit=`."""
    text = call.query("limit", str(_DEFAULT))
    if not text.isascii() or not text.isdigit() or len(text) > 4:  # noqa: PLR2004 - 9999 will do
        raise InvalidInput("'limit' must be a number.")
    with call.read() as (conn, caller):
        found = entry_points.search(conn, caller, call.query("search"), limit=int(text))
    call.request.app.state.indexer.wake()
    return Json(
        [
            {
                "id": f"{it.repo_id}",
                "name": it.name,
                "kind": it.kind,
                "signature": it.signature,
                "summary": it.summary,
            }
            for it in found
        ]
    )
