"""One chunk as a xorb holds it: an 8-byte header and the bytes, perhaps compressed."""

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

import lz4.frame  # type: ignore[import-untyped]  # ships no types

from reprise.base.errors import InvalidFormat

HEADER_SIZE = 8
SCHEME_AT = 4  # where in a header the byte stands that says how its chunk is compressed
MAX_CHUNK = 128 << 10  # bytes, uncompressed: twice what the chunker aims at
_VERSION = 0
_GROUPS = 4
# Version and compressed size share the first word, scheme and length the second.
_HEADER = Struct("<II")
_BYTE = 0xFF

Bytes = bytes | bytearray | memoryview


class Scheme(IntEnum):
    """How the bytes of a chunk are compressed."""

    NONE = 0
    LZ4 = 1  # one LZ4 frame
    GROUPED_LZ4 = 2  # bytes 0, 4, 8, … first, then 1, 5, 9, …, then one LZ4 frame


_SCHEMES = {scheme.value: scheme for scheme in Scheme}


@dataclass(frozen=True, slots=True)
class ChunkHeader:
    """What stands before a chunk. `packed` and `length` are bytes with and without compression."""

    scheme: Scheme
    packed: int
    length: int


def read_header(data: Bytes, offset: int, *, before: int = 0) -> ChunkHeader:
    """Read the header at an offset and check its limits.

    Args:
        data: A xorb, or a part of one.
        offset: Where the header starts in it.
        before: Bytes of the xorb before `data`, for messages.

    Raises:
        InvalidFormat: Cut off, of another version, an unknown scheme, or of a forbidden size.
    """
    place = before + offset
    if len(data) - offset < HEADER_SIZE:
        raise InvalidFormat(f"The xorb ends inside the chunk header at byte {place}.")
    first, second = _HEADER.unpack_from(data, offset)
    version, packed, scheme, length = first & _BYTE, first >> 8, second & _BYTE, second >> 8
    if version != _VERSION:
        raise InvalidFormat(f"The chunk at byte {place} has version {version}; known is 0.")
    if scheme not in _SCHEMES:
        raise InvalidFormat(f"The chunk at byte {place} has unknown compression {scheme}.")
    if not 0 < length <= MAX_CHUNK or not packed:
        raise InvalidFormat(
            f"The chunk at byte {place} announces {length} bytes in {packed}; "
            f"a chunk has 1 to {MAX_CHUNK} bytes."
        )
    return ChunkHeader(_SCHEMES[scheme], packed, length)


def decode(header: ChunkHeader, packed: Bytes) -> Bytes:
    """Return a chunk's plain bytes.

    Raises:
        InvalidFormat: They cannot be decompressed, or their length is not the announced one.
    """
    if header.scheme is Scheme.NONE:
        plain = packed
    elif header.scheme is Scheme.LZ4:
        plain = _decompress(packed, header.length)
    else:
        plain = ungroup(_decompress(packed, header.length))
    if len(plain) != header.length:
        raise InvalidFormat(f"A chunk announces {header.length} bytes but holds {len(plain)}.")
    return plain


def encode(plain: bytes, scheme: Scheme) -> bytes:
    """Return header and bytes of a chunk; falls back to no compression where that is smaller."""
    packed = plain
    if scheme is not Scheme.NONE:
        raw = group(plain) if scheme is Scheme.GROUPED_LZ4 else plain
        packed = lz4.frame.compress(raw, store_size=False)
    if len(packed) >= len(plain):
        packed, scheme = plain, Scheme.NONE
    words = _VERSION | len(packed) << 8, scheme | len(plain) << 8
    return _HEADER.pack(*words) + packed


def group(plain: bytes) -> bytes:
    """Sort bytes by their position modulo 4, which brings the exponents of floats together.

    Example:
        >>> group(b"abcdABCDx")
        b'aAxbBcCdD'
    """
    return b"".join(plain[at::_GROUPS] for at in range(_GROUPS))


def ungroup(grouped: Bytes) -> bytearray:
    """Undo `group`."""
    plain = bytearray(len(grouped))
    start = 0
    for at in range(_GROUPS):
        end = start + len(range(at, len(grouped), _GROUPS))
        plain[at::_GROUPS] = grouped[start:end]
        start = end
    return plain


def _decompress(packed: Bytes, length: int) -> bytes:
    # One byte more than announced is room enough to notice a frame that holds more, so that a
    # decompression bomb never unfolds.
    context = lz4.frame.create_decompression_context()
    try:
        plain, used, done = lz4.frame.decompress_chunk(context, packed, max_length=length + 1)
    except RuntimeError as error:
        raise InvalidFormat(f"A chunk is not a valid LZ4 frame: {error}") from None
    if not done or used != len(packed):
        raise InvalidFormat(f"A chunk's LZ4 frame does not end after {length} bytes.")
    return bytes(plain)
