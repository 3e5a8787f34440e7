"""Take in xorbs: every chunk decoded and hashed before anything is kept."""

from sqlalchemy import Connection, select

from reprise.formats.xet.hashes import eligible, to_text
from reprise.formats.xet.xorbs import ChunkTable, relocate, verify
from reprise.registry.db.schema import account_xorb, repo_xorb, xet_chunk, xorb
from reprise.registry.db.upsert import insert
from reprise.registry.registry import Registry
from reprise.registry.storage.store import Store, xorb_key
from reprise.registry.xet.scope import Scope, hold


def upload(registry: Registry, scope: Scope, xorb_hash: bytes, data: bytes) -> bool:
    """Verify and keep a xorb.

    What other repos hold makes no visible difference: the bytes must be sent and are checked even
    when the hub knows them, and the answer only tells about the scope's own repo.

    Returns:
        False when the repo had the xorb already.

    Raises:
        InvalidFormat, TooLarge, CorruptContent: See `formats.xet.xorbs.verify`.
    """
    with registry.db.read() as conn:
        if _linked(conn, scope.repo.id, xorb_hash):
            return False
    table = _keep(registry.store, xorb_hash, data, verify(data, xorb_hash))
    with registry.db.write() as conn:
        hold(conn, scope)
        _record(conn, xorb_hash, table, now=registry.clock())
        link(conn, scope, [xorb_hash])
    return True


def link(conn: Connection, scope: Scope, hashes: list[bytes]) -> None:
    """Note that a repo's writer holds all bytes of these xorbs, or could read them."""
    hashes = sorted(hashes)  # everybody locks rows in one order, so nobody waits in a circle
    of_repo = [{"repo_id": scope.repo.id, "hash": value} for value in hashes]
    conn.execute(insert(conn, repo_xorb).on_conflict_do_nothing(), of_repo)
    if scope.caller.account is not None:
        account_id = scope.caller.account.id
        of_account = [{"account_id": account_id, "hash": value} for value in hashes]
        conn.execute(insert(conn, account_xorb).on_conflict_do_nothing(), of_account)


def offer(conn: Connection, chunks: list[tuple[bytes, bytes]]) -> None:
    """Let chunks answer deduplication queries. Each comes with the xorb that holds it."""
    rows = [{"hash": chunk, "xorb_hash": xorb_hash} for chunk, xorb_hash in sorted(chunks)]
    if rows:
        conn.execute(insert(conn, xet_chunk).on_conflict_do_nothing(), rows)


def _linked(conn: Connection, repo_id: int, xorb_hash: bytes) -> bool:
    query = select(repo_xorb.c.hash).where(
        repo_xorb.c.repo_id == repo_id, repo_xorb.c.hash == xorb_hash
    )
    return conn.execute(query).first() is not None


def _keep(store: Store, xorb_hash: bytes, data: bytes, table: ChunkTable) -> ChunkTable:
    """Store a verified xorb without its footer; return the layout of what the store holds now.

    The same chunks may be compressed in many ways under one hash. Whoever comes first stays, so
    the layout is taken from the stored bytes where they are not ours.
    """
    key = xorb_key(to_text(xorb_hash))
    body = data if len(data) == table.size else data[: table.size]
    if store.size(key) is None and store.put(key, body):
        return table
    return relocate(table, store.read(key))


def _record(conn: Connection, xorb_hash: bytes, table: ChunkTable, *, now: int) -> None:
    values = {"hash": xorb_hash, "size": table.size, "chunks": table.packed, "created_at": now}
    conn.execute(insert(conn, xorb).values(values).on_conflict_do_nothing())
    hashes = (table.hash(index) for index in range(table.count))
    offer(conn, [(value, xorb_hash) for value in hashes if eligible(value)])
