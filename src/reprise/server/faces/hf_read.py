"""Reading files over the Hub API: resolve, raw, tree, paths-info."""

import re
from typing import Any
from urllib.parse import parse_qs, urlencode

from sqlalchemy import Connection
from starlette.background import BackgroundTask
from starlette.responses import Response

from reprise.base.clock import iso
from reprise.base.errors import EntryNotFound, InvalidInput, TooLarge
from reprise.base.ids import is_commit
from reprise.formats.xet.hashes import to_text
from reprise.registry import contents, downloads, served
from reprise.registry.access import Action, Caller, Repo
from reprise.registry.contents import Item, Page
from reprise.registry.git.store import GitStore
from reprise.registry.revisions import Located, locate
from reprise.registry.served import File
from reprise.server.calls import Call
from reprise.server.errors import error_response
from reprise.server.file_responses import Content, disposition, media_type, send
from reprise.server.responses import Json

MAX_PATHS = 1000  # paths in one paths-info call; clients send 500
_EXPANDED_PAGE = 100  # items in one page when each comes with its last commit
_YEAR = 31_536_000
# Full ref names that older tools put into URLs without encoding their slashes.
_REF_IN_PATH = re.compile(r"(pr/\d+|convert/[^/]+)/(.+)", re.DOTALL)
# Files whose fetching tells that a model is being loaded, for clients that do not say so.
_LOADED_WITH = frozenset(
    "config.json config.yaml adapter_config.json model_index.json modules.json hubconf.py".split()
)
# What scripts of other sites may read; everything here is public or needs a token they must hold.
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "X-Repo-Commit, X-Linked-Size, X-Linked-Etag, X-Xet-Hash, "
    "X-Error-Code, X-Error-Message, ETag, Link, Accept-Ranges, Content-Range",
}


def resolve(call: Call) -> Response:
    """`GET|HEAD /{repo}/resolve/{rev}/{path}`: a file's content, large files included."""
    revision, path = _revision_and_path(call)
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller, Action.FETCH)
        at, file = served.find(conn, repo, revision, path)
        if file is None:
            return _no_entry(repo, at, path)
        served.check_stored(file)
        content = _content(call, conn, repo, file)
    answer = send(call, content, _headers(call, repo, at, file, is_commit(revision)))
    if _note_download(call, caller, repo, path):
        counts: downloads.Downloads = call.request.app.state.downloads
        answer.background = BackgroundTask(counts.flush, call.registry)
    return answer


def raw(call: Call) -> Response:
    """`GET|HEAD /{repo}/raw/{rev}/{path}`: the blob as git has it, pointers as text."""
    revision, path = _revision_and_path(call)
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller, Action.FETCH)
        at, file = served.find(conn, repo, revision, path)
        if file is None:
            return _no_entry(repo, at, path)
        blob = served.read_blob(conn, repo, file)
    headers = {
        **_CORS,
        "X-Repo-Commit": at.hex,
        "ETag": f'"{file.oid.hex()}"',
        "Content-Type": "text/plain; charset=utf-8",
        "Cache-Control": _caching(repo, is_commit(revision)),
    }
    return send(call, Content(len(blob), data=blob), headers)


def tree(call: Call) -> Response:
    """`GET …/tree/{rev}[/{path}]`: files and folders, page by page."""
    expand = call.flag("expand")
    limit = _EXPANDED_PAGE if expand else call.registry.limits.page
    page = Page(
        folder=call.param("path").strip("/"),
        recursive=call.flag("recursive"),
        limit=_limit(call, limit),
        after=call.query("cursor") or None,
    )
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        at = locate(conn, repo, call.param("rev"))
        try:
            items = contents.list_page(conn, repo, at, page, call.request.app.state.listings)
        except EntryNotFound:
            return _no_entry(repo, at, page.folder)
        lines = _lines(conn, repo, at, items, expand=expand)
    headers = {**_CORS, "X-Repo-Commit": at.hex}
    if len(items) == page.limit:
        headers["Link"] = next_link(call, items[-1].listed.path)
    return Json(lines, headers=headers)


def paths_info(call: Call) -> Response:
    """`POST …/paths-info/{rev}`: those of the named files and folders that exist."""
    paths, expand = _asked_paths(call)
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        at = locate(conn, repo, call.param("rev"))
        items = contents.find_items(conn, repo, at, paths)
        lines = _lines(conn, repo, at, items, expand=expand)
    return Json(lines, headers={"X-Repo-Commit": at.hex})


def next_link(call: Call, cursor: str) -> str:
    """Build the `Link` header to the next page: this request with another cursor."""
    params = [(name, text) for name, text in call.request.query_params.multi_items()]
    kept = [(name, text) for name, text in params if name != "cursor"]
    query = urlencode([*kept, ("cursor", cursor)])
    return f'<{call.base_url}{call.request.scope["path"]}?{query}>; rel="next"'


# -- one file -------------------------------------------------------------------------------


