"""Boards with the scores of single examples, which lie in the store; what was drawn is kept."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection

from reprise.base.lru import Lru
from reprise.formats.sota import PastResult
from reprise.registry import example_scores, leaderboards, past_results
from reprise.registry.leaderboards import Benchmark, Board
from reprise.registry.past_results import PastBoard
from reprise.registry.verdicts import PostedVerdict
from reprise.server.calls import Call

Boards = Lru[tuple[object, ...], Board]

_CACHE_BYTES = 64 << 20
_ENTRY_BYTES = 16 << 10
_FRESH = 30  # seconds for which the list of old boards may be old
_MAX_PAST = 4  # boards of old beside a board
_MAX_ROWS = 5  # of each


def new_cache() -> Boards:
    """Make an empty cache of boards, for the application."""
    return Lru(_CACHE_BYTES, lambda it: _ENTRY_BYTES * (1 + len(it.ranked) + len(it.below)))


@dataclass(frozen=True)
class Draft:
    """A board as the database has it; `finish` ranks it when the connection is given back."""

    key: tuple[object, ...]
    board: Board
    is_finished: bool


def draft(call: Call, conn: Connection, benchmark: Benchmark) -> Draft:
    """Read a board, or take it from the cache while nothing about it changed."""
    kept: Boards = call.request.app.state.boards
    key = leaderboards.state_of(conn, benchmark)
    known = kept.get(key)
    return Draft(key, known or leaderboards.build(conn, benchmark), known is not None)


def finish(call: Call, found: Draft) -> Board:
    """Rank a board. Reads evidence and draws samples: hold no connection meanwhile."""
    if found.is_finished:
        return found.board

    def scores(posted: PostedVerdict, value: float) -> Mapping[str, tuple[float, float]] | None:
        return example_scores.of_verdict(call.registry, posted, value)

    kept: Boards = call.request.app.state.boards
    return kept.put(found.key, leaderboards.with_places(found.board, scores))


def past_of(conn: Connection, benchmark: Benchmark) -> list[tuple[PastBoard, list[PastResult]]]:
    """Find boards of old on a data set that is called like a board's, each with its best rows."""
    boards = past_results.boards(conn, dataset=benchmark.data)[:_MAX_PAST]
    return [(board, past_results.find(conn, board.id)[1][:_MAX_ROWS]) for board in boards]


def past_boards(call: Call, conn: Connection) -> list[PastBoard]:
    """List all boards of old; what was found is kept for a moment, for it is the same for all."""
    kept: Lru[tuple[object, ...], bytes] = call.request.app.state.web.data
    key = ("past boards", int(time.monotonic() // _FRESH))
    known = kept.get(key) or kept.put(key, msgspec.json.encode(past_results.boards(conn)))
    return msgspec.json.decode(known, type=list[PastBoard])
