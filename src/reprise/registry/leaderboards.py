"""Leaderboards: what was measured again on one benchmark, never what is merely claimed.

A board is a data set, its config and split, and all that decides the number (the signature without
the version of the code). Claims that stand are ranked; below the line come those that somebody
contradicted, that only their author verified, whose predictions nobody computed again, that were
withdrawn, or that are about other rows.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from reprise.base.digests import canonical_json, sha256_hex
from reprise.base.errors import InvalidFormat, NotFound, RepriseError
from reprise.base.ids import RepoType
from reprise.formats.signature import board_key, parse
from reprise.formats.verdict import Outcome
from reprise.registry import claims, listing, verdicts
from reprise.registry.access import Caller
from reprise.registry.claims import StatedClaim
from reprise.registry.db.batches import batched
from reprise.registry.db.claim_tables import claim, verdict, verifier_key
from reprise.registry.db.schema import repo
from reprise.registry.ranking import Measured, Place, places
from reprise.registry.verdicts import PostedVerdict, Standing

MAX_CLAIMS = 20_000  # that are looked through for boards
MAX_ENTRIES = 500  # of one board
MAX_PAIRED = 50  # best entries whose examples are read
_BATCH = 500
_ID_DIGITS = 16
_Z = 1.959963984540054  # of a two-sided 95 % interval
# Metrics of ours that are errors; a claim's word on them does not count.
_ERRORS = frozenset({"wer", "cer", "ter", "perplexity"})

ScoresOf = Callable[[PostedVerdict, float], Mapping[str, tuple[float, float]] | None]


@dataclass(frozen=True)
class Benchmark:
    """What a board is about.

    Attributes:
        id: 16 hex digits that name it in addresses.
        data: Id of the data set's repo, as a claim wrote it.
        key: What all signatures on it have in common, see `formats.signature.board_key`.
        fields: The same by name: `id`, `version`, `value`, `n`, …
        claim_ids: Claims with a verdict on it, the oldest first.
    """

    id: str
    data: str
    config: str | None
    split: str | None
    key: str
    fields: Mapping[str, str]
    claim_ids: tuple[int, ...]

    @property
    def metric(self) -> str:
        """`squad2@1`, and which of its values."""
        named = f"{self.fields['id']}@{self.fields['version']}"
        return f"{named} {self.fields['value']}" if "value" in self.fields else named

    @property
    def title(self) -> str:
        """Data set, config and split on one line."""
        return " · ".join(it for it in (self.data, self.config, self.split) if it)


@dataclass(frozen=True)
class Entry:
    """One claim on a board, with the verdict whose value counts.

    Attributes:
        claim: What is claimed.
        verdict: What was measured.
        standing: What all verdicts on the claim come to.
        value: The measured value.
        reason: Why it is not ranked; empty when it is.
        place: Ranks that it may hold; None below the line, and before `with_places`.
    """

    claim: StatedClaim
    verdict: PostedVerdict
    standing: Standing
    value: float
    reason: str = ""
    place: Place | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % sampling interval of the value."""
        ends = [_number(end) for end in self.verdict.ci]
        return (ends[0], ends[1]) if len(ends) == 2 and all(map(math.isfinite, ends)) else None  # noqa: PLR2004


@dataclass(frozen=True)
class Point:
    """One independent verdict that passed, for the history of a board."""

    at: int
    claim: StatedClaim
    verdict: PostedVerdict
    value: float


@dataclass(frozen=True)
class Board:
    """A leaderboard.

    Attributes:
        ranked: Best first.
        below: Everything else that was measured.
        history: Every passing independent verdict on it, oldest first, as the hub took it in.
        task: What most claims say it is.
        higher_is_better: False for errors.
    """

    benchmark: Benchmark
    ranked: tuple[Entry, ...]
    below: tuple[Entry, ...]
    history: tuple[Point, ...]
    task: str
    higher_is_better: bool


def benchmarks(conn: Connection, caller: Caller, *, data: str | None = None) -> list[Benchmark]:
    """List the boards that a caller may see, those with most claims first.

    Args:
        conn: An open connection.
        caller: Whoever asks.
        data: Only those on this data set.
    """
    wanted = [_seen(caller), verdict.c.signature.is_not(None), verifier_key.c.revoked_at.is_(None)]
    if data is not None:
        wanted.append(claim.c.data_key == data.lower())
    rows = conn.execute(
        select(
            claim.c.id, claim.c.data_repo, claim.c.data_key, claim.c.data_config,
            claim.c.data_split, verdict.c.signature,
        )
        .join(verdict, verdict.c.claim_id == claim.c.id)
        .join(verifier_key, verifier_key.c.id == verdict.c.key_id)
        .outerjoin(repo, repo.c.id == claim.c.repo_id)
        .where(*wanted)
        .distinct()
        .order_by(claim.c.id)
        .limit(MAX_CLAIMS)
    )  # fmt: skip
    made: dict[tuple[object, ...], Benchmark | None] = {}
    ids: dict[str, dict[int, None]] = {}
    found: dict[str, Benchmark] = {}
    for row in rows:
        about = (row.data_key, row.data_config, row.data_split, row.signature)
        if about not in made:
            made[about] = _benchmark(row)
        if (board := made[about]) is not None:
            found[board.id] = board
            ids.setdefault(board.id, {})[row.id] = None
    found = {name: replace(it, claim_ids=tuple(ids[name])) for name, it in found.items()}
    return sorted(found.values(), key=lambda it: (-len(it.claim_ids), it.title, it.key))


