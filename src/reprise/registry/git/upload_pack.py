"""`git-upload-pack` over HTTP: what `git clone` and `git fetch` talk to, protocols 0, 1 and 2."""

from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

from sqlalchemy import Connection

from reprise.base.errors import InvalidFormat, InvalidInput, RepriseError
from reprise.registry.access import Repo
from reprise.registry.git.advertise import head, shown_refs
from reprise.registry.git.fetch_request import FetchRequest
from reprise.registry.git.fetching import Fetch
from reprise.registry.git.objects import ZERO
from reprise.registry.git.pktline import (
    DELIM,
    FLUSH,
    Bands,
    Mark,
    Sink,
    error_packet,
    packet,
    read_lines,
    read_packet,
)

_SIDE_BAND_64K = 65_520
_SIDE_BAND = 1000
# A client that names more prefixes than this gets every ref, as in git.
_MAX_PREFIXES = 1000


def respond(conn: Connection, repo: Repo, body: bytes, sink: Sink, *, version: int) -> None:
    """Answer one POST to `git-upload-pack`.

    Args:
        conn: An open snapshot.
        repo: The repo, which the caller may read.
        body: The request.
        sink: Receives the response. Errors of the request go there too, as git expects.
        version: Of the protocol: 0, 1 or 2.
    """
    source = BytesIO(body)
    try:
        if version == 2:  # noqa: PLR2004 - the version's own number
            _serve_v2(conn, repo, source, sink)
        else:
            _serve_v0(conn, repo, source, sink)
    except RepriseError as error:
        sink.write(error_packet(error.message))


# -- version 2 ------------------------------------------------------------------------------


def _serve_v2(conn: Connection, repo: Repo, source: BinaryIO, sink: Sink) -> None:
    while isinstance(line := read_packet(source), bytes):
        command = line.rstrip(b"\n").removeprefix(b"command=").decode("utf-8", "replace")
        arguments = _arguments(source)
        if command == "ls-refs":
            _ls_refs(conn, repo, arguments, sink)
        elif command == "fetch":
            _fetch_v2(conn, repo, arguments, sink)
        else:
            raise InvalidInput(f"Unknown command {command[:80]!r}.")


def _arguments(source: BinaryIO) -> list[str]:
    """Read a command's capabilities (nothing in them matters here) and its arguments."""
    while isinstance(mark := read_packet(source), bytes):
        if mark.startswith(b"object-format=") and mark.strip() != b"object-format=sha1":
            raise InvalidInput("This hub stores SHA-1 repos only.")
    return [_decode(line) for line in read_lines(source)] if mark is Mark.DELIM else []


def _ls_refs(conn: Connection, repo: Repo, arguments: list[str], sink: Sink) -> None:
    prefixes = tuple(a.removeprefix("ref-prefix ") for a in arguments if a.startswith("ref-prefix"))
    if len(prefixes) > _MAX_PREFIXES or not prefixes:
        prefixes = ("",)
    refs, peel = shown_refs(conn, repo), "peel" in arguments
    target = head(repo, refs)
    symref = f" symref-target:refs/heads/{repo.default_branch}" if "symrefs" in arguments else ""
    if "HEAD".startswith(prefixes):
        if target is not None:
            sink.write(packet(f"{target.oid.hex()} HEAD{symref}\n"))
        elif "unborn" in arguments:
            sink.write(packet(f"unborn HEAD{symref}\n"))
    for ref in refs:
        if ref.name.startswith(prefixes):
            peeled = f" peeled:{ref.peeled.hex()}" if peel and ref.peeled else ""
            sink.write(packet(f"{ref.oid.hex()} {ref.name}{peeled}\n"))
    sink.write(FLUSH)


def _fetch_v2(conn: Connection, repo: Repo, arguments: list[str], sink: Sink) -> None:
    request = FetchRequest()
    for line in arguments:
        request.take(line)
    if not request.wants:
        sink.write(FLUSH)
        return
    fetch = Fetch(conn, repo, request)
    if request.haves and not request.done and not _acknowledge(fetch, sink):
        return
    if fetch.edge is not None:
        sink.write(packet("shallow-info\n"))
        _write_edge(fetch, sink)
        sink.write(DELIM)
    sink.write(packet("packfile\n"))
    bands = Bands(sink, _SIDE_BAND_64K)
    fetch.send_pack(bands)
    bands.finish()


def _acknowledge(fetch: Fetch, sink: Sink) -> bool:
    """Say which commits both sides have; True when the pack may follow."""
    sink.write(packet("acknowledgments\n"))
    for oid in fetch.common:
        sink.write(packet(f"ACK {oid.hex()}\n"))
    if not fetch.common:
        sink.write(packet("NAK\n"))
    ready = "wait-for-done" not in fetch.request.words and fetch.ready()
    if ready:
        sink.write(packet("ready\n"))
    sink.write(DELIM if ready else FLUSH)
    return ready


