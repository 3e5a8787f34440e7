"""The log of verdicts over the API: for everybody, so that anybody can check and mirror it."""

from starlette.responses import Response

from reprise.base.errors import InvalidInput
from reprise.formats import dsse
from reprise.registry import verdict_log
from reprise.server.calls import Call
from reprise.server.responses import Json

_MAX_DIGITS = 18


def head(call: Call) -> Response:
    """`GET /api/log/head`: the head as it is now, a DSSE envelope signed by the hub."""
    with call.read() as (conn, _):
        made = verdict_log.head(conn, call.registry.secret, now=call.registry.clock())
    headers = {"Cache-Control": "no-store"}
    return Response(dsse.encode(made), media_type="application/json", headers=headers)


def entries(call: Call) -> Response:
    """`GET /api/log/entries?from=&limit=`: entries in their order."""
    start, limit = _number(call, "from", 0), _number(call, "limit", verdict_log.MAX_PAGE)
    with call.read() as (conn, _):
        found = verdict_log.entries(conn, start, limit)
        size = verdict_log.size(conn)
    return Json({"size": size, "entries": [verdict_log.as_json(it) for it in found]})


def proof(call: Call) -> Response:
    """`GET /api/log/proof?index=&size=`: hashes that prove that an entry is in the log."""
    with call.read() as (conn, _):
        index, size = _number(call, "index"), _number(call, "size", verdict_log.size(conn))
        found = verdict_log.inclusion(conn, index, size)
    return Json({"index": index, "size": size, "proof": [it.hex() for it in found]})


def consistency(call: Call) -> Response:
    """`GET /api/log/consistency?from=&to=`: hashes that prove that an older log begins this one."""
    with call.read() as (conn, _):
        old, size = _number(call, "from"), _number(call, "to", verdict_log.size(conn))
        found = verdict_log.consistency(conn, old, size)
    return Json({"from": old, "to": size, "proof": [it.hex() for it in found]})


def _number(call: Call, name: str, default: int | None = None) -> int:
    text = call.query(name)
    if not text and default is not None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        raise InvalidInput(f"{name!r} must be a whole number, not {text[:40]!r}.")
    return int(text)
