"""The leaderboard of a data set as clients of the Hub API read it."""

import json
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from reprise.base.errors import InvalidInput, NotFound
from reprise.base.ids import RepoType
from reprise.registry import accounts, data_benchmarks, leaderboards, repos
from reprise.registry.data_benchmarks import Part
from reprise.registry.leaderboards import Benchmark, Entry
from reprise.server.boards import draft, finish
from reprise.server.calls import Call
from reprise.server.faces.eval_results import evidence_source
from reprise.server.responses import Json

_MAX_ROWS = 500
_REASONS = {
    "contradicted": "contradicted",
    "own": "verified by its author only",
    "recomputed": "nobody computed the predictions again",
    "withdrawn": "withdrawn by its author",
    "other-rows": "measured on other rows",
}


def dataset_leaderboard(call: Call) -> Response:
    """`GET /api/datasets/{repo}/leaderboard?base_model=&board=`: measured values, best first."""
    if call.repo_type() is not RepoType.DATASET:
        raise NotFound("Only data sets have leaderboards.", hint="GET /api/leaderboards")
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        found = leaderboards.benchmarks(conn, caller, data=str(repo.repo_id))
        wanted = call.query("board")
        named = [it for it in found if it.id == wanted] if wanted else _by_choice(conn, found)
        if not named:
            raise NotFound(f"Nothing on {repo.repo_id} was verified yet: it has no leaderboard.")
        read, only_roots = draft(call, conn, named[0]), _only_roots(call)
    board = finish(call, read)
    entries = (*board.ranked, *board.below)[:_MAX_ROWS]
    with call.read() as (conn, _):
        shown = [it for it in entries if not (only_roots and _has_base(conn, it))]
        rows = [_row(call, conn, it, rank) for rank, it in enumerate(shown, 1)]
    return Json(rows)


def _by_choice(conn: Connection, found: list[Benchmark]) -> list[Benchmark]:
    """Put the boards first that the data set itself defines, in its order."""
    defined = data_benchmarks.of_data(conn, found[0].data) if found else ()

    def rank(board: Benchmark) -> int:
        metric = board.fields["id"]
        for number, it in enumerate(defined):
            if data_benchmarks.is_about(it, Part(board.config, board.split, it.data.limit, metric)):
                return number
        return len(defined)

    return sorted(found, key=rank)


def _has_base(conn: Connection, entry: Entry) -> bool:
    """Tell whether a model says that it was made from another one."""
    number = entry.claim.repo_id
    model = repos.by_number(conn, number) if number is not None else None
    return model is not None and bool(json.loads(model.card).get("base_model"))


def _only_roots(call: Call) -> bool:
    text = call.query("base_model").lower()
    if text not in {"", "true", "false", "1", "0"}:
        raise InvalidInput("'base_model' must be true or false.")
    return text not in {"false", "0"}


def _row(call: Call, conn: Connection, entry: Entry, rank: int) -> dict[str, Any]:
    notes = entry.verdict.signature or ""
    if entry.reason:
        why = _REASONS.get(entry.reason, entry.reason)
        notes = f"not ranked: {why}, claimed {entry.claim.value}; {notes}"
    return {
        "rank": rank,
        "modelId": entry.claim.repo_name,
        "value": entry.value,
        "filename": entry.claim.path,
        "verified": not entry.reason,
        "source": evidence_source(call, entry.claim),
        "author": _author(conn, entry.claim.repo_name.rpartition("/")[0]),
        "notes": notes,
    }


def _author(conn: Connection, owner: str) -> dict[str, Any]:
    try:
        found = accounts.find(conn, owner)
    except NotFound:  # gone with all its repos; what was verified stays
        return {"type": "user", "name": owner, "fullname": owner, "avatarUrl": ""}
    names = {"name": found.name, "fullname": found.fullname, "avatarUrl": ""}
    return {"type": "org" if found.kind == "org" else "user", **names}
