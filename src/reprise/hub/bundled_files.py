"""Small files of one commit in one request: the archive that a Reprise hub makes of it.

Other hubs have none and answer 404. Whatever is missing, damaged or not as listed is left to the
slower ways: nothing is kept that the listing does not vouch for.
"""

import logging
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from reprise.base.ids import RepoType
from reprise.hub import api
from reprise.hub.address import Address
from reprise.hub.content import ListedFile, git_blob_id
from reprise.hub.placing import flush

log = logging.getLogger("reprise.hub")

_WORTH = 8  # files; fewer arrive as fast one by one, at once
_MOST = 256 << 20  # bytes of one archive
_IN_MEMORY = 16 << 20  # bytes; larger archives wait on disk
_PER_FILE = 512  # bytes of an archive beside a file's content and twice its name
_TIMEOUT = 30  # seconds without a byte
_BROKEN = (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError)


@dataclass(frozen=True)
class BundledFiles:
    """A way to get the small files of one commit."""

    address: Address
    commit: str
    token: str | bool | None = None

    def fetch(
        self, files: list[ListedFile], into: Path, listing: list[ListedFile]
    ) -> list[ListedFile]:
        """Put small files into a folder; return the files that are still to be fetched.

        Args:
            files: What is wanted.
            into: An empty folder.
            listing: All files of the commit: the archive holds the small ones of these.
        """
        import httpx2

        small = {file.path: file for file in files if not file.is_large}
        limit = sum(_room(file) for file in listing if not file.is_large)
        if not self._is_worth_it(small, limit):
            return files
        try:
            with tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(into.parent)) as archive:
                if not self._download(archive, limit):
                    return files
                placed = _unpack(archive, small, into)
        except (httpx2.HTTPError, httpx2.InvalidURL, *_BROKEN) as error:
            log.debug("Cannot use the archive of %s: %s", self.address, error)
            placed = {path for path, file in small.items() if _is_whole(into / path, file)}
        flush(into / path for path in placed)
        return [file for file in files if file.path not in placed]

    def _is_worth_it(self, small: dict[str, ListedFile], limit: int) -> bool:
        wanted = sum(_room(file) for file in small.values())
        is_model = self.address.repo_type is RepoType.MODEL and bool(self.address.repo_id.owner)
        return is_model and len(small) >= _WORTH and limit <= _MOST and wanted * 2 >= limit

    def _download(self, archive: IO[bytes], limit: int) -> bool:
        url = f"{self.address.endpoint}/github/{quote(str(self.address.repo_id))}/zipball/"
        with api.session().stream(
            "GET",
            f"{url}{self.commit}?large=skip",
            headers=api.headers_for(self.address.endpoint, self.token),
            timeout=_TIMEOUT,
            follow_redirects=True,
        ) as answer:
            if answer.status_code != 200:  # noqa: PLR2004 - every other status means no archive
                return False
            size = 0
            for block in answer.iter_bytes():
                size += len(block)
                if size > limit:
                    log.debug("The archive of %s is too large", self.address)
                    return False
                archive.write(block)
        return True


def _room(file: ListedFile) -> int:
    """Bytes that a file may take in an archive."""
    return file.size + 2 * len(file.path.encode(errors="replace")) + _PER_FILE


def _unpack(archive: IO[bytes], wanted: dict[str, ListedFile], into: Path) -> set[str]:
    """Write the members that are listed, with the bytes that are listed, and no others."""
    placed: set[str] = set()
    for parent in {(into / path).parent for path in wanted}:
        parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            path = info.filename.partition("/")[2]
            file = wanted.get(path)
            if file is None or path in placed or info.file_size != file.size:
                continue
            with opened.open(info) as source:
                data = source.read(file.size + 1)
            if git_blob_id(data) == file.oid:
                (into / path).write_bytes(data)
                placed.add(path)
    return placed


def _is_whole(local_path: Path, file: ListedFile) -> bool:
    """Tell whether a file was written to its end; the beginning of one is removed."""
    if not local_path.exists():
        return False
    if file.matches(local_path):
        return True
    local_path.unlink()
    return False
