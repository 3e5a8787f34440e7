"""git-lfs: the batch API, which tells clients where to send and fetch large files.

Specification: git-lfs docs/api/batch.md; the `multipart` transfer is the public hub's addition.
The links handed out are signed and work without credentials until they expire, because uploaders
send none. What happens behind them is in `lfs_transfers`.
"""

import json
from http import HTTPStatus
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from reprise.base.digests import is_sha256
from reprise.base.errors import InvalidInput, RepoNotFound, RepriseError, TooLarge
from reprise.registry import access, files, lfs, signed
from reprise.registry.access import Action, Repo
from reprise.registry.lfs import LargeFile, PartedUpload
from reprise.registry.repos import RepoMoved
from reprise.server.calls import Call
from reprise.server.errors import error_response

MEDIA_TYPE = "application/vnd.git-lfs+json"
MAX_OBJECTS = 1000  # in one batch; clients send 100 or 256
HOUR = 3600
DAY = 24 * HOUR
_MICROS = 1_000_000

Object = dict[str, Any]


def batch(call: Call) -> Response:
    """`POST /{repo}.git/info/lfs/objects/batch`."""
    try:
        return _batch(call)
    except RepoMoved:
        raise  # answered with a redirect
    except RepoNotFound as error:
        if call.header("authorization"):
            return failed(error.status, error.message, code=error.code)
        # git-lfs looks for credentials only when it is told that some are missing.
        return failed(HTTPStatus.UNAUTHORIZED, error.message, code=error.code)
    except RepriseError as error:
        return failed(error.status, error.message, code=error.code)


def locks(_call: Call) -> Response:
    """`…/info/lfs/locks[/verify]`: no file locking here; git-lfs goes on without."""
    return failed(HTTPStatus.NOT_FOUND, "This hub does not lock files.")


def failed(status: int, message: str, *, code: str | None = None) -> Response:
    """Build an error that both git-lfs and Hub clients can read."""
    answer = error_response(status, message, code=code)
    answer.body = json.dumps({"error": message, "message": message}).encode()
    answer.headers.update({"Content-Length": str(len(answer.body)), "Content-Type": MEDIA_TYPE})
    return answer


def parse_object(value: object) -> tuple[str, int]:
    """Read `{"oid": …, "size": …}`.

    Raises:
        InvalidInput: It is something else.
    """
    match value:
        case {"oid": str(oid), "size": int(size)} if is_sha256(oid) and 0 <= size < 1 << 63:
            return oid, size
        case _:
            raise InvalidInput("An object needs 'oid', 64 hex digits, and 'size', in bytes.")


def link(call: Call, path: str, purpose: str, fields: dict[str, str], *, seconds: int) -> str:
    """Build a signed link to one of this hub's own paths."""
    expires = call.registry.clock() + seconds * _MICROS
    query = signed.query(call.registry.secret, purpose, fields, expires=expires)
    return f"{call.base_url}{path}?{query}"


def _batch(call: Call) -> Response:
    body = call.json()
    wanted = _objects(body)
    if body.get("hash_algo", "sha256") != "sha256":
        return failed(HTTPStatus.CONFLICT, "This hub names objects by SHA-256 only.")
    match body.get("operation"):
        case "upload":
            transfer, objects = _offer_uploads(call, wanted, body.get("transfers"))
        case "download":
            transfer, objects = "basic", _offer_downloads(call, wanted)
        case _:
            raise InvalidInput("'operation' must be 'upload' or 'download'.")
    answer = {"transfer": transfer, "objects": objects, "hash_algo": "sha256"}
    return Response(json.dumps(answer), media_type=MEDIA_TYPE)


def _objects(body: dict[str, Any]) -> list[tuple[str, int]]:
    objects = body.get("objects")
    if not isinstance(objects, list):
        raise InvalidInput("'objects' must be a list.")
    if len(objects) > MAX_OBJECTS:
        raise TooLarge(f"A batch may hold at most {MAX_OBJECTS} objects.")
    return [parse_object(value) for value in objects]


# -- downloads ------------------------------------------------------------------------------


def _offer_downloads(call: Call, wanted: list[tuple[str, int]]) -> list[Object]:
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller, Action.FETCH)
        return [_offer_download(call, conn, repo, oid, size) for oid, size in wanted]


def _offer_download(call: Call, conn: Connection, repo: Repo, oid: str, size: int) -> Object:
    stored = files.find(conn, repo.id, bytes.fromhex(oid))
    if stored is None:
        return _refused(oid, size, HTTPStatus.NOT_FOUND, "This repo holds no such object.")
    fields = {"repo": str(repo.id), "size": str(stored.size)}
    href = link(call, f"/api/lfs/objects/{oid}", f"download {oid}", fields, seconds=HOUR)
    actions = {"download": {"href": href, "expires_in": HOUR}}
    return {"oid": oid, "size": stored.size, "authenticated": True, "actions": actions}


# -- uploads --------------------------------------------------------------------------------


def _offer_uploads(
    call: Call, wanted: list[tuple[str, int]], transfers: object
) -> tuple[str, list[Object]]:
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        access.check_speaks(caller, repo)
        known = {oid for oid, _ in wanted if files.possess(conn, repo.id, bytes.fromhex(oid))}
    in_parts = isinstance(transfers, list) and "multipart" in transfers
    objects, parted = [], False
    for oid, size in wanted:
        if oid in known:
            objects.append({"oid": oid, "size": size})  # nothing to do
            continue
        if size > call.registry.limits.large_file:
            objects.append(_refused(oid, size, HTTPStatus.UNPROCESSABLE_ENTITY, "Too large."))
            continue
        file = LargeFile(repo.id, oid, size)
        part_it = in_parts and size > call.registry.limits.lfs_part
        parted |= part_it
        objects.append(
            _offered(call, file, _in_parts(call, file) if part_it else _whole(call, file))
        )
    return "multipart" if parted else "basic", objects


def _offered(call: Call, file: LargeFile, upload: Object) -> Object:
    fields = {"repo": str(file.repo_id)}
    href = link(call, "/api/lfs/verify", "verify", fields, seconds=DAY)
    actions = {"upload": upload, "verify": {"href": href, "expires_in": DAY}}
    return {"oid": file.sha256, "size": file.size, "authenticated": True, "actions": actions}


def _whole(call: Call, file: LargeFile) -> Object:
    fields = {"repo": str(file.repo_id), "size": str(file.size)}
    path = f"/api/lfs/objects/{file.sha256}"
    href = link(call, path, f"upload {file.sha256}", fields, seconds=HOUR)
    return {"href": href, "expires_in": HOUR}


def _in_parts(call: Call, file: LargeFile) -> Object:
    with call.registry.db.write() as conn:
        upload = lfs.start_parts(conn, call.registry, file)
    path = f"/api/lfs/uploads/{upload.id}"
    header = {"chunk_size": str(upload.part_size)}
    for number in range(1, upload.parts + 1):
        header[str(number)] = _part_link(call, f"{path}/{number}", upload)
    return {"href": _part_link(call, path, upload), "header": header, "expires_in": DAY}


def _part_link(call: Call, path: str, upload: PartedUpload) -> str:
    return link(call, path, f"parts {upload.id}", {"repo": str(upload.file.repo_id)}, seconds=DAY)


def _refused(oid: str, size: int, code: int, message: str) -> Object:
    return {"oid": oid, "size": size, "error": {"code": int(code), "message": message}}
