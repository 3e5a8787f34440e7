"""Xet: tokens, uploads of shards, deduplication, reconstruction. Xorbs pass through `xet_xorbs`.

Clients trade their access token for a xet token and talk to `/cas` with that one alone. Links to
xorbs carry their own signature.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from starlette.responses import JSONResponse, Response, StreamingResponse

from reprise.base.errors import NotFound, RepriseError
from reprise.formats import byte_ranges
from reprise.formats.xet.hashes import from_text, to_text
from reprise.registry import access, pulls
from reprise.registry.access import Action, Caller, Repo, check
from reprise.registry.xet import dedup, reconstruction, scope, shards
from reprise.registry.xet.reconstruction import Piece, Reconstruction
from reprise.registry.xet.scope import Scope, open_scope
from reprise.registry.xet.shards import Checked
from reprise.server.calls import Call
from reprise.server.credentials import access_token

log = logging.getLogger("reprise.server")

CAS = "/cas"
# Progress frames while a shard's files are hashed: often enough that no proxy gives up.
_FRAME_BYTES = 256 << 20
_NDJSON = "application/x-ndjson"


def read_token(call: Call) -> Response:
    """`GET /api/{type}s/{id}/xet-read-token/{rev}`."""
    with call.read() as (conn, caller):
        return _token(call, caller, call.repo(conn, caller, Action.FETCH), Action.FETCH)


def write_token(call: Call) -> Response:
    """`GET /api/{type}s/{id}/xet-write-token/{rev}[?create_pr=1]`.

    For a pull request it takes no more than the right to propose one.
    """
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        if call.flag("create_pr") or call.param("rev").startswith(pulls.REFS):
            access.check_speaks(caller, repo)
        else:
            check(caller, Action.WRITE, repo)
        return _token(call, caller, repo, Action.WRITE)


def query_chunk(call: Call) -> Response:
    """`GET /cas/v1/chunks/{prefix}/{hash}`: which known xorbs hold a chunk, or might."""
    chunk, token = from_text(call.param("hash")), access_token(call.request)
    guessed = call.request.app.state.xet_guesses
    with call.registry.db.read() as conn:
        # Who only reads has no use for answers, which are dear to make.
        allowed = open_scope(conn, call.registry, token, Action.WRITE)
        shard = dedup.query(conn, call.registry, allowed, chunk)
        # Once in an upload: a folder of a thousand files would get the same guess each time.
        if shard is None and guessed.get(token) is None:
            guessed.put(token, True)
            shard = dedup.guess(conn, call.registry, allowed)
    if shard is None:
        raise NotFound("No xorb that this caller may read holds the chunk.")
    return Response(shard, media_type="application/octet-stream")


def grant_xorb(_call: Call) -> Response:
    """`POST /cas/v1/xorb-grants/{prefix}/{hash}`: no direct uploads to the store; POST xorbs."""
    raise NotFound("This hub grants no direct uploads; send the xorb to /v1/xorbs.")


def upload_shard(call: Call, allowed: Scope) -> Response:
    """`POST /cas/v1/shards`: answers when every file is proven."""
    shards.register(call.registry, allowed, call.body)
    return JSONResponse({"result": 1})


def upload_shard_streaming(call: Call, allowed: Scope) -> Response:
    """`POST /cas/v2/shards`: the same, reporting progress line by line."""
    checked = shards.check(call.registry, allowed, call.body)
    return StreamingResponse(_frames(call, allowed, checked), media_type=_NDJSON)


def reconstruct_v1(call: Call) -> Response:
    """`GET /cas/v1/reconstructions/{file}`: one link per byte range."""
    found = _reconstruct(call)
    fetch = {
        to_text(xorb): [
            {"range": _chunks(piece), "url": url, "url_range": _bytes(piece)}
            for piece in pieces
            for url, _ in _links(call, xorb, [piece])
        ]
        for xorb, pieces in found.pieces.items()
    }
    return JSONResponse({**_terms(found), "fetch_info": fetch})


def reconstruct_v2(call: Call) -> Response:
    """`GET /cas/v2/reconstructions/{file}`: one link for many byte ranges."""
    found = _reconstruct(call)
    xorbs = {
        to_text(xorb): [
            {"url": url, "ranges": [{"chunks": _chunks(p), "bytes": _bytes(p)} for p in some]}
            for url, some in _links(call, xorb, pieces)
        ]
        for xorb, pieces in found.pieces.items()
    }
    return JSONResponse({**_terms(found), "xorbs": xorbs})


def _token(call: Call, caller: Caller, repo: Repo, action: Action) -> Response:
    token = scope.issue(call.registry, caller, repo, action)
    cas, expires = call.base_url + CAS, token.expires // 1_000_000
    headers = {
        "X-Xet-Cas-Url": cas,
        "X-Xet-Access-Token": token.secret,
        "X-Xet-Token-Expiration": str(expires),
        "Cache-Control": "no-store",
    }
    body = {"accessToken": token.secret, "exp": expires, "casUrl": cas}
    return JSONResponse(body, headers=headers)


def _frames(call: Call, allowed: Scope, checked: Checked) -> Iterator[str]:
    """Hash the files of a shard; the last line says how it went."""
    try:
        reported = 0
        for done, total in shards.prove(call.registry, checked):
            if done - reported >= _FRAME_BYTES:
                reported = done
                yield _frame(type="validating", verified=done, total=total)
        yield _frame(type="committing", stage="syncing")
        shards.save(call.registry, allowed, checked)
        yield _frame(type="result", result=1)
    except RepriseError as error:
        yield _frame(type="error", message=error.message, retryable=False)
    except Exception:  # the status line is long gone: only a frame can tell the client
        log.exception("POST %s failed", call.request.url.path)
        message = "The hub failed on this shard; its log has the details."
        yield _frame(type="error", message=message, retryable=True)


def _frame(**fields: str | int | bool) -> str:
    return json.dumps(fields) + "\n"


def _reconstruct(call: Call) -> Reconstruction:
    file_hash = from_text(call.param("file"))
    with call.registry.db.read() as conn:
        allowed = open_scope(conn, call.registry, access_token(call.request), Action.FETCH)
        file = reconstruction.find(conn, allowed, file_hash)
        wanted = byte_ranges.parse(call.header("range"), file.size)
        start, end = (wanted.start, wanted.end) if wanted else (0, file.size)
        return reconstruction.reconstruct(conn, file, start, end)


def _links(call: Call, xorb: bytes, pieces: Sequence[Piece]) -> Iterator[tuple[str, list[Piece]]]:
    for query, opened in reconstruction.links(call.registry, xorb, pieces):
        yield f"{call.base_url}{CAS}/xorbs?{query}", list(opened)


def _terms(found: Reconstruction) -> dict[str, Any]:
    terms = [
        {
            "hash": to_text(term.xorb),
            "unpacked_length": term.length,
            "range": {"start": term.start, "end": term.end},
        }
        for term in found.terms
    ]
    return {"offset_into_first_range": found.skip, "terms": terms}


def _chunks(piece: Piece) -> dict[str, int]:
    return {"start": piece.start, "end": piece.end}


def _bytes(piece: Piece) -> dict[str, int]:
    return {"start": piece.first, "end": piece.last}
