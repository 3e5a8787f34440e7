"""Hashes of chunks, xorbs, files and chunk ranges (hub docs `xet/hashing`).

Every hash is 32 raw bytes. Written as text, each of its four 8-byte words is a little-endian
number in hex, so the text is not the plain hex of the bytes.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from struct import Struct

from blake3 import blake3

from reprise.base.errors import InvalidFormat

HASH_SIZE = 32

_DATA_KEY = bytes.fromhex("6697f5775b9550de3135cbaca597181c9de421109beb2b58b4d0b04b93adf229")
_NODE_KEY = bytes.fromhex("017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f")
_RANGE_KEY = bytes.fromhex("7f1857d6ce56ed66127ff913e7a5c3f3a4cd26d5b5db49e64124987f28fb94c3")
_ZEROS = bytes(HASH_SIZE)

_WORDS = Struct("<4Q")
_HEX = "%016x%016x%016x%016x"
_LINE = _HEX + " : %d\n"
_TEXT = re.compile(r"[0-9a-f]{64}")

# Groups of the hash tree end after a hash that is divisible by 4, with 3 to 9 members.
_CUT_MASK = 3
_SMALLEST_CUT = 3
_LARGEST_GROUP = 9
# One chunk in 1024 may be asked for in a deduplication query, beside the first of each file.
_ELIGIBLE = 1024

Node = tuple[bytes, int]  # hash and number of file bytes below it


def chunk_hash(data: bytes | bytearray | memoryview) -> bytes:
    """Hash the bytes of one chunk, uncompressed."""
    return blake3(data, key=_DATA_KEY).digest()


def tree_hash(chunks: Iterable[Node]) -> bytes:
    """Fold chunk hashes, in order, into the hash of a xorb.

    Args:
        chunks: Hash and length of each chunk.

    Returns:
        The root; 32 zero bytes when there are no chunks.
    """
    level = list(_parents(chunks, only_child=True))
    while len(level) > 1:
        level = list(_parents(level, only_child=False))
    return level[0][0] if level else _ZEROS


def file_hash(chunks: Iterable[Node]) -> bytes:
    """Fold chunk hashes, in order, into the hash that names a file; zeros for an empty one."""
    root = tree_hash(chunks)
    return keyed(root, _ZEROS) if root != _ZEROS else root


def range_hash(hashes: bytes) -> bytes:
    """Hash the chunk hashes of one term, concatenated: the proof that an uploader knows them."""
    return blake3(hashes, key=_RANGE_KEY).digest()


def keyed(value: bytes, key: bytes) -> bytes:
    """Hide a hash behind a key, as answers to deduplication queries do."""
    return blake3(value, key=key).digest()


def eligible(value: bytes) -> bool:
    """Tell whether clients ask for a chunk of this hash wherever it stands in a file."""
    return int.from_bytes(value[24:], "little") % _ELIGIBLE == 0


def to_text(value: bytes) -> str:
    """Write a hash as clients do in URLs and JSON.

    Example:
        >>> to_text(bytes(range(32)))
        '07060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918'
    """
    return _HEX % _WORDS.unpack(value)


def from_text(text: str) -> bytes:
    """Read a hash as clients write it.

    Raises:
        InvalidFormat: Not 64 lower-case hex digits.
    """
    if not _TEXT.fullmatch(text):
        raise InvalidFormat(f"{text[:80]!r} is not a xet hash: 64 lower-case hex digits.")
    return _WORDS.pack(*(int(text[at : at + 16], 16) for at in range(0, 64, 16)))


def _parents(nodes: Iterable[Node], *, only_child: bool) -> Iterator[Node]:
    """Merge one level of the tree into the next; a level of one chunk is its own root."""
    group: list[Node] = []
    merged = False
    for node in nodes:
        group.append(node)
        size = len(group)
        if size == _LARGEST_GROUP or (size >= _SMALLEST_CUT and not node[0][24] & _CUT_MASK):
            yield _merge(group)
            group, merged = [], True
    if group:
        yield group[0] if only_child and not merged and len(group) == 1 else _merge(group)


def _merge(group: Sequence[Node]) -> Node:
    lines = "".join(_LINE % (*_WORDS.unpack(value), size) for value, size in group)
    return blake3(lines.encode(), key=_NODE_KEY).digest(), sum(size for _, size in group)
