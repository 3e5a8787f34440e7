"""Commits in the making: lines come in, blobs are hashed and compressed, nothing is locked yet."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from reprise.base.errors import InvalidFormat, TooLarge
from reprise.base.ids import RepoType
from reprise.formats import card, gitattributes, lfs_pointer
from reprise.formats.commit_request import (
    Delete,
    Header,
    Lines,
    Move,
    Operation,
    Parser,
    PutFile,
    PutLarge,
)
from reprise.registry.git.objects import Kind, object_id
from reprise.registry.git.store import NewRow, deflate
from reprise.registry.registry import Limits

README = "README.md"
_IN_MEMORY = 64 << 20  # compressed bytes of one draft; more go to a temporary file
_ROWS_AT_A_TIME = 16 << 20  # compressed bytes handed to the database in one statement
# A regular file as base64 takes 4/3 of its size; escapes in plain text take more.
_LINE_FACTOR = 2
_LINE_EXTRA = 64 << 10


@dataclass(frozen=True)
class PutBlob:
    """Put a file whose blob is part of the draft."""

    path: str
    oid: bytes


DraftOperation = PutBlob | PutLarge | Move | Delete


class Rows:
    """Git rows waiting for their transaction, in memory while they are few."""

    def __init__(self) -> None:
        self._rows: list[tuple[NewRow, int]] = []
        self._bytes: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115

    def add(self, row: NewRow) -> None:
        """Keep a row; its compressed bytes may go to disk."""
        self._rows.append((row._replace(z=b""), len(row.z)))
        self._bytes.write(row.z)

    def batches(self) -> Iterator[list[NewRow]]:
        """Return the rows in order, in lists of bounded size."""
        self._bytes.seek(0)
        batch, size = [], 0
        for row, length in self._rows:
            batch.append(row._replace(z=self._bytes.read(length)))
            size += length
            if size >= _ROWS_AT_A_TIME:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def close(self) -> None:
        """Free memory and disk."""
        self._bytes.close()


@dataclass
class Draft:
    """A commit read to its end, ready to be applied to a branch."""

    header: Header
    operations: list[DraftOperation]
    rows: Rows = field(default_factory=Rows)
    attributes: bytes | None = None  # the .gitattributes it brings, if any


class Drafting:
    """Builds a draft from the bytes of a request as they arrive."""

    def __init__(self, repo_type: RepoType, limits: Limits) -> None:
        self._repo_type = repo_type
        self._limits = limits
        self._lines = Lines(limits.regular_file * _LINE_FACTOR + _LINE_EXTRA)
        self._parser = Parser(max_operations=limits.files_per_commit)
        self._size = 0
        self._operations: list[DraftOperation] = []
        self._attributes: bytes | None = None
        self._rows = Rows()

    def __enter__(self) -> "Drafting":
        return self

    def __exit__(self, *error: object) -> None:
        self._rows.close()

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the request.

        Raises:
            TooLarge: The request, a line or a file is over its limit.
            InvalidFormat: A line cannot be read, or the card is broken.
        """
        self._size += len(data)
        if self._size > self._limits.commit_body:
            raise TooLarge(f"A commit may have at most {self._limits.commit_body} bytes.")
        self._take(self._lines.feed(data))

    def finish(self) -> Draft:
        """Return the draft; its rows live until the block ends.

        Raises:
            InvalidFormat: The header is missing, or the last line is broken.
        """
        self._take(self._lines.close())
        return Draft(self._parser.header(), self._operations, self._rows, self._attributes)

    def _take(self, lines: list[bytes]) -> None:
        for operation in self._parser.parse(lines):
            self._operations.append(self._prepare(operation))

    def _prepare(self, operation: Operation) -> DraftOperation:
        if not isinstance(operation, PutFile):
            return operation
        path, content = operation.path, operation.content
        if len(content) > self._limits.regular_file:
            raise TooLarge(
                f"{path!r} has {len(content)} bytes; files over {self._limits.regular_file} bytes "
                "must go through Xet or LFS (clients do so when they ask preupload)."
            )
        if path == README:
            check_card(content, self._repo_type)
        if path == gitattributes.PATH:
            gitattributes.parse(content)
            self._attributes = content
        pointer = lfs_pointer.parse(content)
        if pointer is not None:  # whoever writes a pointer must hold what it points at
            return PutLarge(path, pointer.sha256, pointer.size)
        oid = object_id(Kind.BLOB, content)
        self._rows.add(NewRow(oid, Kind.BLOB, len(content), deflate(content), None, len(content)))
        return PutBlob(path, oid)


def check_card(content: bytes, repo_type: RepoType) -> None:
    """Check a README as the public hub does before it accepts one.

    Raises:
        InvalidFormat: The metadata is broken; the message says where.
    """
    try:
        problems = card.check(content.decode(), repo_type)
    except UnicodeDecodeError:
        raise InvalidFormat(f"{README} is not UTF-8 text.") from None
    errors = [problem.message for problem in problems if problem.severity == "error"]
    if errors:
        raise InvalidFormat(f"Invalid metadata in {README}: " + "; ".join(errors))
