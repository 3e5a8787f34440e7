"""The log of verdicts: entries are appended and never change. RFC 6962 heads and proofs.

What an entry says names a signed envelope by its SHA-256 and nothing else, so that the log can be
public while some claims are not. Whoever kept an older head notices any change to what it covers.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, func, insert, select, tuple_

from reprise.base.clock import iso
from reprise.base.digests import canonical_json
from reprise.base.errors import InvalidInput
from reprise.formats import dsse, log_head, merkle, merkle_nodes, sshsig
from reprise.formats.dsse import Envelope
from reprise.formats.log_head import Head
from reprise.formats.merkle_nodes import Node
from reprise.registry.db.batches import batched
from reprise.registry.db.claim_tables import claim, log_entry, log_node, verdict, verifier_key
from reprise.registry.db.database import lock_repo
from reprise.registry.db.schema import repo as repo_table
from reprise.registry.operator_key import operator_key

T = TypeVar("T")

VERDICT, REVOCATION = "verdict", "revocation"
MAX_PAGE = 500
SCHEMA = 1
_LOCK = -1  # the lock that writers of the log take: no repo has this number
_BATCH = 400  # subtrees in one query


@dataclass(frozen=True)
class Entry:
    """An entry as anybody may see it.

    Attributes:
        index: Its place, from 0.
        kind: `verdict` or `revocation`.
        leaf: RFC 6962 hash of the body.
        body: Canonical JSON.
        at: When it was appended, microseconds since 1970, UTC.
        envelope: The verdict it names; None where the claim is not public, and for revocations.
        key: Public key that signed it, as a line of OpenSSH.
    """

    index: int
    kind: str
    leaf: bytes
    body: str
    at: int
    envelope: str | None = None
    key: str | None = None


def lock(conn: Connection) -> None:
    """Hold the log until the transaction ends: what is looked up after this stays true in it."""
    lock_repo(conn, _LOCK)


def append(conn: Connection, kind: str, said: Mapping[str, Any], *, now: int) -> int:
    """Append an entry and return its place.

    Args:
        conn: An open write transaction; it holds the log, see `lock`.
        kind: `verdict` or `revocation`.
        said: What it says.
        now: Microseconds since 1970, UTC.
    """
    lock(conn)
    index = size(conn)
    body = canonical_json({"schema": SCHEMA, "kind": kind, "at": iso(now), **said})
    leaf = merkle.leaf_hash(body)
    row = {"log_index": index, "kind": kind, "leaf": leaf, "body": body.decode(), "at": now}
    conn.execute(insert(log_entry).values(row))

    def ask(node: Node) -> list[tuple[int, int, bytes]]:
        return list(merkle_nodes.appended(index, leaf, node))

    nodes = [
        {"level": level, "position": position, "hash": value}
        for level, position, value in _answer(conn, ask)
    ]
    conn.execute(insert(log_node), nodes)
    return index


def size(conn: Connection) -> int:
    """Return how many entries the log has."""
    last = conn.execute(select(func.max(log_entry.c.log_index))).scalar()
    return 0 if last is None else last + 1


def root(conn: Connection, count: int) -> bytes:
    """Return the hash over the first `count` entries."""
    return _answer(conn, lambda node: merkle_nodes.root(count, node))


def head(conn: Connection, secret: bytes, *, now: int) -> Envelope:
    """Return the head of the log as it is now, signed by the hub.

    Args:
        conn: An open connection.
        secret: The registry's.
        now: Microseconds since 1970, UTC.

    Raises:
        MissingExtra: `cryptography` is not installed.
    """
    private, count = operator_key(secret), size(conn)
    made = Head(dsse.public_key(private), count, root(conn, count), iso(now))
    return log_head.seal(made, private)


def inclusion(conn: Connection, index: int, count: int) -> tuple[bytes, ...]:
    """Return what proves that the log of `count` entries has the one at a place.

    Raises:
        InvalidInput: It has not, or not yet so many.
    """
    _check_size(conn, count)
    return _answer(conn, lambda node: merkle_nodes.inclusion(count, index, node))


def consistency(conn: Connection, old: int, count: int) -> tuple[bytes, ...]:
    """Return what proves that the log of `old` entries is the beginning of that of `count`.

    Raises:
        InvalidInput: It never had so many.
    """
    _check_size(conn, count)
    return _answer(conn, lambda node: merkle_nodes.consistency(old, count, node))


def entries(conn: Connection, start: int, limit: int = MAX_PAGE) -> list[Entry]:
    """List entries from a place on, with the verdicts of public claims."""
    rows = conn.execute(
        select(log_entry, verdict.c.envelope, verifier_key.c.public_key, _IS_PUBLIC)
        .outerjoin(verdict, verdict.c.log_index == log_entry.c.log_index)
        .outerjoin(verifier_key, verifier_key.c.id == verdict.c.key_id)
        .outerjoin(claim, claim.c.id == verdict.c.claim_id)
        .outerjoin(repo_table, repo_table.c.id == claim.c.repo_id)
        .where(log_entry.c.log_index >= start)
        .order_by(log_entry.c.log_index)
        .limit(max(1, min(limit, MAX_PAGE)))
    )
    return [
        Entry(
            row.log_index, row.kind, row.leaf, row.body, row.at,
            row.envelope if row.is_public else None,
            sshsig.public_line(row.public_key) if row.envelope and row.is_public else None,
        )
        for row in rows
    ]  # fmt: skip


def as_json(entry: Entry) -> dict[str, Any]:
    """Return an entry as the API shows it."""
    found: dict[str, Any] = {
        "index": entry.index, "kind": entry.kind, "leaf": entry.leaf.hex(), "body": entry.body,
        "at": iso(entry.at),
    }  # fmt: skip
    if entry.envelope is not None:
        found |= {"envelope": json.loads(entry.envelope), "key": entry.key}
    return found


# Who may not see a claim learns of a verdict on it only that there is one.
_IS_PUBLIC = (
    (claim.c.repo_id.is_(None) & claim.c.hidden.is_(False))
    | (repo_table.c.private.is_(False) & repo_table.c.disabled.is_(False))
).label("is_public")


def _check_size(conn: Connection, count: int) -> None:
    if count > (there := size(conn)):
        raise InvalidInput(f"The log has {there} entries, not {count}.")


def _answer(conn: Connection, ask: Callable[[Node], T]) -> T:
    """Answer a question about the tree after reading all subtrees that it needs."""
    places = merkle_nodes.needed(ask)
    key = tuple_(log_node.c.level, log_node.c.position)
    known: dict[tuple[int, int], bytes] = {}
    for batch in batched(places, _BATCH):
        rows = conn.execute(select(log_node).where(key.in_(batch)))
        known |= {(row.level, row.position): row.hash for row in rows}
    return ask(lambda level, position: known[level, position])
