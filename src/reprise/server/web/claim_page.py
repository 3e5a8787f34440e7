"""The evidence page of a claim: what is claimed, who measured what, and where the log has it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from reprise.base.digests import sha256_hex
from reprise.base.errors import RepriseError
from reprise.formats import merkle
from reprise.formats.verdict import Verdict
from reprise.registry import claim_badges, claims, leaderboards, reverify, verdict_log, verdicts
from reprise.registry.storage.store import evidence_key
from reprise.registry.verdicts import PostedVerdict
from reprise.server.calls import Call
from reprise.server.web.render import page
from reprise.server.web.stamps import mood_of

_MAX_VERDICTS = 20  # in full
_MAX_EVIDENCE = 3  # verdicts whose examples are read for the page
_MAX_EXAMPLES = 20  # that differ, with what was predicted
_MAX_IDS = 200
_MAX_CELL = 200  # characters
_MAX_FACTS = 40
_EXAMPLES = "examples.jsonl"


@dataclass(frozen=True)
class Differing:
    """An example that came out otherwise: its id, and the statistics by name."""

    id: str
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Proof:
    """Where the log has a verdict: the hashes that lead from its leaf to the root."""

    index: int
    size: int
    leaf: str
    root: str
    path: tuple[str, ...]
    holds: bool


@dataclass(frozen=True)
class Shown:
    """One verdict as the page shows it."""

    posted: PostedVerdict
    said: Verdict | None
    mood: str
    packages: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]
    differing: tuple[Differing, ...]
    evidence_size: int | None
    proof: Proof | None


def claim_page(call: Call) -> Response:
    """`GET /claims/{digest}`."""
    now = call.registry.clock()
    with call.read() as (conn, caller):
        stated = claims.find(conn, caller, call.param("digest"))
        posted = verdicts.of_claim(conn, stated.id)
        sees_rows = claims.sees_data(conn, caller, stated)
        proofs = {it.id: _proof(conn, it) for it in posted[:_MAX_VERDICTS]}
        last = next((it for it in posted if it.counts), None)
        due = reverify.reasons_of(conn, stated, last, now=now) if last else ()
        boards = [
            it
            for it in leaderboards.benchmarks(conn, caller, data=stated.data_repo)
            if stated.id in it.claim_ids
        ]
    badge = claim_badges.badge_of(stated, posted, due)
    return page(
        call.request,
        "claim.html",
        stated=stated,
        claimed=stated.claim,
        pins=_pins(json.loads(stated.body)),
        standing=verdicts.standing(posted),
        badge=badge,
        mood=badge.mood.value,
        due=due,
        boards=boards,
        shown=_all_shown(call, posted[:_MAX_VERDICTS], proofs, sees_rows=sees_rows),
        more=max(0, len(posted) - _MAX_VERDICTS),
    )


def _all_shown(
    call: Call,
    posted: Sequence[PostedVerdict],
    proofs: Mapping[int, Proof | None],
    *,
    sees_rows: bool,
) -> list[Shown]:
    said = {it.id: _said(it) for it in posted}
    differ = [it.id for it in posted if (one := said[it.id]) and one.flips and one.flips.examples]
    looked = set(differ[:_MAX_EVIDENCE]) if sees_rows else set()
    return [
        _shown(call, it, said[it.id], _examples(call, it) if it.id in looked else "", proofs[it.id])
        for it in posted
    ]


def _shown(
    call: Call, posted: PostedVerdict, said: Verdict | None, examples: str, proof: Proof | None
) -> Shown:
    environment = said.environment if said else {}
    facts = [(name, it) for name, it in environment.items() if name != "packages"]
    facts += list(said.hardware.items()) if said else []
    digest = posted.evidence_digest
    return Shown(
        posted,
        said,
        mood_of(posted.outcome),
        tuple(sorted(_texts(environment.get("packages")))),
        tuple((name, _cell(it)) for name, it in facts[:_MAX_FACTS]),
        tuple(_differing(said, examples)),
        call.registry.store.size(evidence_key(digest)) if digest is not None else None,
        proof,
    )


def _said(posted: PostedVerdict) -> Verdict | None:
    try:
        return posted.verdict
    except RepriseError:
        return None


def _examples(call: Call, posted: PostedVerdict) -> str:
    """Read the statistics of single examples, for who may read the data they quote."""
    try:
        return verdicts.evidence_of(call.registry, posted, rows=True).get(_EXAMPLES, "")
    except (RepriseError, OSError, ValueError):
        return ""


def _proof(conn: Connection, posted: PostedVerdict) -> Proof | None:
    """Collect what proves that the log has a verdict, and check it."""
    found = verdict_log.entries(conn, posted.log_index, 1)
    if not found or found[0].index != posted.log_index:
        return None
    size = verdict_log.size(conn)
    root = verdict_log.root(conn, size)
    path = verdict_log.inclusion(conn, posted.log_index, size)
    leaf = merkle.leaf_hash(found[0].body.encode())
    names_it = posted.envelope_digest in found[0].body
    intact = sha256_hex(posted.envelope.encode()) == posted.envelope_digest
    holds = names_it and intact and merkle.includes(root, size, posted.log_index, leaf, path)
    return Proof(
        posted.log_index, size, leaf.hex(), root.hex(), tuple(it.hex() for it in path), holds
    )


def _differing(said: Verdict | None, examples: str) -> list[Differing]:
    """Find the examples that a verdict says differ, with their statistics where those are kept."""
    if said is None or said.flips is None:
        return []
    wanted = said.flips.examples[:_MAX_IDS]
    rows = _rows(examples, set(wanted[:_MAX_EXAMPLES]))
    return [Differing(it[:_MAX_CELL], rows.get(it, ())) for it in wanted]


def _rows(examples: str, wanted: set[str]) -> dict[str, tuple[tuple[str, str], ...]]:
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for line in examples.split("\n")[1:]:
        if len(found) == len(wanted):
            break
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        key = str(row.get("id")) if isinstance(row, dict) else ""
        if key in wanted:
            cells = ((str(name)[:40], _cell(it)) for name, it in row.items() if name != "id")
            found[key] = tuple(cells)
    return found


def _pins(body: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Lay a claim out as one row for each pin."""
    rows: list[tuple[str, str]] = []
    for name, value in body.items():
        if isinstance(value, Mapping):
            rows += _pins(value, f"{prefix}{name}.")
        elif name != "schema":
            rows.append((prefix + name, _cell(value)))
    return rows


def _texts(value: Any) -> Sequence[tuple[str, str]]:
    if not isinstance(value, Mapping):
        return ()
    return [(str(name)[:80], str(version)[:40]) for name, version in list(value.items())[:500]]


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_CELL else text[:_MAX_CELL] + "…"
