"""Reading a pushed pack: where every entry lies, never more than one of them in memory.

The format is git's Documentation/gitformat-pack.txt. Nothing here looks inside objects.
"""

import hashlib
import mmap
import zlib
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from typing import BinaryIO

from reprise.base.errors import InvalidFormat, TooLarge
from reprise.registry.git.objects import OID_SIZE, Kind

_HEAD = 12
_OFS_DELTA = 6
_REF_DELTA = 7
_MIN_ENTRY = 9  # a type and size byte, and the shortest zlib stream
_FEED = 1 << 16
_SLACK = 64  # zlib's own bytes beyond the data, for the first guess at a stream's length
_HASHED = 1 << 20


@dataclass(frozen=True)
class PackLimits:
    """Ceilings for one pack. Sizes are inflated bytes."""

    objects: int
    total: int
    blob: int
    tree: int = 32 << 20
    text: int = 1 << 20  # a commit or an annotated tag

    def of(self, kind: Kind) -> int:
        """The ceiling for one object of a kind."""
        if kind is Kind.BLOB:
            return self.blob
        return self.tree if kind is Kind.TREE else self.text


@dataclass(frozen=True)
class PackEntry:
    """One entry. Exactly one of `kind`, `base_at`, `base_oid` is set.

    `size` is the inflated length of the zlib stream, which lies at `start` to `stop`.
    """

    kind: Kind | None
    base_at: int | None  # where an OFS_DELTA's base begins
    base_oid: bytes | None
    size: int
    start: int
    stop: int


