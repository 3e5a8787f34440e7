"""Register the files of a shard: believe nothing, rebuild every new file once.

Three steps, so that a face can report progress: `check` looks at everything that takes no file
bytes, `prove` rebuilds and hashes, `save` writes the rows in one transaction.
"""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, select

from reprise.base.errors import CorruptContent, InvalidInput, TooLarge
from reprise.formats.xet import shards
from reprise.formats.xet.chunks import Bytes
from reprise.formats.xet.hashes import Node, file_hash, range_hash, to_text
from reprise.formats.xet.shards import FileInfo, Term
from reprise.formats.xet.xorbs import ChunkTable
from reprise.registry import stored
from reprise.registry.db.database import lock_store
from reprise.registry.db.schema import xet_file, xet_file_xorb, xorb
from reprise.registry.db.upsert import insert
from reprise.registry.registry import Registry
from reprise.registry.stored import StoredFile
from reprise.registry.xet.reading import Run, decode_span, new_buffer, spans
from reprise.registry.xet.rows import batches, pack_terms, tables_of
from reprise.registry.xet.scope import Scope, hold, referable
from reprise.registry.xet.uploads import link, offer

# Decoding runs ahead of hashing by a few batches, on threads: both release the interpreter lock.
_THREADS = 2
_AHEAD = 4

Tables = dict[bytes, ChunkTable]


@dataclass(frozen=True)
class Checked:
    """Files whose terms, range hashes and file hashes are right.

    Attributes:
        files: The files as announced.
        tables: Layout of every xorb they use.
        digests: SHA-256 by file hash, as far as computed here, now or earlier.
    """

    files: tuple[FileInfo, ...]
    tables: Tables = field(repr=False)
    digests: dict[bytes, bytes]

    @property
    def unproven(self) -> list[FileInfo]:
        """Files that the hub has not rebuilt yet, each once."""
        missing = {file.hash: file for file in self.files if file.hash not in self.digests}
        return list(missing.values())


def register(registry: Registry, scope: Scope, data: bytes) -> None:
    """Register all files of an uploaded shard, or none.

    Raises:
        InvalidFormat, InvalidInput, TooLarge, CorruptContent: See `check` and `prove`.
    """
    checked = check(registry, scope, data)
    for _ in prove(registry, checked):
        pass
    save(registry, scope, checked)


def check(registry: Registry, scope: Scope, data: bytes) -> Checked:
    """Check a shard against the xorbs that this scope may refer to.

    Raises:
        InvalidFormat: Not a shard.
        InvalidInput: Unknown xorbs, chunks outside them, missing or wrong range hashes.
        TooLarge: A file over the hub's limit.
        CorruptContent: A file hash that its chunks do not have.
    """
    shard = shards.parse(data)
    used = {term.xorb: None for file in shard.files for term in file.terms}
    with registry.db.read() as conn:
        tables = _tables(conn, scope, [*used, *shard.xorbs])
        digests = _known(conn, [file.hash for file in shard.files])
    for file in shard.files:
        _check_file(file, tables, limit=registry.limits.large_file)
        if file.hash in digests:
            _check_sha256(file, digests[file.hash])
    checked = Checked(shard.files, tables, digests)
    _check_limit(sum(map(_size, checked.unproven)), registry.limits.large_file)
    return checked


def prove(registry: Registry, checked: Checked) -> Iterator[tuple[int, int]]:
    """Rebuild every new file and compute its SHA-256, yielding (bytes done, bytes in all).

    Raises:
        CorruptContent: The shard announced another SHA-256.
    """
    files = checked.unproven
    total = sum(_size(file) for file in files)
    done = 0
    for file in files:
        digest = hashlib.sha256()
        for chunks in _decoded(registry, file, checked.tables):
            for chunk in chunks:
                digest.update(chunk)
                done += len(chunk)
            yield done, total
        _check_sha256(file, digest.digest())
        checked.digests[file.hash] = digest.digest()


def save(registry: Registry, scope: Scope, checked: Checked) -> None:
    """Write the rows of proven files and let the scope's repo refer to them."""
    now = registry.clock()
    with registry.db.write() as conn:
        lock_store(conn)
        hold(conn, scope)
        _check_there(conn, scope, checked.tables)
        if checked.tables:
            link(conn, scope, list(checked.tables))
        for file in sorted(checked.files, key=lambda file: file.hash):
            sha256 = checked.digests[file.hash]
            stored.add(conn, StoredFile(sha256, _size(file), False, file.hash), now=now)
            stored.link(conn, scope.repo.id, sha256, now=now)
            _save_file(conn, replace(file, sha256=sha256), now=now)
        offer(conn, [_first_chunk(file, checked.tables) for file in checked.files if file.terms])


