"""Downloaded weights by digest, and the ledger that says which URL gave which digest when.

Below a folder of checkpoints, beside the files that torch.hub keeps there by name:

    .reprise/ledger.json      URL -> sha256, size, mtime_ns, etag, time
    .reprise/blobs/<sha256>   the bytes, read-only
    .reprise/incoming/        transfers under way and waiting to be resumed
    net.pth                   a second name of a blob, where somebody asked for one

Two URLs never share an entry, whatever their file names; equal bytes are kept once.
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reprise.base.clock import Clock, iso, system_clock
from reprise.base.digests import is_sha256, sha256_hex
from reprise.base.files import write_bytes

log = logging.getLogger("reprise.hub")

_VERSION = 1


@dataclass(frozen=True)
class Entry:
    """What a URL gave."""

    sha256: str
    size: int  # bytes
    mtime_ns: int  # of the blob when its digest was last computed
    etag: str = ""
    time: str = ""  # when it was downloaded (ISO)


@dataclass(frozen=True)
class CheckpointStore:
    """The blobs and the ledger of one folder of checkpoints."""

    folder: Path

    @property
    def incoming(self) -> Path:
        """Where transfers put their bytes."""
        return self._own / "incoming"

    @property
    def _own(self) -> Path:
        return self.folder / ".reprise"

    @property
    def _ledger(self) -> Path:
        return self._own / "ledger.json"

    def blob(self, sha256: str) -> Path:
        """Return where the bytes with a digest are, or would be."""
        return self._own / "blobs" / sha256

    def find(self, url: str, *, thorough: bool = False) -> Path | None:
        """Return the verified bytes of a URL, or None.

        Size and time of change tell whether a file was touched since its digest was computed; a
        touched one, or any with `thorough`, is hashed again. A damaged one is removed.
        """
        entry = self._read().get(url)
        if entry is None:
            return None
        path = self.blob(entry.sha256)
        try:
            status = path.stat()
        except OSError:
            return None
        is_untouched = (status.st_size, status.st_mtime_ns) == (entry.size, entry.mtime_ns)
        if is_untouched and not thorough:
            return path
        if status.st_size == entry.size and digest(path) == entry.sha256:
            if not is_untouched:
                self.record(url, entry.sha256, etag=entry.etag)
            return path
        log.warning("The cached file of %s was changed or damaged; it is not used.", url)
        with suppress(OSError):
            path.unlink()
        return None

    def add(self, url: str, file: Path, *, etag: str = "") -> Path:
        """Take over a finished transfer; return the blob."""
        sha256 = digest(file)
        path = self.blob(sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        file.chmod(file.stat().st_mode & ~0o222)
        file.replace(path)
        self.record(url, sha256, etag=etag)
        return path

    def adopt(self, url: str, file: Path, sha256: str) -> Path:
        """Share a file that somebody else keeps, whose digest was just computed.

        A hard link costs nothing; where there can be none, the file is used where it is.
        """
        path = self.blob(sha256)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                os.link(file, path)
        except OSError:
            return file
        self.record(url, sha256)
        return path

    def show(self, blob: Path, name: str) -> None:
        """Give a blob a second name in the folder itself; other people's files stay.

        Nothing is found by that name later: two URLs may want the same one, and the last has it.
        """
        place = self.folder / name
        if not name or Path(name).name != name or blob == place:
            return
        try:
            if place.is_symlink() or (place.exists() and not self.keeps(place)):
                log.debug("%s is not ours and stays as it is.", place)
            elif not place.exists() or not place.samefile(blob):
                spare = self._own / f"{name}.{os.getpid()}"
                os.link(blob, spare)
                spare.replace(place)
        except OSError as error:  # no links on this file system, or it may only be read
            log.debug("Cannot show %s as %s: %s", blob, place, error)

    def keeps(self, file: Path) -> bool:
        """Tell whether a file is a second name of one of the blobs."""
        status = file.stat()
        same = (status.st_dev, status.st_ino)
        with suppress(OSError), os.scandir(self._own / "blobs") as blobs:
            return any((it.stat().st_dev, it.stat().st_ino) == same for it in blobs)
        return False

    def record(self, url: str, sha256: str, *, etag: str = "", clock: Clock = system_clock) -> None:
        """Note what a URL gave; a folder that may only be read is used as it is."""
        status = self.blob(sha256).stat()
        entry = Entry(sha256, status.st_size, status.st_mtime_ns, etag, iso(clock()))
        try:
            with self._locked("ledger"):
                self._write(self._read() | {url: entry})
        except OSError as error:
            log.debug("Cannot write to %s: %s", self._own, error)

    @contextmanager
    def fetching(self, url: str) -> Iterator[Path]:
        """Keep other processes from fetching the same URL; gives the place for its bytes."""
        name = sha256_hex(url.encode())
        self.incoming.mkdir(parents=True, exist_ok=True)
        with self._locked(name):
            yield self.incoming / name

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        from filelock import FileLock

        folder = self._own / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{name}.lock"):
            yield

    def _read(self) -> dict[str, Entry]:
        try:
            value = json.loads(self._ledger.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        urls = value.get("urls") if isinstance(value, dict) else None
        if not isinstance(urls, dict) or value.get("version") != _VERSION:
            return {}
        read = {url: _entry(item) for url, item in urls.items()}
        return {url: entry for url, entry in read.items() if entry is not None}

    def _write(self, entries: dict[str, Entry]) -> None:
        urls = {url: asdict(entry) for url, entry in sorted(entries.items())}
        text = json.dumps({"version": _VERSION, "urls": urls}, indent=2)
        write_bytes(self._ledger, f"{text}\n".encode())


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _entry(value: Any) -> Entry | None:
    """Read one entry; a digest is a file name here, so it must be nothing else."""
    try:
        entry = Entry(**value)
    except TypeError:
        return None
    numbers = isinstance(entry.size, int) and isinstance(entry.mtime_ns, int)
    is_named = isinstance(entry.sha256, str) and is_sha256(entry.sha256)
    return entry if numbers and is_named and isinstance(entry.etag, str) else None
