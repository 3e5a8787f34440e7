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
_MAX_FOOTER = 1 << 20  # bytes: more than `MAX_CHUNKS` chunks fill
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

    def size_of(self, start: int, end: int) -> int:
        """Bytes of the chunks [start, end) in the serialised xorb, headers included."""
        first, last = self.span(start, end)
        return last - first

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


class Verifier:
    """Checks a xorb while it arrives: every chunk is decoded and hashed at once."""

    def __init__(self) -> None:
        self._walk = _Walk()
        self._hashes: list[bytes] = []

    def update(self, data: Bytes) -> None:
        """Take the next bytes.

        Raises:
            InvalidFormat: A chunk that does not decode.
            TooLarge: Over `MAX_XORB` bytes or `MAX_CHUNKS` chunks.
        """
        for header, packed in self._walk.feed(data):
            self._hashes.append(chunk_hash(decode(header, packed)))

    def finish(self, expected: bytes) -> ChunkTable:
        """Describe the whole xorb if its hash is the announced one.

        Raises:
            InvalidFormat: Cut off, empty, or something else than a footer follows the chunks.
            CorruptContent: The chunks have another hash.
        """
        table = self._walk.table(b"".join(self._hashes))
        actual = tree_hash(table.nodes(0, table.count))
        if actual != expected:
            raise CorruptContent(
                f"The xorb was announced as {to_text(expected)} but its chunks hash to "
                f"{to_text(actual)}. Upload it again."
            )
        return table


def verify(data: Bytes, expected: bytes) -> ChunkTable:
    """Check a xorb that is there whole.

    Raises:
        InvalidFormat, TooLarge, CorruptContent: See `Verifier`.
    """
    verifier = Verifier()
    verifier.update(data)
    return verifier.finish(expected)


def relocate(table: ChunkTable, data: Bytes) -> ChunkTable:
    """Describe another serialisation of the same chunks, compressed differently."""
    return _table(table.hashes, data)


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
    walk = _Walk()
    for _ in walk.feed(data):
        pass
    return walk.table(hashes)


class _Walk:
    """Goes over a xorb that may come in pieces, and notes where its chunks end."""

    def __init__(self) -> None:
        self._ends, self._plain_ends = array(_U32), array(_U32)
        self._end = self._plain = 0
        self._rest = bytearray()  # the beginning of a chunk, or of the footer
        self._in_footer = False

    def feed(self, data: Bytes) -> Iterator[tuple[ChunkHeader, memoryview]]:
        """Yield each chunk that is complete now, still packed."""
        view = memoryview(data)
        while view and not self._in_footer:
            if self._rest:
                missing = self._missing()
                self._rest += view[:missing]
                view = view[missing:]
                if not self._missing():
                    whole, self._rest = memoryview(self._rest), bytearray()
                    yield self._chunk(read_header(whole, 0), whole)
            elif view[0] == _FOOTER[0]:
                self._in_footer = True
            else:
                header = self._header(view)
                if header is None or len(view) < HEADER_SIZE + header.packed:
                    self._rest = bytearray(view)
                    return
                yield self._chunk(header, view)
                view = view[HEADER_SIZE + header.packed :]
        if self._in_footer:
            self._rest += view
            if len(self._rest) > _MAX_FOOTER:
                raise TooLarge(f"The footer of a xorb has at most {_MAX_FOOTER} bytes.")

    def table(self, hashes: bytes) -> ChunkTable:
        """Describe what was walked over, which must be complete."""
        if self._in_footer:
            _check_footer(self._rest, self._end)
        elif self._rest:
            read_header(self._rest, 0, before=self._end)
            size = self._end + len(self._rest)
            raise InvalidFormat(
                f"The xorb ends inside chunk {len(self._ends)}: {size} bytes are too few."
            )
        if not self._ends:
            raise InvalidFormat("The xorb holds no chunks.")
        return ChunkTable(hashes, self._ends, self._plain_ends)

    def _missing(self) -> int:
        """Bytes that the chunk in `_rest` lacks, as far as it is known."""
        header = self._header(self._rest)
        whole = HEADER_SIZE if header is None else HEADER_SIZE + header.packed
        return whole - len(self._rest)

    def _header(self, data: Bytes) -> ChunkHeader | None:
        return read_header(data, 0, before=self._end) if len(data) >= HEADER_SIZE else None

    def _chunk(self, header: ChunkHeader, data: memoryview) -> tuple[ChunkHeader, memoryview]:
        self._end += HEADER_SIZE + header.packed
        self._plain += header.length
        self._ends.append(self._end)
        self._plain_ends.append(self._plain)
        count = len(self._ends)
        if self._end > MAX_XORB + count * HEADER_SIZE or count > MAX_CHUNKS:
            raise TooLarge(f"A xorb has at most {MAX_XORB} bytes and {MAX_CHUNKS} chunks.")
        return header, data[HEADER_SIZE : HEADER_SIZE + header.packed]


def _little_endian(numbers: "array[int]") -> "array[int]":
    """Return numbers in the byte order of the format, or back from it."""
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers


def _check_footer(footer: Bytes, offset: int) -> None:
    size = len(footer) - 4  # the last four bytes hold the footer's length
    if bytes(footer[: len(_FOOTER)]) != _FOOTER or size < 0:
        raise InvalidFormat(f"Neither a chunk nor a footer starts at byte {offset} of the xorb.")
    if int.from_bytes(footer[-4:], "little") != size:
        raise InvalidFormat(f"The footer at byte {offset} of the xorb is damaged.")
