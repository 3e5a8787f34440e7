"""The registry as one value: what every use of the hub's domain needs, passed in, never global."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from reprise.base.clock import Clock, system_clock
from reprise.base.files import write_bytes
from reprise.registry.db.database import Database
from reprise.registry.db.migrate import upgrade
from reprise.registry.storage.filesystem import FilesystemStore
from reprise.registry.storage.store import Store

MIB = 1 << 20
_SECRET_BYTES = 32


@dataclass(frozen=True)
class Limits:
    """Ceilings against abuse; each refusal names the number it enforced."""

    regular_file: int = 10 * MIB  # largest blob kept in git itself, bytes
    commit_body: int = 1024 * MIB  # one NDJSON commit, bytes
    json_body: int = 8 * MIB  # any other JSON or form body, bytes
    files_per_commit: int = 100_000
    push_objects: int = 1_000_000  # objects in one pushed pack
    push_bytes: int = 2048 * MIB  # inflated bytes in one pushed pack
    large_file: int = 5 << 40  # one LFS or Xet file, bytes
    lfs_part: int = 1024 * MIB  # LFS files above this come in parts of it, where clients can
    uploads_in_memory: int = 1024 * MIB  # bodies of shards under way, bytes in all
    page: int = 1000  # items in one page of a listing


@dataclass(frozen=True)
class Registry:
    """Database, store, clock, limits and the key that signs short-lived URLs."""

    db: Database
    store: Store
    secret: bytes
    clock: Clock = system_clock
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def open(cls, data: Path, *, database_url: str | None = None) -> "Registry":
        """Open the hub that lives in a folder, creating it when new.

        Args:
            data: Folder with the store, the signing key and (by default) the SQLite file.
            database_url: SQLAlchemy URL of another database.
        """
        data.mkdir(parents=True, exist_ok=True)
        db = Database.open(database_url or f"sqlite:///{data / 'hub.sqlite'}")
        upgrade(db)
        return cls(db, FilesystemStore(data / "store"), _signing_key(data / "secret.key"))

    def close(self) -> None:
        """Close the database."""
        self.db.close()


def _signing_key(path: Path) -> bytes:
    if not path.exists():
        write_bytes(path, secrets.token_bytes(_SECRET_BYTES))
        path.chmod(0o600)
    return path.read_bytes()
