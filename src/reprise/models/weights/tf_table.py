"""The sorted table in which TensorFlow keeps a checkpoint's index: LevelDB's format.

Blocks of entries whose keys are stored without what they share with the key before; a block of
addresses of blocks; a footer. Each block ends with a byte for its compression and a checksum.
"""

from collections.abc import Iterable, Iterator

from reprise.base.errors import CorruptContent, InvalidFormat, NotSupported
from reprise.models.weights.crc32c import crc32c, masked
from reprise.models.weights.wire import put_varint, varint

_FOOTER = 48  # bytes: two addresses of blocks, padding, magic
_MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
_TRAILER = 5  # bytes behind a block: compression, checksum
_PLAIN = b"\0"
_COUNT = 4  # bytes of a restart point, and of their number
_BLOCK = 256 << 10  # bytes after which a new block begins, as in TensorFlow
_RESTART = 16  # entries after which a key is stored whole


def entries(data: memoryview) -> Iterator[tuple[bytes, bytes]]:
    """Go through a table's keys and values, in the order of the keys.

    Raises:
        InvalidFormat: It is none, or damaged.
        CorruptContent: A block's checksum is wrong.
        NotSupported: A block is compressed, which TensorFlow does not do.
    """
    if len(data) < _FOOTER or bytes(data[-len(_MAGIC) :]) != _MAGIC:
        raise InvalidFormat("This is no index of a TensorFlow checkpoint: it ends in another way.")
    footer = bytes(data[-_FOOTER:])
    *beside, place = _address(footer, 0)
    offset, size, _ = _address(footer, place)
    list(_block(data, *beside))  # notes about the table; TensorFlow writes none
    seen = 0
    for _, address in _block(data, offset, size):
        start, length, _ = _address(address, 0)
        seen += length
        if seen > len(data):
            raise InvalidFormat("The checkpoint's index names one block several times.")
        yield from _block(data, start, length)


def _address(data: bytes, place: int) -> tuple[int, int, int]:
    offset, place = varint(data, place)
    size, place = varint(data, place)
    return offset, size, place


def _block(data: memoryview, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    end = offset + size
    if size < _COUNT or end + _TRAILER > len(data):
        raise InvalidFormat("The checkpoint's index is cut short.")
    block, trailer = bytes(data[offset : end + 1]), bytes(data[end : end + _TRAILER])
    if masked(crc32c(block)) != int.from_bytes(trailer[1:], "little"):
        raise CorruptContent("The checkpoint's index is damaged: a checksum is wrong.")
    if trailer[:1] != _PLAIN:
        raise NotSupported("The checkpoint's index is compressed. Save it again with TensorFlow.")
    restarts = int.from_bytes(block[size - _COUNT : size], "little")
    return _entries(block, size - _COUNT * (restarts + 1))


def _entries(block: bytes, end: int) -> Iterator[tuple[bytes, bytes]]:
    key, place = b"", 0
    while place < end:
        shared, place = varint(block, place)
        added, place = varint(block, place)
        size, place = varint(block, place)
        if shared > len(key) or place + added + size > end:
            raise InvalidFormat("An entry of the checkpoint's index is cut short.")
        key = key[:shared] + block[place : place + added]
        yield key, block[place + added : place + added + size]
        place += added + size


def table(items: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Write a table. The keys must come in order, each once."""
    found = bytearray()
    index: list[tuple[bytes, bytes]] = []
    block = _Block()
    before = b""
    for key, value in items:
        if len(block) >= _BLOCK:
            index.append((_between(before, key), block.append_to(found)))
            block = _Block()
        block.add(key, value)
        before = key
    index.append((_after(before), block.append_to(found)))
    beside = _Block().append_to(found)
    addresses = _Block(restart=1)
    for key, address in index:
        addresses.add(key, address)
    footer = beside + addresses.append_to(found)
    return bytes(found) + footer.ljust(_FOOTER - len(_MAGIC), b"\0") + _MAGIC


class _Block:
    def __init__(self, restart: int = _RESTART) -> None:
        self.restart = restart
        self.data = bytearray()
        self.restarts = [0]
        self.count = 0
        self.before = b""

    def __len__(self) -> int:
        return len(self.data) + _COUNT * (len(self.restarts) + 1)

    def add(self, key: bytes, value: bytes) -> None:
        if self.count == self.restart:
            self.restarts.append(len(self.data))
            self.count, self.before = 0, b""
        shared = _shared(self.before, key)
        self.data += put_varint(shared) + put_varint(len(key) - shared) + put_varint(len(value))
        self.data += key[shared:] + value
        self.count += 1
        self.before = key

    def append_to(self, found: bytearray) -> bytes:
        """Append the block with its trailer; return its address."""
        numbers = [*self.restarts, len(self.restarts)]
        block = bytes(self.data) + b"".join(n.to_bytes(_COUNT, "little") for n in numbers)
        address = put_varint(len(found)) + put_varint(len(block))
        checksum = masked(crc32c(block + _PLAIN))
        found += block + _PLAIN + checksum.to_bytes(4, "little")
        return address


def _between(low: bytes, high: bytes) -> bytes:
    """Return the shortest key from `low` on that is before `high`."""
    place = _shared(low, high)
    if place < min(len(low), len(high)) and low[place] + 1 < high[place]:
        return low[:place] + bytes([low[place] + 1])
    return low


def _after(key: bytes) -> bytes:
    """Return a short key that is not before `key`."""
    place = next((place for place, byte in enumerate(key) if byte != 0xFF), None)  # noqa: PLR2004
    return key if place is None else key[:place] + bytes([key[place] + 1])


def _shared(one: bytes, other: bytes) -> int:
    most = min(len(one), len(other))
    return next((place for place in range(most) if one[place] != other[place]), most)
