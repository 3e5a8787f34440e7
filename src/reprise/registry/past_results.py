"""Results that were reported elsewhere, kept as history: nobody computed them again."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select

from reprise.base.digests import canonical_json, sha256_hex
from reprise.base.errors import InvalidInput, NotFound
from reprise.formats.sota import PastResult, plain_name
from reprise.registry.db.batches import batched
from reprise.registry.db.leaderboard_tables import past_result
from reprise.registry.db.upsert import insert

_BATCH = 1000
_MAX_BOARDS = 20_000
_MAX_ROWS = 500
_ID_DIGITS = 16
_NOT_NAMED = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class PastBoard:
    """One task, data set and metric of old."""

    id: str
    task: str
    dataset: str
    metric: str
    rows: int


@dataclass(frozen=True)
class Import:
    """One file that was imported."""

    source: str
    rows: int
    imported_at: int


def take_in(conn: Connection, source: str, results: Sequence[PastResult], *, now: int) -> int:
    """Keep results under a name; what was imported under the same name before goes.

    Raises:
        InvalidInput: The name is empty, or there are no results.
    """
    name = plain_name(source)
    if not name:
        raise InvalidInput("An import needs a name.", hint="Give it with --source NAME.")
    if not results:
        raise InvalidInput("The file holds no results: no row has a model and a value.")
    conn.execute(delete(past_result).where(past_result.c.source == name))
    for batch in batched(results, _BATCH):
        conn.execute(insert(conn, past_result), [_row(name, it, now) for it in batch])
    return len(results)


def imports(conn: Connection) -> list[Import]:
    """List what was imported, by name."""
    times, at = func.count(), func.max(past_result.c.imported_at)
    rows = conn.execute(
        select(past_result.c.source, times, at)
        .group_by(past_result.c.source)
        .order_by(past_result.c.source)
    )
    return [Import(*row) for row in rows]


def remove(conn: Connection, source: str) -> int:
    """Forget an import; returns how many results it had.

    Raises:
        NotFound: Nothing was imported under this name.
    """
    gone = conn.execute(delete(past_result).where(past_result.c.source == source)).rowcount
    if not gone:
        raise NotFound(f"Nothing was imported as {source[:80]!r}.")
    return gone


def boards(conn: Connection, *, dataset: str | None = None) -> list[PastBoard]:
    """List the boards of old, those with most rows first.

    Args:
        conn: An open connection.
        dataset: Only those whose data set is called like this repo, whatever its spelling.
    """
    columns = (past_result.c.board, past_result.c.task, past_result.c.dataset, past_result.c.metric)
    times = func.count().label("times")
    query = select(*columns, times).group_by(*columns)
    if dataset is not None:
        query = query.where(past_result.c.dataset_key == name_key(dataset))
    order = (times.desc(), past_result.c.dataset, past_result.c.metric, past_result.c.board)
    return [PastBoard(*row) for row in conn.execute(query.order_by(*order).limit(_MAX_BOARDS))]


def find(conn: Connection, board: str) -> tuple[PastBoard, list[PastResult]]:
    """Find a board of old with its rows, the highest value first.

    Raises:
        NotFound: There is none.
    """
    order = (past_result.c.number.is_(None), past_result.c.number.desc(), past_result.c.id)
    rows = conn.execute(
        select(past_result).where(past_result.c.board == board).order_by(*order).limit(_MAX_ROWS)
    ).all()
    if not rows:
        raise NotFound(f"There is no historical leaderboard {board[:40]!r}.")
    results = [
        PastResult(it.task, it.dataset, it.metric, it.model, it.value, it.paper, it.url, it.date)
        for it in rows
    ]
    first = results[0]
    return PastBoard(board, first.task, first.dataset, first.metric, len(rows)), results


def name_key(text: str) -> str:
    """Return what is compared of a data set's name: letters and digits, without an owner.

    Example:
        >>> name_key("stanfordnlp/snli") == name_key("SNLI"), name_key("SQuAD 2.0")
        (True, 'squad20')
    """
    return _NOT_NAMED.sub("", text.rpartition("/")[2]).lower()


def board_of(result: PastResult) -> str:
    """Return the id of the board that a result belongs to."""
    return sha256_hex(canonical_json([result.task, result.dataset, result.metric]))[:_ID_DIGITS]


def _row(source: str, result: PastResult, now: int) -> dict[str, object]:
    return {
        "source": source, "board": board_of(result), "task": result.task,
        "dataset": result.dataset, "dataset_key": name_key(result.dataset),
        "metric": result.metric, "model": result.model, "value": result.value,
        "number": result.number, "paper": result.paper, "url": result.url, "date": result.date,
        "imported_at": now,
    }  # fmt: skip