def find(conn: Connection, caller: Caller, board_id: str) -> Benchmark:
    """Find a board by its id.

    Raises:
        NotFound: No board that the caller may see has it.
    """
    for found in benchmarks(conn, caller):
        if found.id == board_id:
            return found
    raise NotFound(f"There is no leaderboard {board_id[:40]!r}.", hint="/leaderboards lists them.")


def build(conn: Connection, benchmark: Benchmark) -> Board:
    """Put a board together, without the places, which take time: see `with_places`.

    Args:
        conn: An open connection.
        benchmark: What `benchmarks` or `find` returned for this caller.
    """
    entries, history = [], []
    for stated, posted in _pairs(conn, benchmark.claim_ids[-10 * MAX_ENTRIES :]):
        mine = [it for it in posted if _is_on(it, benchmark)]
        history += _points(stated, mine)
        if (entry := _entry(stated, posted, mine)) is not None:
            entries.append(entry)
    higher = _higher_is_better(benchmark, entries)
    ranked, below = _divided(entries, higher_is_better=higher)
    history.sort(key=lambda it: (it.at, it.verdict.id))
    tasks = Counter(it.claim.task for it in entries).most_common(1)
    return Board(
        benchmark, tuple(ranked), tuple(below), tuple(history), tasks[0][0] if tasks else "", higher
    )


def with_places(board: Board, scores_of: ScoresOf = lambda *_: None) -> Board:
    """Find the places that every ranked entry may hold. Hold no connection meanwhile.

    Args:
        board: From `build`.
        scores_of: Returns the scores of single examples behind a verdict's value, if there are any.
    """
    systems = [
        _measured(it, scores_of if number < MAX_PAIRED else lambda *_: None)
        for number, it in enumerate(board.ranked)
    ]
    spots = places(systems, higher_is_better=board.higher_is_better)
    ranked = (replace(it, place=spot) for it, spot in zip(board.ranked, spots, strict=True))
    return replace(board, ranked=tuple(ranked))


def state_of(conn: Connection, benchmark: Benchmark) -> tuple[object, ...]:
    """Return what a board depends on: as long as this stays the same, so does the board."""
    last_verdict, revoked = 0, 0
    stated: list[object] = []
    for batch in batched(benchmark.claim_ids, _BATCH):
        row = conn.execute(
            select(func.max(verdict.c.id), func.count(verifier_key.c.revoked_at))
            .join(verifier_key, verifier_key.c.id == verdict.c.key_id)
            .where(verdict.c.claim_id.in_(batch))
        ).one()
        last_verdict, revoked = max(last_verdict, row[0] or 0), revoked + row[1]
        rows = conn.execute(
            select(claim.c.id, claim.c.withdrawn_at, repo.c.key)
            .outerjoin(repo, repo.c.id == claim.c.repo_id)
            .where(claim.c.id.in_(batch))
            .order_by(claim.c.id)
        )
        stated += [tuple(it) for it in rows]
    return (benchmark.id, last_verdict, revoked, *stated)


def board_id(data_key: str, config: str | None, split: str | None, key: str) -> str:
    """Return the id of a board in addresses."""
    return sha256_hex(canonical_json([data_key, config, split, key]))[:_ID_DIGITS]


def _seen(caller: Caller) -> ColumnElement[bool]:
    """Build the condition that holds for claims that a caller may know of."""
    is_there = and_(repo.c.id.is_not(None), listing.visible(caller, RepoType.MODEL))
    return or_(is_there, and_(claim.c.repo_id.is_(None), claim.c.hidden.is_(False)))


def _benchmark(row: Any) -> Benchmark | None:
    try:
        key = board_key(row.signature)
        fields = parse(key)
    except InvalidFormat:
        return None
    name = board_id(row.data_key, row.data_config, row.data_split, key)
    return Benchmark(name, row.data_repo, row.data_config, row.data_split, key, fields, ())