class PackFile:
    """A pack on disk, mapped into memory; entries are numbered in the order of the file.

    The pack runs from byte `begin` to the end of the file.
    """

    def __init__(self, file: BinaryIO, limits: PackLimits, *, begin: int = 0) -> None:
        self.limits = limits
        self._begin = begin
        self._map = _map(file)
        self.count = self._check_frame()
        # Plain columns: a million entries as Python objects would take half a gigabyte.
        self._offsets = array("Q")
        self._starts = array("Q")
        self._stops = array("Q")
        self._sizes = array("Q")
        self._bases = array("q")  # number of an OFS_DELTA's base, -1 for none
        self._kinds = bytearray()  # as in the file: 1 to 4, 6, 7
        self.base_oids: dict[int, bytes] = {}  # of REF_DELTA entries
        self._scan()

    def close(self) -> None:
        """Unmap the file."""
        self._map.close()

    def kind(self, number: int) -> Kind | None:
        """The kind of an entry that is stored whole; None for deltas."""
        raw = self._kinds[number]
        return Kind(raw) if raw <= Kind.TAG else None

    def base(self, number: int) -> int | None:
        """The number of an OFS_DELTA's base, or None."""
        found = self._bases[number]
        return found if found >= 0 else None

    def size(self, number: int) -> int:
        """Inflated length of an entry's own stream: a body, or a delta."""
        return self._sizes[number]

    def stream(self, number: int) -> bytes:
        """The zlib stream of an entry, as it came."""
        return self._map[self._starts[number] : self._stops[number]]

    def data(self, number: int) -> bytes:
        """The inflated stream of an entry: a body, or a delta."""
        return zlib.decompress(self.stream(number), bufsize=max(1, self.size(number)))

    def hash_blob(self, number: int) -> bytes:
        """Compute the id of a blob that is stored whole, without holding it in memory."""
        digest = hashlib.sha1(b"blob %d\0" % self.size(number), usedforsecurity=False)
        inflater = zlib.decompressobj()
        at = self._starts[number]
        while not inflater.eof:
            data = inflater.unconsumed_tail
            if not data:
                data = self._map[at : at + _FEED]
                at += _FEED
            digest.update(inflater.decompress(data, _HASHED))
        return digest.digest()

    # -- reading the file once

    def _check_frame(self) -> int:
        """Check head and trailing digest; return the number of entries."""
        begin = self._begin
        head = self._map[begin : begin + _HEAD]
        if head[:4] != b"PACK" or int.from_bytes(head[4:8], "big") not in {2, 3}:
            raise InvalidFormat("This is not a pack file of version 2.")
        end = len(self._map) - OID_SIZE
        if end < begin + _HEAD:
            raise InvalidFormat("The pack ends too early.")
        digest = hashlib.sha1(usedforsecurity=False)
        for at in range(begin, end, _HASHED):
            digest.update(self._map[at : min(at + _HASHED, end)])
        if digest.digest() != self._map[end:]:
            raise InvalidFormat("The pack is damaged: its SHA-1 is wrong, or it was cut off.")
        count = int.from_bytes(head[8:12], "big")
        if count > self.limits.objects:
            raise TooLarge(
                f"This push has {count} objects; the hub takes {self.limits.objects} at a time. "
                "Push older commits first."
            )
        if count * _MIN_ENTRY > end - begin:
            raise InvalidFormat("The pack is shorter than its number of objects allows.")
        return count

    def _scan(self) -> None:
        at, total = self._begin + _HEAD, 0
        for number in range(self.count):
            entry = self._read_entry(at)
            total += entry.size
            if total > self.limits.total:
                raise _too_many_bytes(self.limits.total)
            base = self._number_at(entry.base_at) if entry.base_at is not None else -1
            if entry.base_oid is not None:
                self.base_oids[number] = entry.base_oid
            self._append(at, entry, base)
            at = entry.stop
        if at != len(self._map) - OID_SIZE:
            raise InvalidFormat("The pack holds more than its number of objects.")

    def _number_at(self, offset: int) -> int:
        number = bisect_left(self._offsets, offset)
        if number == len(self._offsets) or self._offsets[number] != offset:
            raise InvalidFormat("A delta in the pack points at no object.")
        return number

    def _append(self, at: int, entry: PackEntry, base: int) -> None:
        self._offsets.append(at)
        self._starts.append(entry.start)
        self._stops.append(entry.stop)
        self._sizes.append(entry.size)
        self._bases.append(base)
        delta = _REF_DELTA if entry.base_oid is not None else _OFS_DELTA
        self._kinds.append(entry.kind.value if entry.kind is not None else delta)

    def _read_entry(self, offset: int) -> PackEntry:
        raw_kind, size, at = self._read_head(offset)
        base_at = base_oid = None
        if raw_kind == _OFS_DELTA:
            distance, at = self._read_distance(at)
            base_at = offset - distance
        elif raw_kind == _REF_DELTA:
            base_oid = self._map[at : at + OID_SIZE]
            at += OID_SIZE
        kind = Kind(raw_kind) if raw_kind in set(Kind) else None
        if kind is None and raw_kind not in {_OFS_DELTA, _REF_DELTA}:
            raise InvalidFormat(f"The pack holds an entry of unknown type {raw_kind}.")
        self._check_size(kind, size)
        return PackEntry(kind, base_at, base_oid, size, at, self._end_of_stream(at, size))

    def _check_size(self, kind: Kind | None, size: int) -> None:
        """Refuse what is too large to handle; large blobs pass, to be named in the refusal."""
        if kind is Kind.BLOB:
            return
        limit = self.limits.of(kind) if kind is not None else self.limits.tree + self.limits.blob
        if size > limit:
            what = kind.name.lower() if kind is not None else "delta"
            raise TooLarge(f"A {what} of {size} bytes is over this hub's limit of {limit} bytes.")

    def _byte(self, at: int) -> int:
        if at >= len(self._map) - OID_SIZE:
            raise InvalidFormat("The pack ends inside an entry.")
        return self._map[at]

    def _read_head(self, at: int) -> tuple[int, int, int]:
        byte = self._byte(at)
        kind, size, shift = byte >> 4 & 7, byte & 0x0F, 4
        while byte & 0x80:
            at += 1
            byte = self._byte(at)
            size |= (byte & 0x7F) << shift
            shift += 7
            if size > self.limits.total:
                raise _too_many_bytes(self.limits.total)
        return kind, size, at + 1

    def _read_distance(self, at: int) -> tuple[int, int]:
        byte = self._byte(at)
        distance = byte & 0x7F
        while byte & 0x80:
            at += 1
            byte = self._byte(at)
            distance = (distance + 1) << 7 | byte & 0x7F
            if distance > len(self._map):
                raise InvalidFormat("A delta in the pack points outside of it.")
        return distance, at + 1

    def _end_of_stream(self, start: int, size: int) -> int:
        """Inflate a stream to nowhere; return where it ends."""
        inflater = zlib.decompressobj()
        at, end, got = start, len(self._map) - OID_SIZE, 0
        feed = min(size + (size >> 8) + _SLACK, _FEED)
        try:
            while not inflater.eof:
                data = inflater.unconsumed_tail
                if not data:
                    data = self._map[at : min(at + feed, end)]
                    at += len(data)
                    if not data:
                        raise InvalidFormat("The pack ends inside an entry.")
                got += len(inflater.decompress(data, min(size + 1 - got, _HASHED)))
                if got > size:
                    raise InvalidFormat("An entry of the pack is longer than it announced.")
        except zlib.error:
            raise InvalidFormat("An entry of the pack is no valid zlib stream.") from None
        if got != size:
            raise InvalidFormat("An entry of the pack is shorter than it announced.")
        return at - len(inflater.unused_data)


def _map(file: BinaryIO) -> mmap.mmap:
    file.flush()
    try:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:  # an empty file
        raise InvalidFormat("The push lacks its pack.") from None


def _too_many_bytes(limit: int) -> TooLarge:
    return TooLarge(
        f"This push inflates to more than this hub's limit of {limit} bytes. Push older commits "
        "first, and keep large files in git lfs."
    )
