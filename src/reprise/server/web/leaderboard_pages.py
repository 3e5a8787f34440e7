"""Leaderboards for people: which there are, one of them, and those of others that are history."""

from dataclasses import dataclass

from starlette.responses import Response

from reprise.base.ids import RepoType
from reprise.registry import leaderboards, past_results
from reprise.registry.leaderboards import Benchmark, Board
from reprise.registry.past_results import PastBoard
from reprise.server.boards import draft, finish, past_boards, past_of
from reprise.server.calls import Call
from reprise.server.web.rank_plot import plots
from reprise.server.web.render import page

_BUILT = 20  # boards whose leader is shown
_LISTED = 200
_MAX_WORDS = 200  # characters
REASONS = {
    "contradicted": "Contradicted",
    "own": "Only by its author",
    "recomputed": "Predictions not computed again",
    "withdrawn": "Withdrawn",
    "other-rows": "Other rows",
    "close": "Close, no pass",
}


@dataclass(frozen=True)
class Listed:
    """A line in the list of boards; the board itself is there for the first ones only."""

    benchmark: Benchmark
    board: Board | None


def leaderboards_page(call: Call) -> Response:
    """`GET /leaderboards?search=`."""
    words = call.query("search")[:_MAX_WORDS]
    with call.read() as (conn, caller):
        found = [it for it in leaderboards.benchmarks(conn, caller) if _names(it, words)]
        past = [it for it in past_boards(call, conn) if _is_about(it, words)]
        drafts = [draft(call, conn, it) for it in found[:_BUILT]]
    rows = [Listed(it.board.benchmark, finish(call, it)) for it in drafts]
    rows += [Listed(it, None) for it in found[_BUILT:_LISTED]]
    return page(
        call.request,
        "leaderboards.html",
        rows=rows,
        more=max(0, len(found) - _LISTED),
        past=past[:_LISTED],
        past_more=max(0, len(past) - _LISTED),
        words=words,
    )


def leaderboard_page(call: Call) -> Response:
    """`GET /leaderboards/{board}`."""
    with call.read() as (conn, caller):
        found = leaderboards.find(conn, caller, call.param("board"))
        read, past = draft(call, conn, found), past_of(conn, found)
        siblings = [
            it for it in leaderboards.benchmarks(conn, caller, data=found.data) if it.id != found.id
        ]
    board = finish(call, read)
    return page(
        call.request,
        "leaderboard.html",
        board=board,
        benchmark=found,
        plot=plots(board),
        past=past,
        siblings=siblings[:20],
        reasons=REASONS,
        repo_type=RepoType.DATASET,
    )


def past_leaderboard_page(call: Call) -> Response:
    """`GET /past-leaderboards/{board}`."""
    with call.read() as (conn, _):
        found, rows = past_results.find(conn, call.param("board"))
        siblings = past_results.boards(conn, dataset=found.dataset)
    return page(
        call.request,
        "past_leaderboard.html",
        board=found,
        rows=rows,
        siblings=[it for it in siblings if it.id != found.id][:20],
    )


def _is_about(board: PastBoard, words: str) -> bool:
    return words.lower() in f"{board.dataset} {board.task} {board.metric}".lower()


def _names(benchmark: Benchmark, words: str) -> bool:
    return words.lower() in f"{benchmark.title} {benchmark.metric}".lower()
