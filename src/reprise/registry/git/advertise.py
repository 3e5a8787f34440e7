"""What the hub says before a fetch or push: its capabilities, and where its refs point."""

from collections.abc import Iterator
from enum import StrEnum

from sqlalchemy import Connection

from reprise.registry.access import Repo
from reprise.registry.git.objects import ZERO
from reprise.registry.git.pktline import FLUSH, packet
from reprise.registry.git.refs import HEADS, TAGS, Ref, list_refs

AGENT = "agent=reprise"
# Refs of the hub's own; never shown, never pushed.
HIDDEN = "refs/reprise/"
# Shown to those who fetch, so that a pull request can be tried; written by the hub alone.
PULL_REQUESTS = "refs/pr/"

V2 = ("version 2", AGENT, "ls-refs=unborn", "fetch=shallow wait-for-done filter",
      "object-format=sha1")  # fmt: skip
_UPLOAD = (
    "multi_ack multi_ack_detailed no-done side-band side-band-64k no-progress include-tag shallow "
    "deepen-since deepen-not deepen-relative filter allow-tip-sha1-in-want "
    "allow-reachable-sha1-in-want object-format=sha1"
)
_RECEIVE = (
    "report-status delete-refs quiet atomic ofs-delta side-band-64k push-options object-format=sha1"
)


class Service(StrEnum):
    """The two services of git's smart protocol."""

    UPLOAD = "git-upload-pack"
    RECEIVE = "git-receive-pack"


def shown_refs(conn: Connection, repo: Repo) -> list[Ref]:
    """List the refs a fetch may see, sorted by name."""
    return [ref for ref in list_refs(conn, repo.id) if not ref.name.startswith(HIDDEN)]


def head(repo: Repo, refs: list[Ref]) -> Ref | None:
    """Find the ref behind HEAD; None while the default branch has no commit."""
    return next((ref for ref in refs if ref.name == HEADS + repo.default_branch), None)


def advertise(conn: Connection, repo: Repo, service: Service, version: int) -> Iterator[bytes]:
    """Answer `info/refs`, in the version of the protocol the client asked for."""
    if version >= 2 and service is Service.UPLOAD:  # noqa: PLR2004 - the version's own number
        yield from (packet(f"{line}\n") for line in V2)
        yield FLUSH
        return
    yield packet(f"# service={service}\n")
    yield FLUSH
    if version == 1:
        yield packet("version 1\n")
    lines = _upload_lines(conn, repo) if service is Service.UPLOAD else _push_lines(conn, repo)
    first = True
    for line in lines:
        yield packet(f"{line}\0{_capabilities(repo, service, line)}\n" if first else f"{line}\n")
        first = False
    yield FLUSH


def _capabilities(repo: Repo, service: Service, first_line: str) -> str:
    if service is Service.RECEIVE:
        return f"{_RECEIVE} {AGENT}"
    born = first_line.endswith(" HEAD")
    symref = f" symref=HEAD:{HEADS}{repo.default_branch}" if born else ""
    return f"{_UPLOAD}{symref} {AGENT}"


def _upload_lines(conn: Connection, repo: Repo) -> Iterator[str]:
    refs = shown_refs(conn, repo)
    target = head(repo, refs)
    if target is not None:
        yield f"{target.oid.hex()} HEAD"
    for ref in refs:
        yield f"{ref.oid.hex()} {ref.name}"
        if ref.peeled is not None:
            yield f"{ref.peeled.hex()} {ref.name}^{{}}"
    if not refs:
        yield f"{ZERO.hex()} capabilities^{{}}"


def _push_lines(conn: Connection, repo: Repo) -> Iterator[str]:
    refs = [ref for ref in list_refs(conn, repo.id) if ref.name.startswith((HEADS, TAGS))]
    for ref in refs:
        yield f"{ref.oid.hex()} {ref.name}"
    if not refs:
        yield f"{ZERO.hex()} capabilities^{{}}"