def _write_edge(fetch: Fetch, sink: Sink) -> None:
    assert fetch.edge is not None
    for oid in fetch.edge.shallow:
        sink.write(packet(f"shallow {oid.hex()}"))
    for oid in fetch.edge.unshallow:
        sink.write(packet(f"unshallow {oid.hex()}"))


# -- versions 0 and 1 -----------------------------------------------------------------------


def _serve_v0(conn: Connection, repo: Repo, source: BinaryIO, sink: Sink) -> None:
    request = FetchRequest()
    capabilities = _read_wants(request, source)
    if not request.wants:
        return
    steps = list(_read_haves(request, source))
    fetch = Fetch(conn, repo, request)
    if fetch.edge is not None:
        _write_edge(fetch, sink)
        sink.write(FLUSH)
    if not steps and not request.done:  # a client that only asked where the new edge is
        return
    if not _negotiate(fetch, steps, capabilities, sink):
        return
    bands = Bands(sink, _band_limit(capabilities))
    fetch.send_pack(bands)
    bands.finish()


def _read_wants(request: FetchRequest, source: BinaryIO) -> set[str]:
    capabilities: set[str] = set()
    for number, line in enumerate(read_lines(source)):
        text = _decode(line)
        if number == 0:
            want, words = text[: len("want ") + 40], text[len("want ") + 40 :]
            capabilities = set(words.split())
            text = want
        request.take(text)
    request.words |= capabilities
    return capabilities


def _read_haves(request: FetchRequest, source: BinaryIO) -> Iterator[bytes | None]:
    """Read what follows the wants: ids the client has, None for a flush, up to `done`."""
    while (line := read_packet(source)) is not Mark.EOF:
        if not isinstance(line, bytes):
            yield None
            continue
        request.take(_decode(line.rstrip(b"\n")))
        if request.done:
            return
        yield request.haves[-1] if request.haves else None


def _negotiate(fetch: Fetch, steps: list[bytes | None], capabilities: set[str], sink: Sink) -> bool:
    """Answer haves as git's `multi_ack` modes prescribe; True when the pack follows."""
    mode = _AckMode(capabilities, sink)
    common, ready = set(fetch.common), fetch.ready()
    for oid in steps:
        if oid is None:
            if mode.flush(ready):
                return True
        elif oid in common:
            mode.shared(oid)
        elif ready:
            mode.enough(oid)
    if not fetch.request.done:
        return False
    mode.done()
    return True


class _AckMode:
    """The three dialects in which a server acknowledges commits."""

    def __init__(self, capabilities: set[str], sink: Sink) -> None:
        self._sink = sink
        self._detailed = "multi_ack_detailed" in capabilities
        self._multi = self._detailed or "multi_ack" in capabilities
        self._no_done = "no-done" in capabilities
        self._last = ZERO
        self._in_round = False
        self._said_ready = False

    def shared(self, oid: bytes) -> None:
        """Acknowledge a commit that both sides have."""
        first = self._last == ZERO
        self._last = oid
        self._in_round = True
        if self._multi:
            self._ack(oid, " common" if self._detailed else " continue")
        elif first:
            self._ack(oid, "")

    def enough(self, oid: bytes) -> None:
        """Tell the client that it need not name more commits."""
        if self._multi and self._last != ZERO:
            self._said_ready = True
            self._ack(oid, " ready" if self._detailed else " continue")

    def flush(self, ready: bool) -> bool:
        """End a round; True when the client waits for the pack without saying `done`."""
        if self._detailed and self._in_round and ready:
            self._said_ready = True
            self._ack(self._last, " ready")
        if self._multi or self._last == ZERO:
            self._sink.write(packet("NAK\n"))
        self._in_round = False
        if self._no_done and self._said_ready:
            self._ack(self._last, "")
            return True
        return False

    def done(self) -> None:
        """Answer the client's `done`."""
        if self._last == ZERO:
            self._sink.write(packet("NAK\n"))
        elif self._multi:
            self._ack(self._last, "")

    def _ack(self, oid: bytes, how: str) -> None:
        self._sink.write(packet(f"ACK {oid.hex()}{how}\n"))


def _band_limit(capabilities: set[str]) -> int:
    if "side-band-64k" in capabilities:
        return _SIDE_BAND_64K
    return _SIDE_BAND if "side-band" in capabilities else 0


def _decode(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise InvalidFormat("A line of the request is not valid UTF-8.") from None