def _pairs(
    conn: Connection, claim_ids: Iterable[int]
) -> Iterable[tuple[StatedClaim, Sequence[PostedVerdict]]]:
    for batch in batched(claim_ids, _BATCH):
        stated, posted = claims.by_ids(conn, batch), verdicts.of_claims(conn, batch)
        yield from ((stated[it], posted.get(it, [])) for it in batch if it in stated)


def _is_on(posted: PostedVerdict, benchmark: Benchmark) -> bool:
    """Tell whether a verdict is evidence on a board: comparable, with a value, not revoked."""
    if not posted.counts or posted.value is None or posted.signature is None:
        return False
    if posted.outcome is Outcome.NOT_COMPARABLE or not math.isfinite(_number(posted.value)):
        return False
    try:
        return board_key(posted.signature) == benchmark.key
    except InvalidFormat:
        return False


def _points(stated: StatedClaim, mine: Sequence[PostedVerdict]) -> list[Point]:
    return [
        Point(it.posted_at, stated, it, _number(it.value))
        for it in mine
        if it.independent and it.outcome.passes
    ]


def _entry(
    stated: StatedClaim, posted: Sequence[PostedVerdict], mine: Sequence[PostedVerdict]
) -> Entry | None:
    standing = verdicts.standing(posted)
    chosen, reason = _chosen(mine, standing)
    if chosen is None:
        return None
    if not reason and stated.withdrawn_at is not None:
        reason = "withdrawn"
    return Entry(stated, chosen, standing, _number(chosen.value), reason)


def _chosen(mine: Sequence[PostedVerdict], standing: Standing) -> tuple[PostedVerdict | None, str]:
    """Choose whose value counts, newest first, and say why the claim is not ranked."""
    if standing.was_run:
        passing = [it for it in mine if it.independent and it.outcome.passes]
        best = [it for it in passing if it.level is standing.level]
        # With evidence, so that it can be compared with others example by example.
        kept = next((it for it in best if it.evidence_digest is not None), None)
        return kept or next(iter(best), None), ""
    if standing.contradicted:
        against = (it for it in mine if it.outcome is Outcome.CONTRADICTED)
        return next(against, None), "contradicted"
    newest = next(iter(mine), None)
    if standing.verified:
        return newest, "recomputed"
    if newest is not None and newest.outcome.passes and not newest.independent:
        return newest, "own"
    return newest, str(newest.outcome) if newest else ""


def _divided(
    entries: Sequence[Entry], *, higher_is_better: bool
) -> tuple[list[Entry], list[Entry]]:
    """Rank one entry of each repo, and list below the line what does not go with these."""
    standing = [it for it in entries if not it.reason]
    content = _content_of_most(standing)
    strangers = {it.claim.id for it in standing if _content(it) != content}
    newest: dict[str, Entry] = {}
    for it in sorted(standing, key=lambda it: (it.claim.stated_at, it.claim.id)):
        if it.claim.id not in strangers:
            newest[it.claim.repo_name.lower()] = it
    sign = -1 if higher_is_better else 1
    ranked = sorted(newest.values(), key=lambda it: (sign * it.value, it.claim.repo_name))
    below = [it for it in entries if it.reason]
    below += [replace(it, reason="other-rows") for it in standing if it.claim.id in strangers]
    below.sort(key=lambda it: (it.reason != "contradicted", sign * it.value, it.claim.repo_name))
    return ranked[:MAX_ENTRIES], below[:MAX_ENTRIES]


def _content_of_most(entries: Sequence[Entry]) -> str:
    """Return the rows that most entries were measured on; of equals, the ones verified last."""
    times = Counter(_content(it) for it in entries)
    last = {_content(it): it.verdict.id for it in sorted(entries, key=lambda it: it.verdict.id)}
    return max(times, key=lambda it: (times[it], last[it]), default="")


def _content(entry: Entry) -> str:
    """Return the SHA-256 of the rows that a verdict is about; empty where it does not say."""
    try:
        subjects = entry.verdict.verdict.subjects
    except RepriseError:
        return ""
    return subjects.get(f"data:{entry.claim.data_repo}", "")


def _higher_is_better(benchmark: Benchmark, entries: Sequence[Entry]) -> bool:
    name = benchmark.fields["id"]
    if "/" not in name:
        return name not in _ERRORS
    said = Counter(_says(it.claim) for it in entries)  # a metric that somebody published
    return said[False] <= said[True]


def _says(stated: StatedClaim) -> bool:
    return json.loads(stated.body).get("metric", {}).get("higher-is-better") is not False


def _measured(entry: Entry, scores_of: ScoresOf) -> Measured:
    ends = entry.interval
    spread = (ends[1] - ends[0]) / (2 * _Z) if ends else None
    return Measured(entry.value, spread, scores_of(entry.verdict, entry.value))


def _number(text: str | None) -> float:
    try:
        return float(text) if text is not None else math.nan
    except ValueError:
        return math.nan
