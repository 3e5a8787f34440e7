"""Parts of stored xorbs, by signed link: one byte range, or many in one answer (RFC 9110, 14.6)."""

import re
import secrets
from collections.abc import Iterator, Sequence
from http import HTTPStatus

from starlette.responses import Response, StreamingResponse

from reprise.base.errors import Forbidden, NotFound
from reprise.registry.storage.store import Store
from reprise.registry.xet import reconstruction
from reprise.server.calls import Call
from reprise.server.responses import FileSlice

Range = tuple[int, int]  # first and last byte

_RANGES = re.compile(r"bytes=(\d{1,10}-\d{1,10}(?:, ?\d{1,10}-\d{1,10})*)", re.ASCII)
_TYPE = "application/octet-stream"


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
        return FileSlice(path, first, length, status_code=status, headers=headers)
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
