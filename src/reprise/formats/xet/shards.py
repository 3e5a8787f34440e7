"""Shards: which chunks of which xorbs make up a file (hub docs `xet/shard`).

Uploads carry files and no footer; answers to deduplication queries carry xorbs and a footer.
Every record is 48 bytes: a hash and 16 bytes of numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct

from reprise.base.errors import InvalidFormat, TooLarge
from reprise.formats.xet.hashes import HASH_SIZE, eligible, from_text, keyed, to_text
from reprise.formats.xet.xorbs import ChunkTable

MAX_SHARD = 64 << 20  # bytes
_TAG = b"HFRepoMetaData\0UigEj{\x81W\x83\xa5\xbd\xd9\x5c\xcd\xd1\x4a\xa9"
_VERSION = 2
_FOOTER_VERSION = 1
_HEADER = Struct("<32sQQ")  # tag, version, footer size
_RECORD = Struct("<32sIIII")
# Version, both sections, three lookup tables (offset, count), key, made, until, own offset.
_FOOTER = Struct("<QQQ QQQQQQ 32sQQ 72x Q")
_BOOKEND = b"\xff" * HASH_SIZE
_END = _BOOKEND + bytes(16)
_WITH_RANGE_HASHES = 1 << 31
_WITH_SHA256 = 1 << 30
_ASK_FOR = 1 << 31  # flag of chunks that clients may ask for in a deduplication query


@dataclass(frozen=True, slots=True)
class Term:
    """A run of chunks [start, end) of one xorb. `length` is uncompressed bytes."""

    xorb: bytes
    start: int
    end: int
    length: int


@dataclass(frozen=True)
class FileInfo:
    """A file as a client announces it; nothing of it is verified yet.

    `range_hashes` has one hash per term, or none; `sha256` are plain digest bytes.
    """

    hash: bytes
    terms: tuple[Term, ...]
    range_hashes: tuple[bytes, ...] = ()
    sha256: bytes | None = None


@dataclass(frozen=True)
class Shard:
    """Files and the hashes of the xorbs that a shard describes."""

    files: tuple[FileInfo, ...]
    xorbs: tuple[bytes, ...]


@dataclass(frozen=True)
class Expiry:
    """When an answer was made and until when clients may use it, seconds since 1970."""

    made: int
    until: int


def parse(data: bytes) -> Shard:
    """Parse an uploaded shard, with or without footer.

    Raises:
        InvalidFormat: Another format or version, cut off, or sections without their end mark.
        TooLarge: Over `MAX_SHARD` bytes.
    """
    if len(data) > MAX_SHARD:
        raise TooLarge(f"A shard has at most {MAX_SHARD} bytes; split it.")
    if len(data) < _HEADER.size:
        raise InvalidFormat("The shard is shorter than its header.")
    tag, version, _ = _HEADER.unpack_from(data)
    if tag != _TAG or version != _VERSION:
        raise InvalidFormat("Not a shard of version 2.")
    records = _Records(data, _HEADER.size)
    files = []
    while (head := records.next())[0] != _BOOKEND:
        files.append(_parse_file(records, *head[:3]))
    xorbs = []
    while (head := records.next())[0] != _BOOKEND:
        xorbs.append(head[0])
        records.skip(head[2])
    return Shard(tuple(files), tuple(xorbs))


class _Records:
    """The 48-byte records of a shard, one after the other."""

    def __init__(self, data: bytes, offset: int) -> None:
        self._data = data
        self._offset = offset

    def next(self) -> tuple[bytes, int, int, int, int]:
        """Read one record."""
        offset = self._offset
        self.skip(1)
        hash_, a, b, c, d = _RECORD.unpack_from(self._data, offset)
        return hash_, a, b, c, d

    def take(self, count: int) -> list[tuple[bytes, int, int, int, int]]:
        """Read several records."""
        offset = self._offset
        self.skip(count)
        return list(_RECORD.iter_unpack(self._data[offset : self._offset]))

    def skip(self, count: int) -> None:
        """Pass over records, making sure that they are there."""
        self._offset += count * _RECORD.size
        if self._offset > len(self._data):
            raise InvalidFormat("The shard is cut off inside a section.")


def _parse_file(records: _Records, file: bytes, flags: int, count: int) -> FileInfo:
    terms = tuple(
        Term(xorb, start, end, length) for xorb, _, length, start, end in records.take(count)
    )
    hashes: tuple[bytes, ...] = ()
    if flags & _WITH_RANGE_HASHES:
        hashes = tuple(record[0] for record in records.take(count))
    # Clients read the digest's hex as if it were a xet hash, which reverses each 8-byte word.
    sha256 = bytes.fromhex(to_text(records.next()[0])) if flags & _WITH_SHA256 else None
    return FileInfo(file, terms, hashes, sha256)


def build(files: Sequence[FileInfo], xorbs: Sequence[tuple[bytes, ChunkTable]]) -> bytes:
    """Write a shard as clients upload it, without footer."""
    parts = [_HEADER.pack(_TAG, _VERSION, 0)]
    parts += map(_file_records, files)
    parts.append(_END)
    parts += [_xorb_records(hash_, table, None) for hash_, table in xorbs]
    parts.append(_END)
    return b"".join(parts)


def answer(xorbs: Sequence[tuple[bytes, ChunkTable]], *, key: bytes, expiry: Expiry) -> bytes:
    """Write the answer to a deduplication query.

    Chunk hashes are hidden behind `key`, so that a client only finds chunks it holds itself.
    """
    parts = [_HEADER.pack(_TAG, _VERSION, _FOOTER.size), _END]
    parts += [_xorb_records(hash_, table, key) for hash_, table in xorbs]
    parts.append(_END)
    body = b"".join(parts)
    files_at, xorbs_at, end = _HEADER.size, _HEADER.size + len(_END), len(body)
    # The specification calls the lookup tables reserved, but clients take the offset of the first
    # as the end of the xorb section, even though it is empty.
    lookups = (end, 0) * 3
    footer = (_FOOTER_VERSION, files_at, xorbs_at, *lookups, key, expiry.made, expiry.until, end)
    return body + _FOOTER.pack(*footer)


def _file_records(file: FileInfo) -> bytes:
    flags = (_WITH_RANGE_HASHES if file.range_hashes else 0) | (_WITH_SHA256 if file.sha256 else 0)
    records = [_RECORD.pack(file.hash, flags, len(file.terms), 0, 0)]
    records += [_RECORD.pack(t.xorb, 0, t.length, t.start, t.end) for t in file.terms]
    records += [_RECORD.pack(value, 0, 0, 0, 0) for value in file.range_hashes]
    if file.sha256:
        records.append(_RECORD.pack(from_text(file.sha256.hex()), 0, 0, 0, 0))
    return b"".join(records)


def _xorb_records(xorb: bytes, table: ChunkTable, key: bytes | None) -> bytes:
    records = [_RECORD.pack(xorb, 0, table.count, table.length, table.size)]
    start = 0
    for hash_, length in table.nodes(0, table.count):
        shown = keyed(hash_, key) if key else hash_
        flags = _ASK_FOR if eligible(hash_) else 0
        records.append(_RECORD.pack(shown, start, length, flags, 0))
        start += length
    return b"".join(records)
