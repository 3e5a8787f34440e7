"""Files as HTTP answers: validators, one range, and bytes from wherever they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from starlette.responses import Response

from reprise.base.errors import RangeNotSatisfiable
from reprise.formats import byte_ranges
from reprise.formats.byte_ranges import ByteRange
from reprise.registry import files
from reprise.registry.stored import StoredFile
from reprise.server.calls import Call
from reprise.server.errors import error_response
from reprise.server.responses import Pieces, file_slice

# What a browser may show inside a page of ours, as <img>, <audio> or <video>. Everything else is
# text or bytes, whatever its name says: nothing from a repo may run on this origin.
_SHOWN = {
    "avif": "image/avif",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webp": "image/webp",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "wav": "audio/wav",
    "mp4": "video/mp4",
    "webm": "video/webm",
}
SAFETY = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}


@dataclass(frozen=True)
class Content:
    """What to send: a large file, or bytes at hand."""

    size: int
    stored: StoredFile | None = None
    data: bytes = b""


def send(call: Call, content: Content, headers: Mapping[str, str]) -> Response:
    """Answer a GET or HEAD for a file.

    Args:
        call: The request; `Range`, `If-Range` and `If-None-Match` are honoured.
        content: The file.
        headers: `ETag`, quoted, and whatever else belongs to the file.
    """
    headers = {"Accept-Ranges": "bytes", **SAFETY, **headers}
    etag = headers["ETag"]
    if matches(call.header("if-none-match"), etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    if call.request.method == "HEAD":
        return Response(headers={**headers, "Content-Length": str(content.size)})
    try:
        wanted = _range(call, content.size, etag)
    except RangeNotSatisfiable as error:
        refusal = error_response(error.status, error.message)
        refusal.headers["Content-Range"] = f"bytes */{content.size}"
        return refusal
    return _send_part(call, content, wanted, headers)


def media_type(path: str, *, large: bool) -> str:
    """Choose a content type by name; anything that could run becomes text or bytes."""
    plain = "application/octet-stream" if large else "text/plain; charset=utf-8"
    return _SHOWN.get(path.rpartition(".")[2].lower(), plain)


def disposition(path: str) -> str:
    """Build `Content-Disposition`, so that opening a file means saving it."""
    name = path.rpartition("/")[2]
    plain = "".join(char if char.isascii() and char not in '"\\%' else "_" for char in name)
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}; filename=\"{plain}\";"


def _send_part(
    call: Call, content: Content, wanted: ByteRange | None, headers: dict[str, str]
) -> Response:
    start, length, status = 0, content.size, HTTPStatus.OK
    if wanted is not None:
        start, length, status = wanted.start, wanted.length, HTTPStatus.PARTIAL_CONTENT
        headers["Content-Range"] = wanted.content_range
    if content.stored is None:
        return Response(content.data[start : start + length], status, headers)
    path = files.local_path(call.registry, content.stored)
    if path is not None:
        batches = file_slice(path, start, length)
    else:
        batches = files.pieces(call.registry, content.stored, start, length)
    return Pieces(batches, length, status_code=status, headers=headers)


def _range(call: Call, size: int, etag: str) -> ByteRange | None:
    header = call.header("range")
    condition = call.header("if-range")
    if not header or (condition and condition != etag):
        return None
    return byte_ranges.parse(header, size)


def matches(header: str, etag: str) -> bool:
    """Tell whether an `If-None-Match` header names a quoted entity tag."""
    if not header:
        return False
    known = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return etag in known or "*" in known
