"""Answer deduplication queries: which known xorbs hold a chunk and what comes with it."""

import hmac

from sqlalchemy import Connection, select

from reprise.formats.xet import shards
from reprise.formats.xet.hashes import keyed
from reprise.formats.xet.shards import Expiry
from reprise.registry.db.schema import repo_file, repo_xorb, xet_chunk, xet_file, xet_file_xorb
from reprise.registry.registry import Registry
from reprise.registry.xet.rows import tables_of, terms_of
from reprise.registry.xet.scope import Scope, readable

# A popular chunk (zeros, say) is in many xorbs; looking at some of them is enough.
_CANDIDATES = 200
# Xorbs in one answer: 16 GiB of file, about 12 MiB of answer.
_MAX_XORBS = 256
# The same for a guess, which may be of no use: 4 GiB of files, about 3 MiB of answer.
_MAX_GUESSED = 64
_DAY = 24 * 3600


def query(conn: Connection, registry: Registry, scope: Scope, chunk: bytes) -> bytes | None:
    """Return a shard with the xorb that holds a chunk and all others of the same file.

    Clients ask for the first chunk of a file and for one chunk in 1024, then look for everything
    else in what they got. Only xorbs that the scope's caller may read are mentioned, and chunk
    hashes are hidden behind a key that changes daily.

    Returns:
        None when no such xorb holds the chunk.
    """
    hit = _hit(conn, scope, chunk)
    return _answer(conn, registry, _neighbours(conn, scope, hit)) if hit is not None else None


def guess(conn: Connection, registry: Registry, scope: Scope) -> bytes | None:
    """Return a shard with what the scope's repo got last, for a query without an answer.

    A new version of a file often differs in its first chunk, where weights have their header, and
    is the same from there on.

    Returns:
        None when the repo has no files yet.
    """
    hashes = _newest(conn, scope)
    return _answer(conn, registry, hashes) if hashes else None


def _answer(conn: Connection, registry: Registry, hashes: list[bytes]) -> bytes:
    tables = tables_of(conn, hashes)
    now = registry.clock() // 1_000_000
    key = keyed(hmac.digest(registry.secret, b"xet chunks %d" % (now // _DAY), "sha256"), bytes(32))
    found = [(hash_, tables[hash_]) for hash_ in hashes if hash_ in tables]
    return shards.answer(found, key=key, expiry=Expiry(now, now + _DAY))


def _hit(conn: Connection, scope: Scope, chunk: bytes) -> bytes | None:
    """Find a readable xorb with the chunk, of the scope's own repo if possible, the newest."""
    own = (repo_xorb.c.hash == xet_chunk.c.xorb_hash) & (repo_xorb.c.repo_id == scope.repo.id)
    candidates = list(
        conn.execute(
            select(xet_chunk.c.xorb_hash)
            .outerjoin(repo_xorb, own)
            .where(xet_chunk.c.hash == chunk)
            .order_by(repo_xorb.c.repo_id.is_(None))
            .limit(_CANDIDATES)
        ).scalars()
    )
    allowed = readable(conn, scope, candidates)
    return next((hash_ for hash_ in candidates if hash_ in allowed), None)


def _neighbours(conn: Connection, scope: Scope, hit: bytes) -> list[bytes]:
    """List the xorbs of the newest file that uses a xorb, from that xorb on, then those before."""
    own = (repo_file.c.sha256 == xet_file.c.sha256) & (repo_file.c.repo_id == scope.repo.id)
    file = conn.execute(
        select(xet_file.c.hash)
        .join(xet_file_xorb, xet_file_xorb.c.file_hash == xet_file.c.hash)
        .outerjoin(repo_file, own)
        .where(xet_file_xorb.c.xorb_hash == hit)
        .order_by(repo_file.c.repo_id.is_(None), xet_file.c.created_at.desc())
        .limit(1)
    ).scalar_one_or_none()
    if file is None:
        return [hit]
    noted = select(xet_file_xorb.c.xorb_hash).where(xet_file_xorb.c.file_hash == file)
    every = [term.xorb for term in terms_of(conn, file) or ()]
    every = list(dict.fromkeys([*every, *conn.execute(noted).scalars()]))
    at = every.index(hit)
    ordered = list(dict.fromkeys([hit, *every[at:], *reversed(every[:at])]))[:_MAX_XORBS]
    allowed = readable(conn, scope, ordered)
    return [hash_ for hash_ in ordered if hash_ in allowed]


def _newest(conn: Connection, scope: Scope) -> list[bytes]:
    """List the xorbs of the files that the scope's repo got last."""
    files = conn.execute(
        select(xet_file.c.hash)
        .join(repo_file, repo_file.c.sha256 == xet_file.c.sha256)
        .where(repo_file.c.repo_id == scope.repo.id)
        .order_by(repo_file.c.created_at.desc())
        .limit(_MAX_GUESSED)
    ).scalars()
    found: dict[bytes, None] = {}
    for file in files:
        found.update(dict.fromkeys(term.xorb for term in terms_of(conn, file) or ()))
        if len(found) >= _MAX_GUESSED:
            break
    some = list(found)[:_MAX_GUESSED]
    allowed = readable(conn, scope, some)
    return [hash_ for hash_ in some if hash_ in allowed]
