"""The hub as a worker sees it: register, ask for a job, answer it.

It stands on `http.client` and not on the HTTP client of the other rooms for two things that one
does not do: an answer of the hub is seen while we still write (the client went away, 410), and a
long poll is broken off from another thread when the worker has to end.
"""

import http.client
import json
import logging
import select
import socket
import ssl
import threading
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from reprise import __version__
from reprise.base.errors import (
    Forbidden,
    HubUnreachable,
    InvalidFormat,
    InvalidInput,
    NotFound,
    RepriseError,
    TooManyRequests,
    Unauthenticated,
)
from reprise.worker.jobs import Job, read_job

log = logging.getLogger("reprise.worker")
_POLL = 45  # seconds: the hub answers within 20
_ANSWER = 60  # seconds that the hub may take to read on
_MAX_JOB = 1 << 30  # bytes
_OK, _NO_CONTENT, _GONE, _BAD = 200, 204, 410, 400
_ERRORS: dict[int, type[RepriseError]] = {
    401: Unauthenticated, 403: Forbidden, 404: NotFound, 429: TooManyRequests,
}  # fmt: skip


class Wire:
    """The hub as a worker sees it.

    Args:
        url: Base URL of the hub.
        token: Access token that may register workers.
    """

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InvalidInput(f"A hub is a URL, http://127.0.0.1:8400, unlike {url!r}.")
        self.url = url.rstrip("/")
        self._parts, self._token = parts, token
        self._open: set[http.client.HTTPConnection] = set()
        self._lock = threading.Lock()

    def register(self, name: str, tasks: Sequence[str], slots: int) -> str:
        """Tell the hub of this worker; gives the id that it is known by.

        Raises:
            Forbidden: The token's account may not register workers.
            HubUnreachable: The hub does not answer.
        """
        told = self._ask(
            "POST", "/api/workers", {"name": name, "tasks": list(tasks), "slots": slots}
        )
        if not isinstance(told, dict) or not isinstance(told.get("worker"), str | int):
            raise InvalidFormat(f"{self.url} did not say which id this worker has.")
        return str(told["worker"])

    def next(self, worker: str, loaded: Sequence[str], free: int) -> Job | list[str]:
        """Wait for a job, or for ids of jobs that nobody waits for any more; often for neither.

        Raises:
            NotFound: The hub does not know this worker (any more).
            HubUnreachable: The hub does not answer, or the poll was broken off.
        """
        path = f"/api/workers/{quote(worker, safe='')}/next"
        told = self._ask("POST", path, {"loaded": list(loaded), "free": free, "cancels": True})
        if isinstance(told, dict) and "job" not in told:
            return [str(job) for job in told.get("cancelled") or ()]
        return [] if told is None else read_job(told)

    def leave(self, worker: str) -> None:
        """Tell the hub that this worker is gone."""
        self._ask("DELETE", f"/api/workers/{quote(worker, safe='')}", None)

    def answer(self, worker: str, job: Job, status: int, content_type: str) -> "Answer":
        """Begin to answer a job.

        Raises:
            HubUnreachable: The hub does not answer.
        """
        path = f"/api/workers/{quote(worker, safe='')}/jobs/{quote(job.id, safe='')}/answer"
        headers = self._headers() | {"X-Reprise-Status": str(status), "Content-Type": content_type}
        return Answer(self._connection(_ANSWER), self._path(path), headers)

    def interrupt(self) -> None:
        """Break off what waits for the hub; answers on their way go on."""
        with self._lock:
            for connection in self._open:
                _shut(connection)

    def _ask(self, method: str, path: str, body: Any) -> Any:
        connection = self._connection(_POLL)
        with self._lock:
            self._open.add(connection)
        try:
            headers = self._headers() | {"Content-Type": "application/json"}
            connection.request(method, self._path(path), json.dumps(body).encode(), headers)
            response = connection.getresponse()
            data = response.read(_MAX_JOB)
        except (OSError, http.client.HTTPException) as error:
            raise HubUnreachable(f"{self.url} does not answer: {error}.") from None
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()
        return self._read(response, data)

    def _read(self, response: http.client.HTTPResponse, data: bytes) -> Any:
        if response.status == _NO_CONTENT:
            return None
        if response.status >= _BAD:
            kind = _ERRORS.get(response.status, HubUnreachable)
            raise kind(f"{self.url} says {response.status}: {_message(data)}")
        try:
            return json.loads(data)
        except ValueError as error:
            raise InvalidFormat(f"{self.url} did not answer with JSON: {error}.") from None

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}",
                "User-Agent": f"reprise-worker/{__version__}"}  # fmt: skip

    def _path(self, path: str) -> str:
        return self._parts.path.rstrip("/") + path

    def _connection(self, seconds: float) -> http.client.HTTPConnection:
        host, port = str(self._parts.hostname), self._parts.port
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
        return http.client.HTTPConnection(host, port, timeout=seconds)


class Answer:
    """An answer on its way to the hub; `write` as often as there is something, then `end`.

    Raises:
        HubUnreachable: The hub cannot be reached.
    """

    def __init__(self, connection: http.client.HTTPConnection, path: str,
                 headers: dict[str, str]) -> None:  # fmt: skip
        self._connection = connection
        self.gone = self._ended = False
        self._guarded(lambda: self._begin(path, headers))

    def write(self, data: bytes) -> None:
        """Send a piece; nothing happens once the client is gone."""
        if data and not self._ended and not self.is_gone():
            self._guarded(lambda: self._connection.send(b"%x\r\n%s\r\n" % (len(data), data)))

    def end(self) -> None:
        """Say that this was all, and hear what the hub says; a second time does nothing."""
        if self._ended:
            return
        self._ended = True
        if not self.is_gone():
            self._guarded(self._finish)
        self._connection.close()

    def is_gone(self) -> bool:
        """Look whether the hub has already answered: nobody waits for the rest.

        Through TLS the socket also has what is no answer, so there it shows only when writing.
        """
        sock = self._connection.sock
        if self.gone or sock is None or isinstance(sock, ssl.SSLSocket):
            return self.gone
        if select.select([sock], [], [], 0)[0]:
            self.gone = True
        return self.gone

    def _begin(self, path: str, headers: dict[str, str]) -> None:
        self._connection.putrequest("POST", path, skip_accept_encoding=True)
        for name, value in headers.items():
            self._connection.putheader(name, value)
        self._connection.putheader("Transfer-Encoding", "chunked")
        self._connection.endheaders()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _finish(self) -> None:
        self._connection.send(b"0\r\n\r\n")
        response = self._connection.getresponse()
        response.read()
        if response.status == _GONE:
            self.gone = True
        elif response.status >= _BAD:
            log.warning("The hub did not take an answer: %s %s", response.status, response.reason)

    def _guarded(self, act: Any) -> None:
        try:
            act()
        except (BrokenPipeError, ConnectionResetError):
            self.gone = True  # the hub has closed: it wants no more of it
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise HubUnreachable(f"The hub does not take the answer: {error}.") from None


def _shut(connection: http.client.HTTPConnection) -> None:
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it was closed already


def _message(data: bytes) -> str:
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    error = found.get("error") if isinstance(found, dict) else None
    return str(error if error is not None else data[:200].decode(errors="replace"))
