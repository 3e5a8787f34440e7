"""Take in xorbs: every chunk decoded and hashed before anything is kept."""

from sqlalchemy import Connection, select

from reprise.base.errors import TooLarge, TooManyRequests
from reprise.formats.xet.hashes import eligible, to_text
from reprise.formats.xet.xorbs import MAX_XORB, ChunkTable, Verifier, relocate
from reprise.registry.db.database import lock_store
from reprise.registry.db.schema import account_xorb, repo_xorb, xet_chunk, xorb
from reprise.registry.db.upsert import insert
from reprise.registry.registry import Registry
from reprise.registry.storage.store import xorb_key
from reprise.registry.xet.scope import Scope, hold

# Chunk headers and a footer come on top of what a xorb may hold.
MAX_BODY = MAX_XORB + (1 << 20)


def check_size(size: int) -> None:
    """Refuse bodies that no xorb fills.

    Raises:
        TooLarge: It is one.
    """
    if size > MAX_BODY:
        raise TooLarge(f"The request body is over the limit of {MAX_BODY} bytes.")


class IncomingXorb:
    """A xorb on its way in: verified and staged piece by piece."""

    def __init__(self, registry: Registry, xorb_hash: bytes) -> None:
        self._store = registry.store
        self._hash = xorb_hash
        self._key = xorb_key(to_text(xorb_hash))
        self._verifier = Verifier()
        # Whoever comes first stays, see `keep`.
        known = self._store.size(self._key) is not None
        self._staged = None if known else self._store.stage(self._verifier)
        self._size = 0

    def __enter__(self) -> "IncomingXorb":
        return self

    def __exit__(self, *exc: object) -> None:
        if self._staged is not None:
            self._staged.__exit__(*exc)

    def write(self, data: memoryview) -> None:
        """Take the next bytes.

        Raises:
            InvalidFormat, TooLarge: See `formats.xet.xorbs.Verifier`.
        """
        self._size += len(data)
        check_size(self._size)
        if self._staged is None:
            self._verifier.update(data)
        else:
            self._staged.write(data)

    def keep(self) -> ChunkTable:
        """Publish the xorb without its footer; return the layout of what the store holds now.

        The same chunks may be compressed in many ways under one hash. Whoever comes first stays,
        so the layout is taken from the stored bytes where they are not ours.

        Raises:
            InvalidFormat, CorruptContent: It is not whole, or has another hash.
        """
        table = self._verifier.finish(self._hash)
        if self._staged is not None:
            self._staged.truncate(table.size)
            if self._staged.publish(self._key):
                return table
        return relocate(table, self._store.read(self._key))

    def check_there(self) -> None:
        """Make sure that nobody deletes the stored bytes any more.

        Raises:
            TooManyRequests: Older bytes stood there, unused, and were deleted meanwhile.
        """
        if self._store.size(self._key) is None:
            raise TooManyRequests(
                "The xorb was deleted while it was on its way; send it again.", retry_after=1
            )


def is_known(conn: Connection, scope: Scope, xorb_hash: bytes) -> bool:
    """Tell whether a scope's own repo has a xorb already."""
    query = select(repo_xorb.c.hash).where(
        repo_xorb.c.repo_id == scope.repo.id, repo_xorb.c.hash == xorb_hash
    )
    return conn.execute(query).first() is not None


def receive(registry: Registry, xorb_hash: bytes) -> IncomingXorb:
    """Start to take in a xorb; leaving the block without keeping it discards it.

    What other repos hold makes no visible difference: the bytes must be sent and are checked even
    when the hub knows them.
    """
    return IncomingXorb(registry, xorb_hash)


def keep(registry: Registry, scope: Scope, xorb_hash: bytes, incoming: IncomingXorb) -> None:
    """Keep a xorb that came in for a scope's repo.

    Raises:
        InvalidFormat, CorruptContent: It is not whole, or has another hash; nothing is kept.
        RepoNotFound: The repo was deleted meanwhile.
        TooManyRequests: Send it again.
    """
    table = incoming.keep()
    with registry.db.write() as conn:
        lock_store(conn)
        hold(conn, scope)
        incoming.check_there()
        _record(conn, xorb_hash, table, now=registry.clock())
        link(conn, scope, [xorb_hash])


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


def _record(conn: Connection, xorb_hash: bytes, table: ChunkTable, *, now: int) -> None:
    values = {"hash": xorb_hash, "size": table.size, "chunks": table.packed, "created_at": now}
    conn.execute(insert(conn, xorb).values(values).on_conflict_do_nothing())
    hashes = (table.hash(index) for index in range(table.count))
    offer(conn, [(value, xorb_hash) for value in hashes if eligible(value)])
