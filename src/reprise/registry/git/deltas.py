"""Git deltas: applied with care, and written for trees, whose changes are known."""

from collections.abc import Sequence
from itertools import accumulate

from reprise.base.errors import InvalidFormat
from reprise.registry.git.objects import raw_key

_MAX_COPY = 0xFFFFFF
_MAX_INSERT = 0x7F
_LOW_BITS = 0x7F  # of a byte in a size; the high bit says that more follow
_MAX_SHIFT = 56  # sizes above 2**63 are nonsense
_COPY = 0x80
_DEFAULT_COPY_SIZE = 0x10000  # what a copy of size zero means


def delta_sizes(delta: bytes) -> tuple[int, int]:
    """Read the sizes a delta announces: of its base and of its result, in bytes.

    Raises:
        InvalidFormat: The delta ends inside them.
    """
    source, at = _read_size(delta, 0)
    return source, _read_size(delta, at)[0]


def apply_delta(base: bytes, delta: bytes) -> bytes:
    """Rebuild a body from its base and a delta.

    Raises:
        InvalidFormat: The delta is truncated, was made for another base, reaches outside of it,
            or builds a body of another size than it announced.
    """
    source, at = _read_size(delta, 0)
    target, at = _read_size(delta, at)
    if source != len(base):
        raise InvalidFormat("A delta was made for a base of another size.")
    parts: list[bytes] = []
    built, end = 0, len(delta)
    while at < end:
        code = delta[at]
        at += 1
        if code & _COPY:
            offset, size, at = _read_copy(delta, at, code)
            if offset + size > source:
                raise InvalidFormat("A delta copies from outside its base.")
            parts.append(base[offset : offset + size])
        else:
            size = code
            if size == 0 or at + size > end:
                raise InvalidFormat("A delta holds a malformed insertion.")
            parts.append(delta[at : at + size])
            at += size
        built += size
        if built > target:
            raise InvalidFormat("A delta builds more than it announced.")
    if built != target:
        raise InvalidFormat("A delta builds less than it announced.")
    return b"".join(parts)


def tree_delta(old: Sequence[bytes], new: Sequence[bytes]) -> bytes:
    """Write a delta between two trees given as their encoded entries, both in git's order.

    Costs a few comparisons per change, not per entry: equal runs are found by doubling.
    """
    writer = _Writer([0, *accumulate(map(len, old))], sum(map(len, new)))
    i = j = 0
    while j < len(new):
        run = _common_run(old, i, new, j)
        if run:
            writer.copy(i, i + run)
            i, j = i + run, j + run
        elif i < len(old) and raw_key(old[i]) < raw_key(new[j]):
            i += 1  # removed
        else:
            i += i < len(old) and raw_key(old[i]) == raw_key(new[j])  # replaced, else added
            writer.insert(new[j])
            j += 1
    return writer.finish()


class _Writer:
    """Collects copies and insertions, merging neighbours."""

    def __init__(self, offsets: list[int], target: int) -> None:
        self._offsets = offsets
        self._out = bytearray(_size(offsets[-1]) + _size(target))
        self._pending = bytearray()

    def copy(self, start: int, stop: int) -> None:
        """Copy old entries `start` to `stop`."""
        self._flush()
        at, end = self._offsets[start], self._offsets[stop]
        while at < end:
            size = min(end - at, _MAX_COPY)
            self._out += _copy_code(at, size)
            at += size

    def insert(self, raw: bytes) -> None:
        """Insert one encoded entry."""
        self._pending += raw

    def finish(self) -> bytes:
        """Return the whole delta."""
        self._flush()
        return bytes(self._out)

    def _flush(self) -> None:
        for at in range(0, len(self._pending), _MAX_INSERT):
            piece = self._pending[at : at + _MAX_INSERT]
            self._out.append(len(piece))
            self._out += piece
        self._pending.clear()


def _common_run(old: Sequence[bytes], i: int, new: Sequence[bytes], j: int) -> int:
    """Count equal entries from two positions on: doubling steps, then halving ones."""
    limit = min(len(old) - i, len(new) - j)
    run, step = 0, 1
    while run < limit and step:
        step = min(step, limit - run)
        if old[i + run : i + run + step] == new[j + run : j + run + step]:
            run += step
            step *= 2
        else:
            step //= 2
    return run


def _read_size(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data):
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if not byte & 0x80:
            return value, at
        if shift > _MAX_SHIFT:
            break
    raise InvalidFormat("A delta's sizes are malformed.")


def _read_copy(delta: bytes, at: int, code: int) -> tuple[int, int, int]:
    offset = size = 0
    needed = (code & 0x7F).bit_count()
    if at + needed > len(delta):
        raise InvalidFormat("A delta ends inside an instruction.")
    for bit in range(4):
        if code >> bit & 1:
            offset |= delta[at] << 8 * bit
            at += 1
    for bit in range(3):
        if code >> 4 + bit & 1:
            size |= delta[at] << 8 * bit
            at += 1
    return offset, size or _DEFAULT_COPY_SIZE, at


def _copy_code(offset: int, size: int) -> bytes:
    code, tail = _COPY, bytearray()
    for bit in range(4):
        if byte := offset >> 8 * bit & 0xFF:
            code |= 1 << bit
            tail.append(byte)
    for bit in range(3):
        if byte := size >> 8 * bit & 0xFF:
            code |= 1 << 4 + bit
            tail.append(byte)
    return bytes([code]) + bytes(tail)


def _size(value: int) -> bytes:
    out = bytearray()
    while value > _LOW_BITS:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
