"""Xorbs: chunks one after the other, perhaps with a footer that repeats what they say.

The hub keeps a xorb without its footer and remembers its layout as a `ChunkTable`.
"""

import sys
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from reprise.base.errors import CorruptContent, InvalidFormat, TooLarge
from reprise.formats.xet.chunks import (
    HEADER_SIZE,
    Bytes,
    ChunkHeader,
    Scheme,
    decode,
    encode,
    read_header,
)
from reprise.formats.xet.hashes import HASH_SIZE, Node, chunk_hash, to_text, tree_hash

MAX_XORB = 64 << 20  # bytes of chunks with their headers
MAX_CHUNKS = 8192  # what the reference client packs at most
_FOOTER = b"XETBLOB"
_U32 = "I"
_ROW = HASH_SIZE + 8  # bytes of a chunk in a packed table


@dataclass(frozen=True)
class ChunkTable:
    """Where each chunk of a xorb lies.

    Attributes:
        hashes: Chunk hashes, concatenated.
        ends: End of each chunk in the serialised xorb, bytes from its start.
        plain_ends: The same with chunks uncompressed and without headers.
    """

    hashes: bytes
    ends: "array[int]"
    plain_ends: "array[int]"

    @property
    def count(self) -> int:
        """Number of chunks."""
        return len(self.ends)

    @property
    def size(self) -> int:
        """Bytes of the serialised xorb without footer."""
        return self.ends[-1]

    @property
    def length(self) -> int:
        """Bytes of all chunks, uncompressed."""
        return self.plain_ends[-1]

    def hash(self, index: int) -> bytes:
        """Hash of one chunk."""
        return self.hashes[index * HASH_SIZE : (index + 1) * HASH_SIZE]

    def slice_hashes(self, start: int, end: int) -> bytes:
        """Hashes of the chunks [start, end), concatenated."""
        return self.hashes[start * HASH_SIZE : end * HASH_SIZE]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Byte range [from, to) of the chunks [start, end) in the serialised xorb."""
        return (self.ends[start - 1] if start else 0), self.ends[end - 1]

    def plain_start(self, index: int) -> int:
        """Uncompressed bytes before a chunk."""
        return self.plain_ends[index - 1] if index else 0

    def plain_length(self, start: int, end: int) -> int:
        """Uncompressed bytes of the chunks [start, end)."""
        return self.plain_start(end) - self.plain_start(start)

    def nodes(self, start: int, end: int) -> Iterator[Node]:
        """Hash and length of each of the chunks [start, end)."""
        before = self.plain_start(start)
        for index in range(start, end):
            after = self.plain_ends[index]
            yield self.hash(index), after - before
            before = after

    @cached_property
    def packed(self) -> bytes:
        """The table as bytes, for `ChunkTable.unpack`."""
        return self.hashes + _little_endian(self.ends + self.plain_ends).tobytes()

    @classmethod
    def unpack(cls, packed: bytes) -> "ChunkTable":
        """Read a table that `packed` wrote."""
        count = len(packed) // _ROW
        numbers = _little_endian(array(_U32, packed[count * HASH_SIZE :]))
        return cls(packed[: count * HASH_SIZE], numbers[:count], numbers[count:])


def verify(data: Bytes, expected: bytes) -> ChunkTable:
    """Decode every chunk of an uploaded xorb and check that its hash is the announced one.

    Raises:
        InvalidFormat: Cut off, empty, trailing bytes, or a chunk that does not decode.
        TooLarge: Over `MAX_XORB` bytes or `MAX_CHUNKS` chunks.
        CorruptContent: The chunks have another hash.
    """
    hashes = []
    view = memoryview(data)
    for header, start in scan(data):
        plain = decode(header, view[start : start + header.packed])
        hashes.append(chunk_hash(plain))
    table = _table(b"".join(hashes), data)
    actual = tree_hash(table.nodes(0, table.count))
    if actual != expected:
        raise CorruptContent(
            f"The xorb was announced as {to_text(expected)} but its chunks hash to "
            f"{to_text(actual)}. Upload it again."
        )
    return table


def relocate(table: ChunkTable, data: Bytes) -> ChunkTable:
    """Describe another serialisation of the same chunks, compressed differently."""
    return _table(table.hashes, data)


def scan(data: Bytes) -> Iterator[tuple[ChunkHeader, int]]:
    """Walk over a whole xorb: each chunk's header and where its bytes start.

    Raises:
        InvalidFormat: Cut off, empty, or something else than a footer follows the chunks.
        TooLarge: Over `MAX_XORB` bytes or `MAX_CHUNKS` chunks.
    """
    offset = count = 0
    while offset < len(data) and not _is_footer(data, offset):
        header = read_header(data, offset)
        start = offset + HEADER_SIZE
        offset = start + header.packed
        count += 1
        _check_limits(offset, count, len(data))
        yield header, start
    if not count:
        raise InvalidFormat("The xorb holds no chunks.")


def chunks(data: Bytes) -> Iterator[Bytes]:
    """Decode part of a xorb that starts and ends at chunk boundaries."""
    view, offset = memoryview(data), 0
    while offset < len(data):
        header = read_header(data, offset)
        start = offset + HEADER_SIZE
        offset = start + header.packed
        if offset > len(data):
            raise InvalidFormat("A chunk is cut off.")
        yield decode(header, view[start:offset])


def build(plain: Iterable[bytes], scheme: Scheme = Scheme.LZ4) -> tuple[bytes, ChunkTable]:
    """Serialise chunks into a xorb without footer; its hash is `tree_hash(table.nodes(…))`."""
    parts = list(plain)
    data = b"".join(encode(part, scheme) for part in parts)
    return data, _table(b"".join(map(chunk_hash, parts)), data)


def _table(hashes: bytes, data: Bytes) -> ChunkTable:
    ends, plain_ends, plain = array(_U32), array(_U32), 0
    for header, start in scan(data):
        plain += header.length
        ends.append(start + header.packed)
        plain_ends.append(plain)
    return ChunkTable(hashes, ends, plain_ends)


def _little_endian(numbers: "array[int]") -> "array[int]":
    """Return numbers in the byte order of the format, or back from it."""
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers


def _is_footer(data: Bytes, offset: int) -> bool:
    if data[offset] != _FOOTER[0]:
        return False
    size = len(data) - offset - 4  # the last four bytes hold the footer's length
    if bytes(data[offset : offset + len(_FOOTER)]) != _FOOTER or size < 0:
        raise InvalidFormat(f"Neither a chunk nor a footer starts at byte {offset} of the xorb.")
    if int.from_bytes(data[-4:], "little") != size:
        raise InvalidFormat(f"The footer at byte {offset} of the xorb is damaged.")
    return True


def _check_limits(offset: int, count: int, size: int) -> None:
    if offset > size:
        raise InvalidFormat(f"The xorb ends inside chunk {count - 1}: {size} bytes are too few.")
    if offset > MAX_XORB + count * HEADER_SIZE or count > MAX_CHUNKS:
        raise TooLarge(f"A xorb has at most {MAX_XORB} bytes and {MAX_CHUNKS} chunks.")
