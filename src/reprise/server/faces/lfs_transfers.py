"""What happens behind the links of the LFS batch API: bytes come in, bytes go out."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from reprise.base.errors import InvalidInput, NotFound
from reprise.registry import files, lfs, signed
from reprise.registry.lfs import Incoming, LargeFile, PartedUpload
from reprise.server.calls import Call, registry_of
from reprise.server.faces.lfs import failed, parse_object
from reprise.server.file_responses import Content, send
from reprise.server.pouring import pour
from reprise.server.threads import in_thread


async def upload(request: Request) -> Response:
    """`PUT /api/lfs/objects/{oid}`: receive a whole file."""
    registry = registry_of(request)
    file = _file(request, "upload")

    def keep(incoming: Incoming) -> Response:
        lfs.keep(registry, file, incoming)
        return Response()

    return await _receive(request, file.size, keep)


async def upload_part(request: Request) -> Response:
    """`PUT /api/lfs/uploads/{upload}/{number}`: receive one part; its ETag names it."""
    found = await in_thread(request, _parted, request)
    number = _number(request.path_params["number"])

    def keep(incoming: Incoming) -> Response:
        return Response(headers={"ETag": f'"{lfs.keep_part(found, number, incoming)}"'})

    return await _receive(request, found.part_length(number), keep)


def finish_upload(call: Call) -> Response:
    """`POST /api/lfs/uploads/{upload}`: join the parts. Repeating it is no error."""
    body = call.json()
    oid, parts = body.get("oid"), body.get("parts")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise InvalidInput("'parts' must be a list of {partNumber, etag}.")
    try:
        found = _parted(call.request)
    except NotFound:
        return _confirm(call, oid)  # perhaps the client did not hear our first answer
    ordered = sorted(parts, key=lambda part: _number(part.get("partNumber")))
    lfs.finish_parts(call.registry, found, [str(part.get("etag")).strip('"') for part in ordered])
    return JSONResponse({"success": True})


def verify(call: Call) -> Response:
    """`POST /api/lfs/verify`: confirm that an upload arrived."""
    fields = _signed(call.request, "verify")
    oid, size = parse_object(call.json())
    with call.registry.db.read() as conn:
        stored = files.find(conn, int(fields["repo"]), bytes.fromhex(oid))
    if stored is None or stored.size != size:
        return failed(HTTPStatus.NOT_FOUND, f"Object {oid} has not arrived; upload it again.")
    return Response()


def download(call: Call) -> Response:
    """`GET /api/lfs/objects/{oid}`: send a file, or a range of it."""
    file = _file(call.request, "download")
    with call.registry.db.read() as conn:
        stored = files.find(conn, file.repo_id, bytes.fromhex(file.sha256))
    if stored is None:
        raise NotFound(f"Object {file.sha256} is not here any more.")
    headers = {"ETag": f'"{file.sha256}"', "Content-Type": "application/octet-stream"}
    return send(call, Content(stored.size, stored), headers)


async def _receive(request: Request, length: int, keep: Callable[[Incoming], Response]) -> Response:
    with lfs.receive(registry_of(request), length) as incoming:
        try:
            await pour(request, incoming.write)
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is left to read it
        return await in_thread(request, keep, incoming)


def _file(request: Request, purpose: str) -> LargeFile:
    oid = request.path_params["oid"]
    fields = _signed(request, f"{purpose} {oid}")
    return LargeFile(int(fields["repo"]), oid, int(fields["size"]))


def _parted(request: Request) -> PartedUpload:
    upload_id = request.path_params["upload"]
    _signed(request, f"parts {upload_id}")
    with registry_of(request).db.read() as conn:
        return lfs.find_parts(conn, upload_id)


def _confirm(call: Call, oid: object) -> Response:
    fields = _signed(call.request, f"parts {call.request.path_params['upload']}")
    digest, _ = parse_object({"oid": oid, "size": 0})
    with call.registry.db.read() as conn:
        if not files.possess(conn, int(fields["repo"]), bytes.fromhex(digest)):
            raise NotFound("This upload was finished or dropped; start it again.")
    return JSONResponse({"success": True})


def _signed(request: Request, purpose: str) -> dict[str, str]:
    registry = registry_of(request)
    return signed.check(registry.secret, purpose, request.query_params, now=registry.clock())


def _number(value: Any) -> int:
    text = str(value)
    if not text.isascii() or not text.isdigit() or len(text) > len(str(lfs.MAX_PARTS)):
        raise InvalidInput(f"{text[:20]!r} is not the number of a part.")
    return int(text)
