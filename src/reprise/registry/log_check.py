"""Is the log of verdicts whole, with every hash, verdict and evidence? What `fsck` asks."""

from collections.abc import Iterator

from sqlalchemy import Connection, select

from reprise.base.digests import sha256_hex
from reprise.formats import merkle
from reprise.registry import verdict_log
from reprise.registry.db.claim_tables import log_entry, run, verdict
from reprise.registry.registry import Registry
from reprise.registry.storage.store import evidence_key


def problems(registry: Registry) -> Iterator[str]:
    """Yield what is wrong with the log, its verdicts and their evidence, in sentences."""
    with registry.db.read() as conn:
        leaves: list[bytes] = []
        yield from _entries(conn, leaves)
        if verdict_log.size(conn) == len(leaves) and not _is_head(conn, leaves):
            yield "the hashes kept of the log of verdicts are not those of its entries"
        yield from _verdicts(conn)
        digests = set(conn.execute(select(run.c.log_digest)).scalars())
        digests |= set(conn.execute(select(run.c.evidence_digest)).scalars())
    for digest in sorted(it for it in digests if it is not None):
        if registry.store.size(evidence_key(digest)) is None:
            yield f"{evidence_key(digest)} is missing from the store"


def _entries(conn: Connection, leaves: list[bytes]) -> Iterator[str]:
    """Look at every entry, and collect the hashes of what they say."""
    while page := verdict_log.entries(conn, len(leaves)):
        for entry in page:
            if entry.index != len(leaves):
                yield f"entry {len(leaves)} of the log of verdicts is missing"
                return
            leaves.append(merkle.leaf_hash(entry.body.encode()))
            if leaves[-1] != entry.leaf:
                yield f"entry {entry.index} of the log of verdicts was changed"


def _is_head(conn: Connection, leaves: list[bytes]) -> bool:
    try:
        return verdict_log.root(conn, len(leaves)) == merkle.head(leaves)
    except KeyError:  # a hash is missing
        return False


def _verdicts(conn: Connection) -> Iterator[str]:
    rows = conn.execute(
        select(verdict.c.id, verdict.c.envelope, verdict.c.envelope_digest, log_entry.c.body)
        .outerjoin(log_entry, log_entry.c.log_index == verdict.c.log_index)
        .order_by(verdict.c.id)
    )
    for row in rows:
        if sha256_hex(row.envelope.encode()) != row.envelope_digest:
            yield f"verdict {row.id} was changed"
        if row.body is None or row.envelope_digest not in row.body:
            yield f"verdict {row.id} is not in the log"
