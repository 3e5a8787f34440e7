"""Large files that come by LFS: who may upload what, and what becomes of the bytes.

A file counts as uploaded to a repo only after its bytes went through this process and their
SHA-256 and size were right, even when another repo holds the same file already: knowing a digest
is no proof of holding the bytes.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select

from reprise.base.digests import is_sha256
from reprise.base.errors import CorruptContent, InvalidInput, NotFound, RepoNotFound, TooLarge
from reprise.registry import stored
from reprise.registry.db.database import lock_repo, lock_store
from reprise.registry.db.schema import lfs_upload, repo
from reprise.registry.registry import Registry
from reprise.registry.storage.store import Staged, file_key

MAX_PARTS = 10_000
STALE = 7 * 24 * 3600 * 1_000_000  # microseconds after which an unfinished upload is dropped
_REPO = select(repo.c.id).where(repo.c.id == bindparam("id"))


@dataclass(frozen=True)
class LargeFile:
    """What an uploader announces: SHA-256 in hex and size in bytes, for one repo."""

    repo_id: int
    sha256: str
    size: int


@dataclass(frozen=True)
class PartedUpload:
    """An upload in parts; all but the last have `part_size` bytes."""

    id: str
    file: LargeFile
    part_size: int

    @property
    def parts(self) -> int:
        """Number of parts, numbered from 1."""
        return -(-self.file.size // self.part_size)

    def part_length(self, number: int) -> int:
        """Size of one part in bytes.

        Raises:
            InvalidInput: There is no part of that number.
        """
        if not 1 <= number <= self.parts:
            raise InvalidInput(f"Part {number} does not exist; this upload has {self.parts} parts.")
        return min(self.part_size, self.file.size - (number - 1) * self.part_size)


def check_size(registry: Registry, size: int) -> None:
    """Refuse files over the hub's limit before anybody uploads them.

    Raises:
        TooLarge: It is over.
    """
    if size > registry.limits.large_file:
        raise TooLarge(f"A file of {size} bytes is over the limit of {registry.limits.large_file}.")


@contextmanager
def receive(registry: Registry, length: int) -> Iterator["Incoming"]:
    """Stage exactly `length` bytes; leaving the block without keeping them discards them."""
    with registry.store.stage() as staged:
        yield Incoming(staged, length)


@dataclass(frozen=True)
class Incoming:
    """Bytes on their way in."""

    staged: Staged
    length: int

    def write(self, data: bytes | memoryview) -> None:
        """Take the next bytes.

        Raises:
            CorruptContent: More than announced.
        """
        if self.staged.size + len(data) > self.length:
            raise CorruptContent(f"More bytes came than the announced {self.length}.")
        self.staged.write(data)

    def check_complete(self) -> None:
        """Make sure that nothing is missing.

        Raises:
            CorruptContent: Fewer bytes than announced.
        """
        if self.staged.size != self.length:
            raise CorruptContent(f"{self.staged.size} bytes came of the announced {self.length}.")


def keep(registry: Registry, file: LargeFile, incoming: Incoming) -> None:
    """Publish what came in and note that the repo may refer to it.

    Raises:
        CorruptContent: Size or SHA-256 differ from what was announced; nothing is kept.
        RepoNotFound: The repo was deleted meanwhile.
    """
    incoming.check_complete()
    if incoming.staged.sha256() != file.sha256:
        raise CorruptContent(
            f"The bytes that came have SHA-256 {incoming.staged.sha256()}, not {file.sha256}."
        )
    key = file_key(file.sha256)
    incoming.staged.publish(key)
    with registry.db.write() as conn:
        lock_store(conn)
        _check_repo(conn, file.repo_id)
        if registry.store.size(key) is None:  # older bytes stood there, unused, and were deleted
            incoming.staged.publish(key)
        stored.record(
            conn,
            repo_id=file.repo_id,
            sha256=bytes.fromhex(file.sha256),
            size=file.size,
            whole=True,
            now=registry.clock(),
        )


# -- uploads in parts -----------------------------------------------------------------------


def start_parts(conn: Connection, registry: Registry, file: LargeFile) -> PartedUpload:
    """Open an upload in parts.

    Raises:
        TooLarge: It would need more than `MAX_PARTS` parts.
    """
    upload = PartedUpload(secrets.token_urlsafe(24), file, registry.limits.lfs_part)
    if upload.parts > MAX_PARTS:
        raise TooLarge(f"A file of {file.size} bytes would need more than {MAX_PARTS} parts.")
    values = {
        "id": upload.id,
        "repo_id": file.repo_id,
        "sha256": bytes.fromhex(file.sha256),
        "size": file.size,
        "part_size": upload.part_size,
        "created_at": registry.clock(),
    }
    conn.execute(insert(lfs_upload).values(values))
    return upload


def find_parts(conn: Connection, upload_id: str) -> PartedUpload:
    """Find an upload in parts.

    Raises:
        NotFound: It was finished or dropped.
    """
    row = conn.execute(select(lfs_upload).where(lfs_upload.c.id == upload_id)).one_or_none()
    if row is None:
        raise NotFound("This upload was finished or dropped; start it again.")
    return PartedUpload(row.id, LargeFile(row.repo_id, row.sha256.hex(), row.size), row.part_size)


def keep_part(upload: PartedUpload, number: int, incoming: Incoming) -> str:
    """Keep one part and return its SHA-256 in hex. A part sent twice replaces nothing.

    Raises:
        CorruptContent: Fewer bytes than the part must have.
    """
    incoming.check_complete()
    digest = incoming.staged.sha256()
    incoming.staged.publish(_part_key(upload, number, digest))
    return digest


def finish_parts(registry: Registry, upload: PartedUpload, digests: list[str]) -> None:
    """Join the parts, given by their digests in order, and keep the file.

    Raises:
        InvalidInput: A part is missing.
        CorruptContent: Size or SHA-256 differ from what was announced.
    """
    if len(digests) != upload.parts or not all(map(is_sha256, digests)):
        raise InvalidInput(f"Name the {upload.parts} parts of this upload, in order, by ETag.")
    keys = [_part_key(upload, number, digest) for number, digest in enumerate(digests, 1)]
    if any(registry.store.size(key) is None for key in keys):
        raise InvalidInput("Some parts of this upload have not come.")
    with receive(registry, upload.file.size) as incoming:
        for key in keys:
            for piece in registry.store.stream(key):
                incoming.write(piece)
        keep(registry, upload.file, incoming)
    drop_parts(registry, upload)


def drop_parts(registry: Registry, upload: PartedUpload) -> None:
    """Forget an upload in parts and delete what came of it."""
    with registry.db.write() as conn:
        conn.execute(delete(lfs_upload).where(lfs_upload.c.id == upload.id))
    for key in list(registry.store.keys(_parts_folder(upload))):
        registry.store.delete(key)


def drop_stale_parts(registry: Registry) -> int:
    """Drop uploads that were never finished; returns how many."""
    before = registry.clock() - STALE
    with registry.db.read() as conn:
        rows = conn.execute(select(lfs_upload.c.id).where(lfs_upload.c.created_at < before)).all()
        uploads = [find_parts(conn, row.id) for row in rows]
    for upload in uploads:
        drop_parts(registry, upload)
    return len(uploads)


def _parts_folder(upload: PartedUpload) -> str:
    return f"part/{upload.id}"


def _part_key(upload: PartedUpload, number: int, digest: str) -> str:
    return f"{_parts_folder(upload)}/{number}-{digest}"


def _check_repo(conn: Connection, repo_id: int) -> None:
    lock_repo(conn, repo_id)
    if conn.execute(_REPO, {"id": repo_id}).first() is None:
        raise RepoNotFound("The repo was deleted while the file was on its way.")
