"""Xorbs come in, verified on their way, and go out in parts, by signed link.

One answer holds one byte range, or many (RFC 9110, 14.6).
"""

import re
import secrets
from collections.abc import Iterator, Sequence
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from reprise.base.errors import CorruptContent, Forbidden, InvalidInput, NotFound
from reprise.formats.xet.hashes import from_text
from reprise.registry.access import Action
from reprise.registry.storage.store import Store
from reprise.registry.xet import reconstruction, uploads
from reprise.registry.xet.scope import Scope, open_scope
from reprise.server.calls import Call
from reprise.server.credentials import access_token
from reprise.server.pouring import pour
from reprise.server.responses import Pieces, file_slice
from reprise.server.threads import in_thread

Range = tuple[int, int]  # first and last byte

_RANGES = re.compile(r"bytes=(\d{1,10}-\d{1,10}(?:, ?\d{1,10}-\d{1,10})*)", re.ASCII)
_TYPE = "application/octet-stream"


async def upload(request: Request) -> Response:
    """`POST /cas/v1/xorbs/{prefix}/{hash}`; the xet token is checked before the body is read."""
    call = Call(request)
    xorb_hash = from_text(call.param("hash"))
    uploads.check_size(int(call.header("content-length") or 0))
    allowed, known = await in_thread(request, _begin, call, xorb_hash)
    try:
        if known:
            await pour(request, len)  # clients want to send all before they listen
        else:
            await _receive(call, allowed, xorb_hash)
    except ClientDisconnect:
        return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is left to read it
    except CorruptContent as error:
        raise InvalidInput(error.message) from error  # the protocol says 400 here
    return JSONResponse({"was_inserted": not known})


def xorb(call: Call) -> Response:
    """`GET /cas/xorbs?…`: byte ranges that the link was made for."""
    wanted = _ranges(call.header("range"))
    key = reconstruction.open_link(call.registry, call.request.query_params, wanted)
    store = call.registry.store
    size = store.size(key)
    if size is None:
        raise NotFound("This xorb is not here any more; ask for the reconstruction again.")
    return (
        _one(store, key, wanted[0], size) if len(wanted) == 1 else _many(store, key, wanted, size)
    )


def _begin(call: Call, xorb_hash: bytes) -> tuple[Scope, bool]:
    with call.registry.db.read() as conn:
        allowed = open_scope(conn, call.registry, access_token(call.request), Action.WRITE)
        return allowed, uploads.is_known(conn, allowed, xorb_hash)


async def _receive(call: Call, allowed: Scope, xorb_hash: bytes) -> None:
    with uploads.receive(call.registry, xorb_hash) as incoming:
        await pour(call.request, incoming.write)
        await in_thread(call.request, uploads.keep, call.registry, allowed, xorb_hash, incoming)


def _ranges(header: str) -> list[Range]:
    match = _RANGES.fullmatch(header.strip())
    if match is None:
        raise Forbidden("Send a Range header with exactly the byte ranges that came with the link.")
    pairs = (pair.strip().split("-") for pair in match[1].split(","))
    return [(int(first), int(last)) for first, last in pairs]


def _one(store: Store, key: str, wanted: Range, size: int) -> Response:
    first, last = wanted
    length = last - first + 1
    headers = {"Content-Range": f"bytes {first}-{last}/{size}", "Content-Type": _TYPE}
    path = store.path(key)
    status = HTTPStatus.PARTIAL_CONTENT
    if path is not None:
        batches = file_slice(path, first, length)
        return Pieces(batches, length, status_code=status, headers=headers)
    headers["Content-Length"] = str(length)
    return StreamingResponse(store.stream(key, first, length), status, headers)


def _many(store: Store, key: str, wanted: Sequence[Range], size: int) -> Response:
    boundary = secrets.token_hex(16)
    heads = [
        f"\r\n--{boundary}\r\nContent-Type: {_TYPE}\r\n"
        f"Content-Range: bytes {first}-{last}/{size}\r\n\r\n".encode()
        for first, last in wanted
    ]
    end = f"\r\n--{boundary}--\r\n".encode()
    length = sum(last - first + 1 for first, last in wanted) + sum(map(len, heads)) + len(end)
    headers = {
        "Content-Type": f"multipart/byteranges; boundary={boundary}",
        "Content-Length": str(length),
    }
    body = _parts(store, key, list(zip(heads, wanted, strict=True)), end)
    return StreamingResponse(body, HTTPStatus.PARTIAL_CONTENT, headers)


def _parts(
    store: Store, key: str, parts: Sequence[tuple[bytes, Range]], end: bytes
) -> Iterator[bytes]:
    for head, (first, last) in parts:
        # Parts are small on the whole: one piece each, head included, saves thread hops.
        yield head + store.read(key, first, last - first + 1)
    yield end