def _revision_and_path(call: Call) -> tuple[str, str]:
    revision, path = call.param("rev"), call.param("path")
    found = _REF_IN_PATH.fullmatch(path) if revision == "refs" else None
    return (f"refs/{found[1]}", found[2]) if found else (revision, path)


def _content(call: Call, conn: Connection, repo: Repo, file: File) -> Content:
    if file.stored is not None:
        return Content(file.stored.size, file.stored)
    if call.request.method == "HEAD":
        return Content(file.size)
    return Content(file.size, data=served.read_blob(conn, repo, file))


def _headers(call: Call, repo: Repo, at: Located, file: File, fixed: bool) -> dict[str, str]:
    large = file.pointer is not None
    headers = {
        **_CORS,
        "X-Repo-Commit": at.hex,
        "ETag": f'"{file.pointer.sha256 if file.pointer else file.oid.hex()}"',
        "Content-Type": media_type(file.path, large=large),
        "Content-Disposition": disposition(file.path),
        "Cache-Control": _caching(repo, fixed),
    }
    if large:
        headers["X-Linked-Etag"] = headers["ETag"]
        headers["X-Linked-Size"] = str(file.real_size)
    if file.stored is not None and file.stored.xet_hash is not None:
        route = f"{call.base_url}/api/{repo.type.plural}/{repo.repo_id}/xet-read-token/{at.hex}"
        headers["X-Xet-Hash"] = to_text(file.stored.xet_hash)
        headers["Link"] = f'<{route}>; rel="xet-auth"'
    return headers


def _caching(repo: Repo, fixed: bool) -> str:
    """A commit's files never change; a branch's must be asked for again, by ETag."""
    scope = "private" if repo.private or repo.gated else "public"
    return f"{scope}, max-age={_YEAR}, immutable" if fixed else f"{scope}, no-cache"


def _no_entry(repo: Repo, at: Located, path: str) -> Response:
    """Answer that a commit has nothing at a path; with its id, clients remember that."""
    error = EntryNotFound(f"{repo.repo_id} has no {path!r} at {at.hex}.")
    answer = error_response(error.status, error.message, code=error.code)
    answer.headers.update({**_CORS, "X-Repo-Commit": at.hex})
    return answer


def _note_download(call: Call, caller: Caller, repo: Repo, path: str) -> bool:
    """Count a download; tell whether it is time to write the counts."""
    request = call.request
    said = call.header("x-hf-download-counter") == "1"
    if not said and (request.method != "GET" or path not in _LOADED_WITH):
        return False
    host = request.client.host if request.client else ""
    who = caller.account.name if caller.account else host
    counts: downloads.Downloads = request.app.state.downloads
    return counts.note(repo.id, who, now=call.registry.clock())


# -- listings -------------------------------------------------------------------------------


def _lines(
    conn: Connection, repo: Repo, at: Located, items: list[Item], *, expand: bool
) -> list[dict[str, Any]]:
    if not expand:
        return [_line(item) for item in items]
    items = contents.with_commits(conn, repo, at, items)
    store = GitStore(conn, repo.id)
    oids = {item.commit for item in items if item.commit is not None}
    commits = {oid: _commit(store, oid) for oid in oids}
    return [{**_line(item), "lastCommit": commits.get(item.commit or b"")} for item in items]


def _line(item: Item) -> dict[str, Any]:
    listed = item.listed
    line: dict[str, Any] = {
        "type": "directory" if listed.is_folder else "file",
        "oid": listed.oid.hex(),
        "size": listed.pointer.size if listed.pointer else listed.size,
        "path": listed.path,
    }
    if listed.pointer is not None:
        line["lfs"] = {
            "oid": listed.pointer.sha256,
            "size": listed.pointer.size,
            "pointerSize": listed.size,
        }
    if item.xet_hash is not None:
        line["xetHash"] = to_text(item.xet_hash)
    return line


def _commit(store: GitStore, oid: bytes) -> dict[str, str]:
    commit = store.read_commit(oid)
    return {"id": oid.hex(), "title": commit.title, "date": iso(commit.committer.micros)}


def _limit(call: Call, ceiling: int) -> int:
    text = call.query("limit")
    if not text:
        return ceiling
    if not text.isascii() or not text.isdigit() or not int(text):
        raise InvalidInput("'limit' must be a number above zero.")
    return min(int(text), ceiling)


def _asked_paths(call: Call) -> tuple[list[str], bool]:
    if "json" in call.header("content-type"):
        body = call.json()
        paths, expand = body.get("paths"), body.get("expand") is True
    else:
        form = parse_qs(call.body.decode("utf-8", "replace"), max_num_fields=None)
        paths = form.get("paths", []) + form.get("paths[]", [])
        expand = form.get("expand", [""])[-1].lower() in {"true", "1"}
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise InvalidInput("'paths' must be a list of paths.")
    if len(paths) > MAX_PATHS:
        raise TooLarge(f"too many parameters: at most {MAX_PATHS} paths in one call")
    return [path.strip("/") for path in paths], expand
