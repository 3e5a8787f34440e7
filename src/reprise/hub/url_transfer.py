"""One URL to one file: resumed after a break, retried after a failure, its length verified.

Bytes arrive in a file of their own. It is kept for the next attempt only when the server named a
strong version of what it sends (`ETag`, `Last-Modified`), which is asked for again with `If-Range`:
bytes of two versions never meet in one file.
"""

import json
import logging
import os
import random
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from reprise import __version__
from reprise.base.errors import (
    CorruptContent,
    Forbidden,
    HubUnreachable,
    InvalidInput,
    NotFound,
    RepriseError,
    TooManyRequests,
    Unauthenticated,
)
from reprise.hub.progress import byte_meter

if TYPE_CHECKING:
    import httpx2

log = logging.getLogger("reprise.hub")

_SCHEMES = ("http", "https")
_MAX_REDIRECTS = 8
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_SAYS_NO: dict[int, type[RepriseError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    410: NotFound,
}


@dataclass(frozen=True)
class Patience:
    """How long to try. All times are seconds."""

    attempts: int = 5  # without a single new byte; progress starts the count again
    first_wait: float = 0.5  # doubled every time, up to `longest_wait`
    longest_wait: float = 30.0
    timeout: float = 30.0  # without a byte
    sleep: Callable[[float], None] = time.sleep


PATIENCE = Patience()


@dataclass(frozen=True)
class Received:
    """A finished transfer."""

    size: int
    etag: str  # as the server wrote it, or empty


def check_url(url: str) -> str:
    """Return an address that can be fetched.

    Raises:
        InvalidInput: It is none.
    """
    try:
        parts = urlsplit(url)
        known = parts.scheme in _SCHEMES and bool(parts.hostname)
    except (ValueError, AttributeError, TypeError):
        known = False
    if not known:
        raise InvalidInput(f"{str(url)[:200]!r} is not an http or https URL.")
    return url


def public_url(url: str) -> str:
    """Return a URL without a user's name, password and fragment: fit for files and messages."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))


@contextmanager
def http_client(patience: Patience) -> Iterator["httpx2.Client"]:
    """Open a client that knows proxies, follows redirects and asks for bytes as they are."""
    import httpx2

    headers = {"User-Agent": f"reprise/{__version__}", "Accept-Encoding": "identity"}
    with httpx2.Client(
        headers=headers,
        timeout=patience.timeout,
        follow_redirects=True,
        max_redirects=_MAX_REDIRECTS,
    ) as client:
        yield client


def receive(
    url: str,
    target: Path,
    *,
    progress: bool = True,
    patience: Patience | None = None,
    headers: Mapping[str, str] | None = None,
) -> Received:
    """Download a URL into a file that is whole or absent.

    Args:
        url: http or https.
        target: Replaced when all bytes are here. Its folder must exist.
        progress: Show a bar when somebody is watching.
        patience: How long to try.
        headers: Sent with every request.

    Raises:
        NotFound, Forbidden, Unauthenticated: The server says no.
        TooManyRequests, HubUnreachable: It failed, again and again.
        InvalidInput: The URL cannot be fetched.
    """
    part = _claim(target, check_url(url), dict(headers or {}))
    try:
        received = _until_complete(url, part, progress, patience or PATIENCE)
        with part.path.open("rb") as file:
            os.fsync(file.fileno())
        part.path.replace(target)
    except BaseException:
        part.leave()
        raise
    part.note.unlink(missing_ok=True)
    return received


@dataclass(frozen=True)
class _Part:
    """Bytes on their way, owned by one process; `shared` is where they wait for another."""

    path: Path
    note: Path  # JSON: the URL and the version these bytes belong to
    shared: Path
    url: str
    headers: dict[str, str]  # sent with every request

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def version(self) -> str:
        """What the bytes here belong to; empty when nobody can tell."""
        try:
            known = json.loads(self.note.read_bytes())
            return str(known["version"]) if known["url"] == self.url else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def restart(self, version: str) -> None:
        """Begin with the first byte."""
        self.path.write_bytes(b"")
        self.note.write_text(json.dumps({"url": self.url, "version": version}))

    def leave(self) -> None:
        """Leave what can be resumed to whoever tries next, and nothing else."""
        if self.size and self.version():
            self.note.replace(self.shared.with_name(f"{self.shared.name}.json"))
            self.path.replace(self.shared)
        else:
            self.path.unlink(missing_ok=True)
            self.note.unlink(missing_ok=True)


def _claim(target: Path, url: str, headers: dict[str, str]) -> _Part:
    """Take over what an earlier attempt left; renaming decides between two who want it."""
    shared = target.with_name(f"{target.name}.partial")
    own = target.with_name(f"{target.name}.{uuid.uuid4().hex}.partial")
    part = _Part(own, own.with_name(f"{own.name}.json"), shared, public_url(url), headers)
    with suppress(OSError):
        shared.with_name(f"{shared.name}.json").replace(part.note)
        shared.replace(part.path)
    return part


def _until_complete(url: str, part: _Part, progress: bool, patience: Patience) -> Received:
    failures = 0
    with http_client(patience) as client:
        while True:
            before = part.size
            try:
                return _attempt(client, url, part, progress)
            except _Interrupted as interruption:
                failures = 1 if part.size > before else failures + 1
                if failures >= patience.attempts:
                    raise interruption.error from interruption.__cause__
                wait = min(patience.first_wait * 2 ** (failures - 1), patience.longest_wait)
                wait = max(wait * random.uniform(0.5, 1), interruption.wait)  # noqa: S311
                log.info("%s Trying again in %.1f s.", interruption.error.message, wait)
                patience.sleep(min(wait, patience.longest_wait))


class _Interrupted(Exception):
    """An attempt failed in a way that another may not."""

    def __init__(self, error: RepriseError, wait: float = 0) -> None:
        super().__init__(error.message)
        self.error = error
        self.wait = wait  # seconds the server asked for


def _attempt(client: "httpx2.Client", url: str, part: _Part, progress: bool) -> Received:
    import httpx2

    shown = part.url
    try:
        with client.stream("GET", url, headers=_resuming(part)) as answer:
            _check_status(answer, part)
            total = _start(answer, part)
            _write(answer, part, total, progress)
            etag = answer.headers.get("ETag", "")
    except (httpx2.TooManyRedirects, httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
        raise HubUnreachable(f"{shown} cannot be fetched: {error}") from error
    except httpx2.HTTPError as error:
        lost = str(error) or type(error).__name__
        raise _Interrupted(HubUnreachable(f"{shown} broke off: {lost}")) from error
    if total is not None and part.size < total:
        raise _Interrupted(HubUnreachable(f"{shown} ended after {part.size} of {total} bytes."))
    if total is not None and part.size > total:
        part.restart("")
        raise CorruptContent(f"{shown} sends more than the {total} bytes it announces.")
    return Received(part.size, etag)


def _resuming(part: _Part) -> dict[str, str]:
    version = part.version()
    if not version or not part.size:
        return part.headers
    return part.headers | {"Range": f"bytes={part.size}-", "If-Range": version}


def _check_status(answer: "httpx2.Response", part: _Part) -> None:
    status = answer.status_code
    if status in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
        return
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        part.restart("")
        raise _Interrupted(HubUnreachable(f"{part.url} is not what it was before."))
    if status in _AGAIN:
        error = TooManyRequests if status == HTTPStatus.TOO_MANY_REQUESTS else HubUnreachable
        failed = error(f"{part.url} failed with status {status}.", hint="Try again later.")
        raise _Interrupted(failed, _asked_wait(answer.headers.get("Retry-After", "")))
    raise _SAYS_NO.get(status, HubUnreachable)(f"{part.url} answered with status {status}.")


def _asked_wait(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() else 0.0


def _start(answer: "httpx2.Response", part: _Part) -> int | None:
    """Place the file's end where the answer begins; return the whole length when it is known."""
    if answer.status_code == HTTPStatus.PARTIAL_CONTENT:
        found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if found is None or int(found[1]) != part.size:
            part.restart("")
            raise _Interrupted(HubUnreachable(f"{part.url} answers with another range."))
        return int(found[2]) if found[2] != "*" else None
    part.restart(_strong_version(answer))
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdigit() else None


def _strong_version(answer: "httpx2.Response") -> str:
    """What `If-Range` accepts: a strong ETag, or else a date; empty when nothing can be resumed."""
    if answer.headers.get("Accept-Ranges", "").strip() == "none":
        return ""
    etag = str(answer.headers.get("ETag", ""))
    if etag:
        return "" if etag.startswith("W/") else etag
    return str(answer.headers.get("Last-Modified", ""))


def _write(answer: "httpx2.Response", part: _Part, total: int | None, progress: bool) -> None:
    left = (total or 0) - part.size if progress else 0
    name = urlsplit(part.url).path.rpartition("/")[2] or part.url
    with part.path.open("ab") as file, byte_meter(f"Fetching {name}", left) as meter:
        bar = meter.file()
        # As they come: a length and a digest are of the bytes on the wire.
        for block in answer.iter_raw():
            file.write(block)
            meter.add(bar, len(block))
