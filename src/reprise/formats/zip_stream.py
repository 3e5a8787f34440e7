"""Zip archives that are written while they are sent, and whose length is known before.

Nothing is compressed: the bytes then depend on the content alone, not on the version of a
compressor, and weights would not shrink anyway. Follows PKWARE's APPNOTE 6.3.
"""

import stat
import struct
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from reprise.base.errors import CorruptContent

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_DESCRIPTOR = struct.Struct("<4s3I")
_DESCRIPTOR64 = struct.Struct("<4sI2Q")
_EXTRA_SIZES = struct.Struct("<2H2Q")

_UTF8 = 0x0800
_SIZES_FOLLOW = 0x0008
_VERSION = 20
_VERSION64 = 45
_UNIX = 3 << 8
_DOS_FOLDER = 0x10
_LIMIT = 0xFFFFFFFF  # what 32 bits cannot say is said by ZIP64
_MANY = 0xFFFF
_FIRST_YEAR, _LAST_YEAR = 1980, 2107


@dataclass(frozen=True)
class Member:
    """One entry: name (folders end in `/`), Unix mode with its type, and exactly `size` bytes.

    `pour`: the content is too large for memory and is sent as it is read; its CRC then comes
    behind it.
    """

    name: str
    mode: int
    size: int = 0
    read: Callable[[], Iterable[bytes]] = tuple
    pour: bool = False

    @property
    def wide(self) -> bool:
        """Whether the size needs 64 bits."""
        return self.size >= _LIMIT


class ZipStream:
    """An archive of members, all with one time.

    Args:
        members: In the order of the archive.
        seconds: Time of every entry, since 1970 UTC; clamped to what zip can say, 1980 to 2107.
        comment: The archive's comment.
    """

    def __init__(self, members: Sequence[Member], *, seconds: int, comment: bytes = b"") -> None:
        self._members = members
        self._when = _dos_time(seconds)
        self._comment = comment
        self._offsets: list[int] = []
        at = 0
        for member in members:
            self._offsets.append(at)
            at += len(self._local(member, 0)) + member.size + _descriptor_size(member)
        self._body = at
        # CRCs do not change lengths, so any will do.
        self.length = at + sum(len(piece) for piece in self._directory([0] * len(members)))

    def __iter__(self) -> Iterator[bytes]:
        """Write the archive.

        Raises:
            CorruptContent: A member's content has another size than it was given.
        """
        crcs = []
        for member in self._members:
            if member.pour:
                crcs.append((yield from self._poured(member)))
                continue
            data = b"".join(member.read())
            _check_size(member, len(data))
            crcs.append(zlib.crc32(data))
            yield self._local(member, crcs[-1])
            yield data
        yield from self._directory(crcs)

    def _poured(self, member: Member) -> Generator[bytes, None, int]:
        yield self._local(member, 0)
        crc = size = 0
        for piece in member.read():
            crc = zlib.crc32(piece, crc)
            size += len(piece)
            yield piece
        _check_size(member, size)
        layout = _DESCRIPTOR64 if member.wide else _DESCRIPTOR
        yield layout.pack(b"PK\7\10", crc, size, size)
        return crc

    def _local(self, member: Member, crc: int) -> bytes:
        name = member.name.encode()
        size = 0 if member.pour else member.size
        extra = _EXTRA_SIZES.pack(1, 16, size, size) if member.wide else b""
        shown = _LIMIT if member.wide else size
        head = _LOCAL.pack(
            b"PK\3\4", _version(member), _flags(member), 0, *self._when, crc, shown, shown,
            len(name), len(extra),
        )  # fmt: skip
        return head + name + extra

    def _directory(self, crcs: Iterable[int]) -> Iterator[bytes]:
        size = 0
        for member, offset, crc in zip(self._members, self._offsets, crcs, strict=True):
            record = self._central(member, offset, crc)
            size += len(record)
            yield record
        yield self._end(size)

    def _central(self, member: Member, offset: int, crc: int) -> bytes:
        name = member.name.encode()
        wide = [member.size, member.size] if member.wide else []
        wide += [offset] if offset >= _LIMIT else []
        extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
        size, version = min(member.size, _LIMIT), _VERSION64 if wide else _VERSION
        attributes = member.mode << 16 | (_DOS_FOLDER if stat.S_ISDIR(member.mode) else 0)
        head = _CENTRAL.pack(
            b"PK\1\2", _UNIX | version, version, _flags(member), 0, *self._when, crc, size, size,
            len(name), len(extra), 0, 0, 0, attributes, min(offset, _LIMIT),
        )  # fmt: skip
        return head + name + extra

    def _end(self, size: int) -> bytes:
        count, start = len(self._members), self._body
        wide = b""
        if count >= _MANY or size >= _LIMIT or start >= _LIMIT:
            wide = _END64.pack(
                b"PK\6\6", _END64.size - 12, _VERSION64, _VERSION64, 0, 0, count, count, size, start
            ) + _LOCATOR.pack(b"PK\6\7", 0, start + size, 1)
        shown = min(count, _MANY)
        return wide + _END.pack(
            b"PK\5\6", 0, 0, shown, shown, min(size, _LIMIT), min(start, _LIMIT),
            len(self._comment),
        ) + self._comment  # fmt: skip


def _flags(member: Member) -> int:
    return _UTF8 | (_SIZES_FOLLOW if member.pour else 0)


def _version(member: Member) -> int:
    return _VERSION64 if member.wide else _VERSION


def _descriptor_size(member: Member) -> int:
    if not member.pour:
        return 0
    return _DESCRIPTOR64.size if member.wide else _DESCRIPTOR.size


def _check_size(member: Member, size: int) -> None:
    if size != member.size:
        raise CorruptContent(f"{member.name!r} has {size} bytes; {member.size} are recorded.")


def _dos_time(seconds: int) -> tuple[int, int]:
    """Time and date as DOS packs them, in steps of two seconds."""
    earliest = int(datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
    latest = int(datetime(_LAST_YEAR, 12, 31, tzinfo=UTC).timestamp())
    at = datetime.fromtimestamp(min(max(seconds, earliest), latest), UTC)
    date = (at.year - _FIRST_YEAR) << 9 | at.month << 5 | at.day
    return at.hour << 11 | at.minute << 5 | at.second // 2, date
