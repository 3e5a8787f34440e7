"""What torch.hub asks of GitHub, below `/github`: a branch probe, archives, branches and tags.

torch.hub accepts a revision when a branch or tag has its name or starts with it as a commit. The
pages of tags therefore end with the commits of the default branch, so that old ones can be named.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response, StreamingResponse

from reprise.base.digests import is_sha256
from reprise.base.errors import InvalidId, NotFound, RepriseError
from reprise.base.lru import Lru
from reprise.registry import archives, mirror
from reprise.registry.access import Action, Repo
from reprise.registry.git import refs
from reprise.registry.git.history import graph, reachable
from reprise.registry.git.objects import OID_SIZE
from reprise.registry.git.store import GitStore
from reprise.registry.repos import RepoMoved
from reprise.registry.revisions import locate
from reprise.server.calls import Call
from reprise.server.errors import error_response
from reprise.server.file_responses import SAFETY, Content, disposition, matches, send
from reprise.server.responses import Json

MAX_HISTORY = 10_000  # newest commits of the default branch that are listed behind the tags
_PAGE = 30  # GitHub's default
_MAX_PAGE = 100
_MAX_DIGITS = 9  # of a page number; beyond that there is nothing anyway
_HISTORIES = 16 << 20  # bytes of histories kept between pages
_SAID = {HTTPStatus.NOT_FOUND: "Not Found", HTTPStatus.UNAUTHORIZED: "Bad credentials"}

Face = Callable[[Call], Response]
Histories = Lru[tuple[int, bytes], bytes]


@dataclass(frozen=True)
class _Ref:
    name: str
    commit: str


def new_cache() -> Histories:
    """Make the cache of histories that `tags` keeps between pages."""
    return Histories(_HISTORIES, len)


def _as_github(function: Face) -> Face:
    """Let a face report errors in GitHub's shape."""

    @wraps(function)
    def answer(call: Call) -> Response:
        try:
            return function(call)
        except RepoMoved:
            raise  # answered with a redirect
        except RepriseError as error:
            return _refusal(error)

    return answer


@_as_github
def tree(call: Call) -> Response:
    """`GET /github/{repo}/tree/{ref}/`: 200 when the ref exists; how torch.hub looks for `main`."""
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        at = locate(conn, repo, call.param("ref").rstrip("/"))
    return Json({"name": str(repo.repo_id), "commit": {"sha": at.hex}})


@_as_github
def archive(call: Call) -> Response:
    """`GET|HEAD /github/{repo}/zipball/{ref}`: a commit's files, without `ref` the newest ones.

    `large=skip` leaves out the files that are kept outside git: what a client fetches otherwise.
    """
    large = call.query("large") != "skip"
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller, Action.FETCH)
        at = locate(conn, repo, call.param("ref", "HEAD"))
        headers = _archive_headers(
            repo, archives.root_of(repo, at), archives.etag_of(repo, at, large=large)
        )
        if matches(call.header("if-none-match"), headers["ETag"]):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        zipped = archives.archive(conn, call.registry, repo, at, large=large)
    headers["Content-Length"] = str(zipped.length)
    if call.request.method == "HEAD":
        return Response(headers=headers)
    return StreamingResponse(archives.in_blocks(zipped), headers=headers)


@_as_github
def branches(call: Call) -> Response:
    """`GET /github/api/repos/{repo}/branches`, page by page; an empty page ends them."""
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        found = _refs(conn, repo, refs.HEADS)
    start, stop = _page(call)
    return Json([{**_line(call, repo, it), "protected": False} for it in found[start:stop]])


@_as_github
def tags(call: Call) -> Response:
    """`GET /github/api/repos/{repo}/tags`: the tags, then the default branch's commits."""
    start, stop = _page(call)
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        found = _refs(conn, repo, refs.TAGS)
        page, count = found[start:stop], len(found)
        if stop > count:
            commits = _history(conn, repo, call.request.app.state.histories)
            page += [_Ref(it, it) for it in _slice(commits, max(start - count, 0), stop - count)]
    return Json([_line(call, repo, it) for it in page])


@_as_github
def mirrored(call: Call) -> Response:
    """`GET|HEAD /github/mirror/{key}`: a file of another site, by its URL or the URL's SHA-256."""
    text = call.param("key")
    key = bytes.fromhex(text) if is_sha256(text) else mirror.key_of(text)
    with call.registry.db.read() as conn:
        stored = mirror.find(conn, key)
    if stored is None:
        raise NotFound("This URL is not mirrored here.")
    digest = stored.sha256.hex()
    headers = {
        "ETag": f'"{digest}"',
        "X-Mirror-Of": key.hex(),
        "Content-Type": "application/octet-stream",
        "Content-Disposition": disposition(digest),
        "Cache-Control": "public, no-cache",
    }
    return send(call, Content(stored.size, stored), headers)


def _archive_headers(repo: Repo, root: str, etag: str) -> dict[str, str]:
    scope = "private" if repo.private or repo.gated else "public"
    return {
        **SAFETY,
        "ETag": etag,
        "Content-Type": "application/zip",
        "Content-Disposition": disposition(f"{root}.zip"),
        "Cache-Control": f"{scope}, no-cache",
    }


def _refs(conn: Connection, repo: Repo, prefix: str) -> list[_Ref]:
    listed = refs.list_refs(conn, repo.id, prefix)
    return [_Ref(ref.short, (ref.peeled or ref.oid).hex()) for ref in listed]


def _history(conn: Connection, repo: Repo, cache: Histories) -> bytes:
    """The ids of the newest commits of the default branch, one behind the other."""
    tip = refs.read(conn, repo.id, refs.HEADS + repo.default_branch)
    if tip is None:
        return b""
    known = cache.get((repo.id, tip))
    if known is not None:
        return known
    nodes = graph(GitStore(conn, repo.id))
    found = sorted(reachable(nodes, [tip]), key=lambda oid: (-nodes[oid].seconds, oid))
    return cache.put((repo.id, tip), b"".join(found[:MAX_HISTORY]))


def _slice(commits: bytes, start: int, stop: int) -> list[str]:
    part = commits[start * OID_SIZE : stop * OID_SIZE]
    return [part[at : at + OID_SIZE].hex() for at in range(0, len(part), OID_SIZE)]


def _line(call: Call, repo: Repo, ref: _Ref) -> dict[str, Any]:
    url = f"{call.base_url}/github/{repo.repo_id}/zipball/{ref.commit}"
    return {"name": ref.name, "commit": {"sha": ref.commit}, "zipball_url": url}


def _page(call: Call) -> tuple[int, int]:
    """Where the asked page starts and stops; what is no number counts as not given."""
    size = min(_number(call.query("per_page"), _PAGE), _MAX_PAGE)
    start = (_number(call.query("page"), 1) - 1) * size
    return start, start + size


def _number(text: str, default: int) -> int:
    if not (text.isascii() and text.isdigit()):
        return default
    return int(text if len(text) <= _MAX_DIGITS else "9" * _MAX_DIGITS) or default


def _refusal(error: RepriseError) -> Response:
    status = HTTPStatus.NOT_FOUND if isinstance(error, InvalidId) else HTTPStatus(error.status)
    headers = error_response(status, error.message, code=error.code).headers
    body = {
        "message": _SAID.get(status, error.message),
        "detail": error.message,
        "status": str(status.value),
    }
    kept = {name: text for name, text in headers.items() if name.startswith(("x-error", "www"))}
    return Json(body, status, kept)
