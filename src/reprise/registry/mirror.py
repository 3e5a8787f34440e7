"""Files of other sites that this hub keeps: which URL, which SHA-256.

Only the hub's operator adds to it. A request never makes the hub fetch anything.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import Connection, bindparam, delete, select

from reprise.base.digests import is_sha256, sha256_hex
from reprise.base.errors import AlreadyExists, CorruptContent, InvalidInput, NotFound, TooLarge
from reprise.registry import stored
from reprise.registry.db.database import lock_store
from reprise.registry.db.schema import mirror, stored_file
from reprise.registry.db.upsert import insert
from reprise.registry.registry import Registry
from reprise.registry.storage.store import Staged, file_key
from reprise.registry.stored import StoredFile

MAX_URL = 2048
# torch.hub's own pattern: what it finds in a file's name it takes for the start of a SHA-256.
_HASH_IN_NAME = re.compile(r"-([a-f0-9]*)\.")
_SHORTEST = 8  # hex digits that are meant as a hash, by PyTorch's convention
_PLAIN = re.compile(r"[\x21-\x7e]+")

_BY_KEY = (
    select(stored_file.c.sha256, stored_file.c.size, stored_file.c.whole, stored_file.c.xet_hash)
    .join(mirror, mirror.c.sha256 == stored_file.c.sha256)
    .where(mirror.c.url_sha256 == bindparam("key"))
)


@dataclass(frozen=True)
class Mirrored:
    """A mirrored URL. Time in microseconds since 1970, UTC."""

    url: str
    sha256: str
    size: int
    created_at: int


def key_of(url: str) -> bytes:
    """Return what a URL is looked up by: its SHA-256, so that asking tells the hub nothing."""
    return bytes.fromhex(sha256_hex(url.encode(errors="surrogatepass")))


def check_url(url: str) -> str:
    """Return `url` when it may be mirrored.

    Raises:
        InvalidInput: Not http(s), no host, with credentials or a fragment, too long.
    """
    try:
        parts = urlsplit(url)
        wrong = parts.scheme not in {"http", "https"} or not parts.hostname
        wrong = wrong or "@" in parts.netloc or "#" in url
    except ValueError:
        wrong = True
    if wrong or len(url) > MAX_URL or not _PLAIN.fullmatch(url):
        raise InvalidInput(
            f"{url[:80]!r} cannot be mirrored: use an http or https URL of at most {MAX_URL} ASCII "
            "characters, without a user name, a fragment or spaces."
        )
    return url


def add(
    registry: Registry,
    url: str,
    pieces: Iterable[bytes],
    *,
    sha256: str | None = None,
    replace: bool = False,
) -> Mirrored:
    """Keep the content of a URL.

    Args:
        registry: The hub.
        url: The URL that clients will ask for, exactly.
        pieces: The content.
        sha256: What it must hash to, 64 hex digits.
        replace: Let a URL that is mirrored already mean other content from now on.

    Raises:
        InvalidInput: URL or digest are malformed.
        CorruptContent: The content has another hash, or another than the file's name says.
        AlreadyExists: The URL is mirrored with other content.
        TooLarge: It is over the hub's limit for large files.
    """
    check_url(url)
    if sha256 is not None and not is_sha256(sha256):
        raise InvalidInput("A SHA-256 is 64 lower-case hex digits.")
    with registry.store.stage() as staged:
        _fill(registry, staged, pieces)
        digest = staged.sha256()
        _check_digest(url, digest, sha256)
        key = file_key(digest)
        staged.publish(key)
        found = Mirrored(url, digest, staged.size, registry.clock())
        with registry.db.write() as conn:
            lock_store(conn)
            if registry.store.size(key) is None:  # older bytes stood there, and were deleted
                staged.publish(key)
            _record(conn, found, replace=replace)
    return found


def find(conn: Connection, key: bytes) -> StoredFile | None:
    """Find the content of a URL by its key, or None."""
    row = conn.execute(_BY_KEY, {"key": key}).one_or_none()
    return StoredFile(*row) if row is not None else None


def list_all(conn: Connection) -> list[Mirrored]:
    """List what is mirrored, by URL."""
    query = select(mirror.c.url, mirror.c.sha256, stored_file.c.size, mirror.c.created_at)
    query = query.join(stored_file, stored_file.c.sha256 == mirror.c.sha256)
    rows = conn.execute(query.order_by(mirror.c.url))
    return [Mirrored(url, sha256.hex(), size, at) for url, sha256, size, at in rows]


def remove(conn: Connection, url: str) -> None:
    """Forget a URL; `registry.unused` deletes the content once nothing else refers to it.

    Raises:
        NotFound: It is not mirrored.
    """
    done = conn.execute(delete(mirror).where(mirror.c.url_sha256 == key_of(url)))
    if not done.rowcount:
        raise NotFound(f"{url!r} is not mirrored here.")


def _fill(registry: Registry, staged: Staged, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        if staged.size + len(piece) > registry.limits.large_file:
            raise TooLarge(f"It is over this hub's limit of {registry.limits.large_file} bytes.")
        staged.write(piece)


def _check_digest(url: str, digest: str, expected: str | None) -> None:
    if expected is not None and digest != expected:
        raise CorruptContent(f"{url} has SHA-256 {digest}, not {expected}; nothing was kept.")
    named = _HASH_IN_NAME.search(urlsplit(url).path.rpartition("/")[2])
    start = named[1] if named else ""
    if len(start) >= _SHORTEST and not digest.startswith(start):
        raise CorruptContent(
            f"{url} has SHA-256 {digest}, but its name promises {start}…; nothing was kept."
        )


def _record(conn: Connection, found: Mirrored, *, replace: bool) -> None:
    digest, key = bytes.fromhex(found.sha256), key_of(found.url)
    known = find(conn, key)
    if known is not None and known.sha256 != digest and not replace:
        raise AlreadyExists(
            f"{found.url} is mirrored with other content, SHA-256 {known.sha256.hex()}."
        )
    stored.add(conn, StoredFile(digest, found.size, True, None), now=found.created_at)
    values = {"url": found.url, "sha256": digest, "created_at": found.created_at}
    statement = insert(conn, mirror).values(url_sha256=key, **values)
    conn.execute(statement.on_conflict_do_update(index_elements=["url_sha256"], set_=values))
