"""Writing files over the Hub API: preupload, commit, large files of a repo."""

import binascii
from base64 import b64decode
from http import HTTPStatus
from typing import Any

from sqlalchemy import Connection
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from reprise.base.clock import iso
from reprise.base.digests import is_sha256
from reprise.base.errors import InvalidInput, TooLarge
from reprise.base.ids import check_path
from reprise.registry import access, branches, commits, large_files, preupload, pulls
from reprise.registry.access import Action, Caller, Repo
from reprise.registry.commits import Author
from reprise.registry.drafts import Draft, Drafting
from reprise.registry.large_files import LargeFileInfo
from reprise.registry.preupload import Planned, Rules
from reprise.registry.revisions import locate
from reprise.server.calls import Call, registry_of
from reprise.server.faces.hf_read import next_link
from reprise.server.pouring import pour
from reprise.server.threads import in_thread

MAX_FILES = 1000  # files in one preupload call; clients send 256
_SAMPLE = 4096  # bytes of a sample that are looked at; clients send 512


def plan_upload(call: Call) -> Response:
    """`POST …/preupload/{rev}`: how each file should travel, and what is there already."""
    body = call.json()
    planned = _planned(body)
    rules = Rules(_text(body, "gitAttributes"), _text(body, "gitIgnore"))
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        _check_may_write(call, conn, caller, repo)
        at = locate(conn, repo, call.param("rev"))
        limits = call.registry.limits
        advice = preupload.advise(conn, repo, at, planned, rules, limits=limits)
    files = [
        {
            "path": it.path,
            "uploadMode": "lfs" if it.large else "regular",
            "shouldIgnore": it.ignored,
            **({"oid": it.oid} if it.oid is not None else {}),
        }
        for it in advice
    ]
    return JSONResponse({"files": files, "commitOid": at.hex})


async def commit(request: Request) -> Response:
    """`POST …/commit/{rev}[?create_pr=1]`: NDJSON, read while it arrives."""
    call = Call(request)
    repo = await in_thread(request, _check_before_reading, call)
    with Drafting(repo.type, registry_of(request).limits) as drafting:
        try:
            await pour(request, lambda data: drafting.feed(bytes(data)))
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is left to read it
        return await in_thread(request, _commit, call, drafting)


def list_large_files(call: Call) -> Response:
    """`GET …/lfs-files`: every large file of a repo, page by page."""
    limit, cursor = call.registry.limits.page, call.query("cursor")
    if cursor and not is_sha256(cursor):
        raise InvalidInput("'cursor' is not one of this hub's.")
    after = bytes.fromhex(cursor) if cursor else None
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller, Action.WRITE)
        found = large_files.list_page(conn, repo, limit=limit, after=after)
    lines = [_large_file(repo, it) for it in found]
    full = len(found) == limit
    headers = {"Link": next_link(call, found[-1].sha256.hex())} if full else {}
    return JSONResponse(lines, headers=headers)


def delete_large_files(call: Call) -> Response:
    """`POST …/lfs-files/batch` with `{deletions: {sha, rewriteHistory}}`."""
    deletions = call.json().get("deletions")
    match deletions:
        case {"sha": list(digests), **rest} if all(map(_is_digest, digests)):
            wanted, rewrite = [bytes.fromhex(it) for it in digests], rest.get("rewriteHistory")
        case _:
            raise InvalidInput("'deletions' needs 'sha', a list of SHA-256 digests.")
    with call.write() as (conn, caller):
        repo = call.repo(conn, caller, Action.WRITE)
        large_files.remove(conn, call.registry, repo, wanted, rewrite=rewrite is True)
    return JSONResponse({"success": True})


def _large_file(repo: Repo, found: LargeFileInfo) -> dict[str, Any]:
    digest = found.sha256.hex()
    return {
        "fileOid": digest,
        "oid": digest,
        "filename": found.path or digest,
        "ref": repo.default_branch if found.path else None,
        "pushedAt": iso(found.since),
        "size": found.size,
    }


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and is_sha256(value)


def _check_before_reading(call: Call) -> Repo:
    """Refuse callers who may not write before they send gigabytes."""
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        _check_may_write(call, conn, caller, repo)
        return repo


def _commit(call: Call, drafting: Drafting) -> Response:
    draft = drafting.finish()
    with call.write() as (conn, caller):
        repo = call.repo(conn, caller)
        _check_may_write(call, conn, caller, repo)
        author = Author(caller.user, call.registry.clock())
        if call.flag("create_pr"):
            answer = _propose(call, conn, repo, draft, author)
        else:
            ref = _ref(call.param("rev"))
            oid = commits.commit(conn, call.registry, repo, ref, draft, author=author)
            answer = _answer(call, repo, oid)
    call.request.app.state.indexer.wake()
    return JSONResponse(answer)


def _propose(
    call: Call, conn: Connection, repo: Repo, draft: Draft, author: Author
) -> dict[str, Any]:
    opened, oid = pulls.open_with(conn, repo, call.param("rev"), draft, author=author)
    url = f"{_web_url(call, repo)}/discussions/{opened.num}"
    return {**_answer(call, repo, oid), "pullRequestUrl": url}


def _answer(call: Call, repo: Repo, oid: bytes) -> dict[str, Any]:
    return {
        "success": True,
        "commitOid": oid.hex(),
        "commitUrl": f"{_web_url(call, repo)}/commit/{oid.hex()}",
        "hookOutput": "",
    }


def _web_url(call: Call, repo: Repo) -> str:
    return f"{call.base_url}/{repo.type.url_prefix}{repo.repo_id}"


def _ref(revision: str) -> str:
    return revision if revision.startswith(pulls.REFS) else branches.branch_ref(revision)


def _check_may_write(call: Call, conn: Connection, caller: Caller, repo: Repo) -> None:
    if call.flag("create_pr"):
        access.check_speaks(caller, repo)
        return
    revision = call.param("rev")
    if revision.startswith(pulls.REFS):
        pulls.check_may_push(conn, caller, repo, revision)
    else:
        call.repo(conn, caller, Action.WRITE)


def _planned(body: dict[str, Any]) -> list[Planned]:
    files = body.get("files")
    if not isinstance(files, list):
        raise InvalidInput("'files' must be a list of {path, size, sample}.")
    if len(files) > MAX_FILES:
        raise TooLarge(f"At most {MAX_FILES} files in one preupload call.")
    return [_planned_file(file) for file in files]


def _planned_file(file: object) -> Planned:
    match file:
        case {"path": str(path), "size": int(size), **rest} if size >= 0:
            return Planned(check_path(path), size, _sample(rest.get("sample")))
        case _:
            raise InvalidInput("Each file needs 'path', 'size' in bytes and 'sample' in base64.")


def _sample(text: object) -> bytes:
    try:
        return b64decode(text, validate=True)[:_SAMPLE] if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        raise InvalidInput("A sample is not base64.") from None


def _text(body: dict[str, Any], field: str) -> str | None:
    value = body.get(field)
    if value is not None and not isinstance(value, str):
        raise InvalidInput(f"{field!r} must be a string.")
    return value
