"""Responses that stream files without holding them in memory."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

CHUNK = 1 << 20  # bytes read and sent at a time
_ZERO_COPY = "http.response.zerocopysend"


class Json(Response):
    """A JSON body, encoded ten times as fast as the standard library does it."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """Encode the value."""
        return msgspec.json.encode(content)


class FileSlice(Response):
    """`length` bytes of a local file from byte `start`.

    A server that offers ASGI's zero-copy extension moves the bytes inside the kernel; with any
    other they pass through in pieces.
    """

    def __init__(
        self, path: Path, start: int, length: int, *, status_code: int, headers: Mapping[str, str]
    ) -> None:
        super().__init__(status_code=status_code, headers=headers)
        self.path = path
        self.start = start
        self.length = length
        self.headers["Content-Length"] = str(length)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head, then the bytes unless the request was a HEAD."""
        del receive  # a client that leaves is noticed when sending to it fails
        await self._send(scope, send)
        if self.background is not None:
            await self.background()

    async def _send(self, scope: Scope, send: Send) -> None:
        head = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
        if scope["method"] == "HEAD" or self.length == 0:
            await send(head)
            await send({"type": "http.response.body", "body": b""})
            return
        # Opened before the head goes out: a file that is gone must become an error, not a cut.
        with self.path.open("rb", buffering=0) as file:
            await send(head)
            if _ZERO_COPY in scope.get("extensions", {}):
                await send(self._zero_copy(file))
            else:
                await self._send_pieces(file, send)

    def _zero_copy(self, file: BinaryIO) -> dict[str, object]:
        return {
            "type": _ZERO_COPY,
            "file": file.fileno(),
            "offset": self.start,
            "count": self.length,
            "more_body": False,
        }

    async def _send_pieces(self, file: BinaryIO, send: Send) -> None:
        at, end = self.start, self.start + self.length
        while at < end:
            piece = await run_in_threadpool(os.pread, file.fileno(), min(CHUNK, end - at), at)
            if not piece:
                raise OSError(f"{self.path} is shorter than the hub recorded")
            at += len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": at < end})
