"""The keys of the signed-in account that sign verdicts."""

import json
from typing import Any

from starlette.responses import Response

from reprise.base.errors import InvalidInput
from reprise.formats import dsse
from reprise.formats.dsse import Envelope
from reprise.registry import verifier_keys
from reprise.registry.operator_key import hub_id
from reprise.registry.verifier_keys import NewKey
from reprise.server.calls import Call
from reprise.server.responses import Json

_DAY = 86_400_000_000  # microseconds
_MAX_DAYS = 36_500


def list_keys(call: Call) -> Response:
    """`GET /api/keys`: newest first, with the fingerprint of the hub's own key."""
    with call.read() as (conn, caller):
        found = verifier_keys.list_of(conn, caller.user.id)
    hub = hub_id(call.registry.secret)
    return Json({"hub": hub, "keys": [verifier_keys.as_json(it) for it in found]})


def add(call: Call) -> Response:
    """`POST /api/keys` with `{key, proof, title?, days?}`; the proof is signed by the key."""
    body, now = call.json(), call.registry.clock()
    line, title, days = body.get("key"), body.get("title", ""), body.get("days")
    if not isinstance(line, str) or not isinstance(title, str):
        raise InvalidInput("'key' must be a line such as ssh-ed25519 AAAA…, 'title' a string.")
    if days is not None and (type(days) is not int or not 1 <= days <= _MAX_DAYS):
        raise InvalidInput(f"'days' must be a whole number from 1 to {_MAX_DAYS}.")
    proof = _envelope(body, "proof")
    if proof is None:
        raise InvalidInput("'proof' is missing: reprise key add makes it.")
    new = NewKey(line, proof, title, now + days * _DAY if days else None)
    with call.write() as (conn, caller):
        made = verifier_keys.add(conn, caller, new, call.registry.secret, now=now)
    return Json(verifier_keys.as_json(made), status_code=201)


def revoke(call: Call) -> Response:
    """`DELETE /api/keys/{fingerprint}` with `{reason?, envelope?}`."""
    body, now = call.json(), call.registry.clock()
    reason = body.get("reason", "")
    if not isinstance(reason, str):
        raise InvalidInput("'reason' must be a string.")
    said = {
        "reason": reason, "envelope": _envelope(body, "envelope"),
        "hub": hub_id(call.registry.secret),
    }  # fmt: skip
    with call.write() as (conn, caller):
        gone = verifier_keys.revoke(conn, caller, call.param("fingerprint"), said, now=now)
    return Json(verifier_keys.as_json(gone))


def _envelope(body: dict[str, Any], field: str) -> Envelope | None:
    value = body.get(field)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InvalidInput(f"{field!r} must be a DSSE envelope.")
    return dsse.decode(json.dumps(value).encode())
