"""A commit as clients send it: one JSON object per line, a header first, then operations."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from reprise.base.digests import is_sha256
from reprise.base.errors import InvalidFormat, TooLarge
from reprise.base.ids import check_path, is_commit

MAX_SUMMARY = 8192  # characters
MAX_DESCRIPTION = 65_536


@dataclass(frozen=True)
class Header:
    """What the commit says about itself; `parent` pins the tip it was made for (40 hex)."""

    summary: str
    description: str
    parent: str | None

    @property
    def message(self) -> str:
        """Summary and description as git keeps them."""
        return f"{self.summary}\n\n{self.description}" if self.description else self.summary


@dataclass(frozen=True)
class PutFile:
    """Write a file that git itself keeps."""

    path: str
    content: bytes


@dataclass(frozen=True)
class PutLarge:
    """Refer to a large file that was uploaded before, or is in the repo already.

    `size` is in bytes; clients leave it out when they copy.
    """

    path: str
    sha256: str
    size: int | None


@dataclass(frozen=True)
class Move:
    """Give an existing file another path, content unchanged."""

    path: str
    old_path: str


@dataclass(frozen=True)
class Delete:
    """Remove a file, or a folder with all that is in it."""

    path: str
    folder: bool


Operation = PutFile | PutLarge | Move | Delete


class Lines:
    """Cuts a body that arrives in chunks into lines, looking at every byte once."""

    def __init__(self, max_line: int) -> None:
        self._max_line = max_line
        self._open: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take a chunk and return the lines it completes, without their ends.

        Raises:
            TooLarge: A line is over the limit.
        """
        *complete, rest = chunk.split(b"\n")
        lines = []
        for part in complete:
            lines.append(b"".join([*self._open, part]))
            self._check(self._size + len(part))
            self._open, self._size = [], 0
        if rest:
            self._open.append(rest)
            self._size += len(rest)
            self._check(self._size)
        return lines

    def close(self) -> list[bytes]:
        """Return the last line, if the body does not end in a line end."""
        last, self._open = b"".join(self._open), []
        return [last] if last.strip() else []

    def _check(self, size: int) -> None:
        if size > self._max_line:
            raise TooLarge(
                f"A line of the commit is over {self._max_line} bytes. Upload large files "
                "through Xet or LFS first; clients do so when they ask preupload."
            )


class _HeaderValue(msgspec.Struct):
    summary: str
    description: str | None = None
    parentCommit: str | None = None  # noqa: N815 - the wire's name


class _FileValue(msgspec.Struct):
    path: str
    content: msgspec.Raw = msgspec.Raw()
    encoding: str = "utf-8"
    oldPath: str | None = None  # noqa: N815 - the wire's name


class _LargeValue(msgspec.Struct):
    path: str
    algo: str = "sha256"
    oid: str | None = None
    size: int | None = None
    oldPath: str | None = None  # noqa: N815 - the wire's name


class _PathValue(msgspec.Struct):
    path: str


class _Header(msgspec.Struct, tag_field="key", tag="header"):
    value: _HeaderValue


class _File(msgspec.Struct, tag_field="key", tag="file"):
    value: _FileValue


class _Large(msgspec.Struct, tag_field="key", tag="lfsFile"):
    value: _LargeValue


class _DeletedFile(msgspec.Struct, tag_field="key", tag="deletedFile"):
    value: _PathValue


class _DeletedFolder(msgspec.Struct, tag_field="key", tag="deletedFolder"):
    value: _PathValue


_Line = _Header | _File | _Large | _DeletedFile | _DeletedFolder


class Parser:
    """Reads the lines of one commit in order; the header must come first."""

    def __init__(self, *, max_operations: int) -> None:
        self._decoder = msgspec.json.Decoder(_Line)
        self._max_operations = max_operations
        self._line = 0
        self._operations = 0
        self._header: Header | None = None

    def parse(self, lines: Iterable[bytes]) -> Iterator[Operation]:
        """Turn lines into operations.

        Raises:
            InvalidFormat: A line is not what the protocol asks for; the message says which.
            InvalidId: A path is not allowed.
            TooLarge: More operations than the hub accepts in one commit.
        """
        for line in lines:
            self._line += 1
            if line.strip():
                yield from self._parse_line(line)

    def header(self) -> Header:
        """Return the header.

        Raises:
            InvalidFormat: There was none.
        """
        if self._header is None:
            raise InvalidFormat("The commit has no header line; send it first.")
        return self._header

    def _parse_line(self, line: bytes) -> list[Operation]:
        try:
            record = self._decoder.decode(line)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise self._wrong(str(error)) from None
        if isinstance(record, _Header):
            self._take_header(record.value)
            return []
        self.header()
        self._operations += 1
        if self._operations > self._max_operations:
            raise TooLarge(f"A commit may hold at most {self._max_operations} operations.")
        return self._operation(record)

    def _take_header(self, value: _HeaderValue) -> None:
        if self._header is not None:
            raise self._wrong("a second header")
        summary, description = value.summary.strip(), (value.description or "").strip()
        if not summary or len(summary) > MAX_SUMMARY or len(description) > MAX_DESCRIPTION:
            raise self._wrong(
                f"the summary must have 1 to {MAX_SUMMARY} characters, the description at most "
                f"{MAX_DESCRIPTION}"
            )
        if value.parentCommit is not None and not is_commit(value.parentCommit):
            raise self._wrong("parentCommit must be a full commit id, 40 hex digits")
        self._header = Header(" ".join(summary.split("\n")), description, value.parentCommit)

    def _operation(self, record: _File | _Large | _DeletedFile | _DeletedFolder) -> list[Operation]:
        match record:
            case _DeletedFile():
                return [Delete(check_path(record.value.path), folder=False)]
            case _DeletedFolder():
                path = record.value.path.removesuffix("/")
                return [Delete(check_path(path) if path else "", folder=True)]
            case _File():
                return self._file(record.value)
            case _Large():
                return self._large(record.value)

    def _file(self, value: _FileValue) -> list[Operation]:
        path = check_path(value.path)
        if value.oldPath is None:
            return [PutFile(path, self._content(value))]
        old_path = check_path(value.oldPath)
        if not bytes(value.content):
            return [Move(path, old_path)]
        return [Delete(old_path, folder=False), PutFile(path, self._content(value))]

    def _large(self, value: _LargeValue) -> list[Operation]:
        path = check_path(value.path)
        if value.oid is None and value.oldPath is not None:
            return [Move(path, check_path(value.oldPath))]
        oid = value.oid or ""
        if value.algo != "sha256" or not is_sha256(oid):
            raise self._wrong("an lfsFile needs algo 'sha256' and an oid of 64 hex digits")
        if value.size is not None and value.size < 0:
            raise self._wrong("a size below zero")
        put = PutLarge(path, oid, value.size)
        return [put] if value.oldPath is None else [Delete(check_path(value.oldPath), False), put]

    def _content(self, value: _FileValue) -> bytes:
        try:
            if value.encoding == "base64":
                return msgspec.json.decode(value.content, type=bytes)
            if value.encoding == "utf-8":
                return msgspec.json.decode(value.content, type=str).encode()
        except (msgspec.DecodeError, UnicodeError) as error:
            raise self._wrong(f"the content of {value.path!r} cannot be read: {error}") from None
        raise self._wrong(f"encoding {value.encoding!r}; use 'base64' or 'utf-8'")

    def _wrong(self, what: str) -> InvalidFormat:
        return InvalidFormat(f"Line {self._line} of the commit is malformed: {what}.")
