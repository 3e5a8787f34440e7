"""Leaderboards in the forms in which others read them: plain data, CSV, sota-extractor."""

from collections.abc import Sequence
from typing import Any

from reprise.base.clock import iso
from reprise.formats import csv_table, sota
from reprise.formats.sota import PastResult
from reprise.registry.leaderboards import Benchmark, Board, Entry, Point
from reprise.registry.wording import as_number

_COLUMNS = (
    "rank best_rank worst_rank status model value ci_low ci_high n level outcome verifiers "
    "verified_at claim signature"
).split()
_DAY = 10  # characters of an ISO date


def as_json(board: Board, past: Sequence[PastResult] = ()) -> dict[str, Any]:
    """Return a board as plain data; values are numbers."""
    return {
        **summary(board.benchmark),
        "task": board.task,
        "higherIsBetter": board.higher_is_better,
        "entries": [_entry(it, number) for number, it in enumerate(board.ranked, 1)],
        "below": [_entry(it) for it in board.below],
        "history": [_point(it) for it in board.history],
        "historical": [past_json(it) for it in past],
    }


def summary(benchmark: Benchmark) -> dict[str, Any]:
    """Return what a board is about as plain data."""
    n = benchmark.fields.get("n", "")
    return {
        "id": benchmark.id,
        "data": benchmark.data,
        "config": benchmark.config,
        "split": benchmark.split,
        "metric": f"{benchmark.fields['id']}@{benchmark.fields['version']}",
        "value": benchmark.fields.get("value"),
        "unit": benchmark.fields.get("unit"),
        "n": int(n) if n.isdecimal() and len(n) < 16 else None,  # noqa: PLR2004 - of a float
        "signature": benchmark.key,
        "claims": len(benchmark.claim_ids),
    }


def as_csv(board: Board) -> str:
    """Return a board as CSV: ranked rows first, then those below the line."""
    rows = [_cells(it, number) for number, it in enumerate(board.ranked, 1)]
    return csv_table.write(_COLUMNS, rows + [_cells(it) for it in board.below])


def as_sota(boards: Sequence[Board], base_url: str) -> list[dict[str, Any]]:
    """Return boards in the form of sota-extractor; only what is ranked."""
    return sota.write([_table(board, base_url) for board in boards if board.ranked])


def past_json(found: PastResult) -> dict[str, Any]:
    """Return a result that was reported elsewhere as plain data."""
    return {
        "task": found.task, "dataset": found.dataset, "metric": found.metric,
        "model": found.model, "value": found.value, "paper": found.paper, "url": found.url,
        "date": found.date, "verified": False,
    }  # fmt: skip


def value_of(entry: Entry) -> str:
    """Return the measured value with all its digits, as decimal text."""
    return entry.verdict.value or ""


def _entry(entry: Entry, rank: int | None = None) -> dict[str, Any]:
    ends = entry.interval
    found: dict[str, Any] = {
        "model": entry.claim.repo_name,
        "commit": entry.claim.commit,
        "claim": entry.claim.digest,
        "value": entry.value,
        "ci": list(ends) if ends else None,
        "n": entry.verdict.n,
        "level": entry.verdict.level.value,
        "outcome": entry.verdict.outcome.value,
        "verified": entry.standing.was_run,
        "contradicted": entry.standing.contradicted,
        "verifiers": list(entry.standing.verifiers),
        "verifiedAt": iso(entry.verdict.posted_at),
        "signature": entry.verdict.signature,
    }
    if entry.place is None:
        return found | {"reason": entry.reason, "claimed": entry.claim.value}
    ranks = {"best": entry.place.best, "worst": entry.place.worst, "paired": entry.place.paired}
    return {"rank": rank, "ranks": ranks} | found


def _point(point: Point) -> dict[str, Any]:
    return {
        "at": iso(point.at), "model": point.claim.repo_name, "value": point.value,
        "claim": point.claim.digest, "verifier": point.verdict.account,
    }  # fmt: skip


def _cells(entry: Entry, rank: int | None = None) -> list[object]:
    place, ends = entry.place, entry.verdict.ci
    return [
        rank,
        place.best if place else None,
        place.worst if place else None,
        "ranked" if place else entry.reason,
        entry.claim.repo_name,
        _plain(entry.verdict.value),
        *([_plain(end) for end in ends] if entry.interval else [None, None]),
        entry.verdict.n,
        entry.verdict.level.value,
        entry.verdict.outcome.value,
        " ".join(entry.standing.verifiers),
        iso(entry.verdict.posted_at),
        entry.claim.digest,
        entry.verdict.signature,
    ]


def _plain(text: str | None) -> object:
    number = as_number(text)
    return number if number is not None else text


def _table(board: Board, base_url: str) -> sota.Table:
    rows = [
        sota.Row(
            it.claim.repo_name,
            f"{base_url}/claims/{it.claim.digest}",
            value_of(it),
            iso(it.verdict.posted_at)[:_DAY],
        )
        for it in board.ranked
    ]
    return sota.Table(board.task, board.benchmark.title, board.benchmark.metric, rows)