def _save_file(conn: Connection, file: FileInfo, *, now: int) -> None:
    values = {
        "hash": file.hash,
        "sha256": file.sha256,
        "size": _size(file),
        "terms": pack_terms(file.terms),
        "created_at": now,
    }
    # The terms of whoever came first stay. The xorbs are noted all the same: they answer
    # deduplication queries of those who may not read the first ones.
    conn.execute(insert(conn, xet_file).values(values).on_conflict_do_nothing())
    used = sorted({term.xorb for term in file.terms})
    rows = [{"file_hash": file.hash, "xorb_hash": xorb} for xorb in used]
    if rows:
        conn.execute(insert(conn, xet_file_xorb).on_conflict_do_nothing(), rows)


def _tables(conn: Connection, scope: Scope, hashes: list[bytes]) -> Tables:
    known = referable(conn, scope, hashes)
    missing = [hash_ for hash_ in hashes if hash_ not in known]
    if missing:
        raise _unknown(scope, missing[0])
    return tables_of(conn, hashes)


def _check_there(conn: Connection, scope: Scope, hashes: Iterable[bytes]) -> None:
    """Make sure that no xorb was deleted since `check`, as unused ones are after a month."""
    for some in batches(hashes):
        there = set(conn.execute(select(xorb.c.hash).where(xorb.c.hash.in_(some))).scalars())
        if len(there) < len(some):
            raise _unknown(scope, next(hash_ for hash_ in some if hash_ not in there))


def _unknown(scope: Scope, xorb_hash: bytes) -> InvalidInput:
    return InvalidInput(
        f"The shard refers to xorb {to_text(xorb_hash)}, which was not uploaded to "
        f"{scope.repo.repo_id}. Upload its xorbs first; if the client thinks it did, clear "
        "its xet cache (the folder `xet` in the Hugging Face cache)."
    )


def _known(conn: Connection, hashes: list[bytes]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for some in batches(hashes):
        query = select(xet_file.c.hash, xet_file.c.sha256).where(xet_file.c.hash.in_(some))
        found |= {row.hash: row.sha256 for row in conn.execute(query)}
    return found


def _check_file(file: FileInfo, tables: Tables, *, limit: int) -> None:
    _check_limit(_size(file), limit)
    if len(file.range_hashes) != len(file.terms):
        raise InvalidInput(f"File {to_text(file.hash)} comes without verification hashes.")
    for term, announced in zip(file.terms, file.range_hashes, strict=True):
        _check_term(term, tables[term.xorb], announced)
    actual = file_hash(_nodes(file, tables))
    if actual != file.hash:
        raise CorruptContent(
            f"The shard calls a file {to_text(file.hash)} but its chunks hash to {to_text(actual)}."
        )


def _check_limit(size: int, limit: int) -> None:
    if size > limit:
        raise TooLarge(f"{size} bytes of files are over this hub's limit of {limit}.")


def _check_term(term: Term, table: ChunkTable, announced: bytes) -> None:
    if not term.start < term.end <= table.count:
        raise InvalidInput(
            f"A term asks for chunks {term.start} to {term.end} of xorb {to_text(term.xorb)}, "
            f"which has {table.count}."
        )
    length = table.plain_length(term.start, term.end)
    if term.length != length:
        raise InvalidInput(f"A term announces {term.length} bytes; its chunks hold {length}.")
    if announced != range_hash(table.slice_hashes(term.start, term.end)):
        raise InvalidInput(
            f"The verification hash of chunks {term.start} to {term.end} of xorb "
            f"{to_text(term.xorb)} is wrong."
        )


def _check_sha256(file: FileInfo, actual: bytes) -> None:
    if file.sha256 not in (None, actual):
        raise CorruptContent(
            f"File {to_text(file.hash)} was announced with SHA-256 {(file.sha256 or b'').hex()} "
            f"but has {actual.hex()}."
        )


def _nodes(file: FileInfo, tables: Tables) -> Iterator[Node]:
    for term in file.terms:
        yield from tables[term.xorb].nodes(term.start, term.end)


def _first_chunk(file: FileInfo, tables: Tables) -> tuple[bytes, bytes]:
    first = file.terms[0]
    return tables[first.xorb].hash(first.start), first.xorb


def _size(file: FileInfo) -> int:
    return sum(term.length for term in file.terms)


def _decoded(registry: Registry, file: FileInfo, tables: Tables) -> Iterator[list[Bytes]]:
    """Decode a file's chunks in order, a few batches ahead."""
    jobs = (
        (term.xorb, span)
        for term in file.terms
        for span in spans(Run(term.xorb, term.start, term.end), tables[term.xorb])
    )
    waiting: deque[tuple[Future[list[Bytes]], memoryview]] = deque()
    free: list[memoryview] = []
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="xet") as pool:
        for xorb, span in jobs:
            buffer = free.pop() if free else new_buffer()
            found = pool.submit(decode_span, registry.store, xorb, span, buffer)
            waiting.append((found, buffer))
            if len(waiting) > _AHEAD:
                found, buffer = waiting.popleft()
                yield found.result()
                free.append(buffer)
        while waiting:
            yield waiting.popleft()[0].result()
