"""Leaderboards, badges of claims, and what is to be verified again, over the API."""

from typing import Any

from starlette.responses import Response

from reprise.base.clock import iso
from reprise.base.errors import InvalidInput
from reprise.registry import (
    board_exports,
    claim_badges,
    claims,
    leaderboards,
    past_results,
    reverify,
    verdicts,
)
from reprise.registry.claim_badges import Mood
from reprise.registry.reverify import Due
from reprise.server import badge as badges
from reprise.server.boards import draft, finish, past_boards, past_of
from reprise.server.calls import Call
from reprise.server.responses import Json

_COLOURS = {
    Mood.GOOD: badges.GOOD, Mood.WARN: badges.WARN, Mood.BAD: badges.BAD, Mood.NONE: badges.GREY,
}  # fmt: skip
_MAX_BOARDS = 200  # in one export
_MAX_DIGITS = 9
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-cache"}


def list_boards(call: Call) -> Response:
    """`GET /api/leaderboards?data=&format=json|sota`: what may be compared, or all of it."""
    chosen, data = _format(call, "json", "sota"), call.query("data") or None
    with call.read() as (conn, caller):
        found = leaderboards.benchmarks(conn, caller, data=data)
        read = [draft(call, conn, it) for it in found[:_MAX_BOARDS]] if chosen == "sota" else []
    if chosen == "sota":
        full = [finish(call, it) for it in read]
        return Json(board_exports.as_sota(full, call.base_url), headers=_HEADERS)
    return Json([board_exports.summary(it) for it in found], headers=_HEADERS)


def show_board(call: Call) -> Response:
    """`GET /api/leaderboards/{board}?format=json|csv|sota`."""
    chosen = _format(call, "json", "csv", "sota")
    with call.read() as (conn, caller):
        found = leaderboards.find(conn, caller, call.param("board"))
        read, past = draft(call, conn, found), past_of(conn, found)
    board = finish(call, read)
    if chosen == "sota":
        return Json(board_exports.as_sota([board], call.base_url), headers=_HEADERS)
    if chosen == "json":
        return Json(
            board_exports.as_json(board, [row for _, rows in past for row in rows]),
            headers=_HEADERS,
        )
    name = {"Content-Disposition": f'attachment; filename="leaderboard-{found.id}.csv"'}
    text = board_exports.as_csv(board)
    return Response(text, media_type="text/csv; charset=utf-8", headers=_HEADERS | name)


def list_past(call: Call) -> Response:
    """`GET /api/past-leaderboards?dataset=`: boards of others, which nobody verified."""
    name = call.query("dataset")
    with call.read() as (conn, _):
        found = past_results.boards(conn, dataset=name) if name else past_boards(call, conn)
    keys = ("id", "task", "dataset", "metric", "rows")
    return Json([{key: getattr(it, key) for key in keys} for it in found])


def show_past(call: Call) -> Response:
    """`GET /api/past-leaderboards/{board}`."""
    with call.read() as (conn, _):
        found, rows = past_results.find(conn, call.param("board"))
    about = {"id": found.id, "task": found.task, "dataset": found.dataset, "metric": found.metric}
    return Json({**about, "verified": False, "rows": [board_exports.past_json(it) for it in rows]})


def list_due(call: Call) -> Response:
    """`GET /api/verifications/due?days=&limit=`: claims to verify again, most urgent first."""
    days = _whole(call, "days", reverify.DAYS)
    limit = min(_whole(call, "limit", reverify.MAX_LISTED), reverify.MAX_LISTED)
    now = call.registry.clock()
    with call.read() as (conn, caller):
        found = reverify.due(conn, caller, now=now, days=days, limit=limit)
    return Json([_due(it) for it in found], headers=_HEADERS)


def badge(call: Call) -> Response:
    """`GET /api/claims/{digest}/badge.svg`: level, outcome, value, date, verifiers."""
    now = call.registry.clock()
    with call.read() as (conn, caller):
        stated = claims.find(conn, caller, call.param("digest"))
        posted = verdicts.of_claim(conn, stated.id)
        last = next((it for it in posted if it.counts), None)
        due = reverify.reasons_of(conn, stated, last, now=now) if last else ()
    said = claim_badges.badge_of(stated, posted, due)
    return badges.badge(said.left, said.right, _COLOURS[said.mood])


def _due(found: Due) -> dict[str, Any]:
    return {
        "repo": found.claim.repo_name,
        "claim": found.claim.digest,
        "name": found.claim.name,
        "commit": found.claim.commit,
        "level": found.last.level.value,
        "outcome": found.last.outcome.value,
        "verifiedAt": iso(found.last.posted_at),
        "reasons": [{"cause": it.cause.value, "text": it.text} for it in found.reasons],
    }


def _format(call: Call, *known: str) -> str:
    chosen = call.query("format") or known[0]
    if chosen not in known:
        raise InvalidInput(f"'format' must be one of: {', '.join(known)}.")
    return chosen


def _whole(call: Call, name: str, otherwise: int) -> int:
    text = call.query(name) or str(otherwise)
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        raise InvalidInput(f"{name!r} must be a whole number.")
    return int(text)
