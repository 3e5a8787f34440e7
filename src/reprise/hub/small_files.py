"""Code of one commit, one request a file: most of a repo's files, and few of its bytes.

The shared cache costs two requests, a lock and three file operations each. A snapshot copies code
out of it anyway, so small files come straight from the hub, each checked against the listing.
Whatever fails here is left to the slower way, which retries and explains.
"""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from reprise.hub import api
from reprise.hub.address import Address
from reprise.hub.content import ListedFile, git_blob_id
from reprise.hub.placing import flush

log = logging.getLogger("reprise.hub")

LARGEST = 1 << 20  # bytes, held in memory as a whole
_WORKERS = 8  # requests in flight, as huggingface_hub does
_TIMEOUT = 30  # seconds without a byte


@dataclass(frozen=True)
class SmallFiles:
    """A way to get the small files of one commit."""

    address: Address
    commit: str
    token: str | bool | None = None
    _failed: threading.Event = field(default_factory=threading.Event)

    def fetch(self, files: list[ListedFile], into: Path) -> list[ListedFile]:
        """Put small files into a folder; return the files that are still to be fetched."""
        small = [file for file in files if not file.is_large and file.size <= LARGEST]
        if not small:
            return files
        for parent in {(into / file.path).parent for file in small}:
            parent.mkdir(parents=True, exist_ok=True)
        headers = api.headers_for(self.address.endpoint, self.token)
        with ThreadPoolExecutor(_WORKERS) as pool:
            done = list(pool.map(lambda one: self._one(one, into / one.path, headers), small))
        placed = {file.path for file, is_done in zip(small, done, strict=True) if is_done}
        flush(into / path for path in placed)
        return [file for file in files if file.path not in placed]

    def _one(self, file: ListedFile, target: Path, headers: dict[str, str]) -> bool:
        import httpx2

        if self._failed.is_set():
            return False
        try:
            data = self._read(file, headers)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            log.debug("Cannot get %s in one request: %s", file.path, error)
            self._failed.set()
            return False
        if data is None or git_blob_id(data) != file.oid:
            return False
        target.write_bytes(data)
        return True

    def _read(self, file: ListedFile, headers: dict[str, str]) -> bytes | None:
        """Return a file's bytes; None as soon as they cannot be the listed ones."""
        address = self.address
        url = (
            f"{address.endpoint}/{address.repo_type.url_prefix}{address.repo_id}"
            f"/resolve/{self.commit}/{quote(file.path)}"
        )
        data = bytearray()
        with api.session().stream(
            "GET", url, headers=headers, timeout=_TIMEOUT, follow_redirects=True
        ) as answer:
            answer.raise_for_status()
            for block in answer.iter_bytes():
                data += block
                if len(data) > file.size:
                    return None
        return bytes(data)
