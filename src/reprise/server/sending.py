"""Send parts of local files from the page cache or disk to a socket, without copying them.

A worker thread does it as long as the client keeps up, so that a slow disk stops nobody else; a
client that does not is waited for by the event loop, where waiting costs nothing.
"""

import os
import select
import socket
import time
from collections.abc import Sequence
from enum import Enum, auto
from pathlib import Path

from reprise.registry.xet.pieces import FileRange, Piece

# ASGI extension of our own: a message of this type carries `pieces` of a body whose length was
# announced, `threads`, an executor that may wait, and `more_body`.
SEND_PIECES = "reprise.send_pieces"

_CORK: int | None = getattr(socket, "TCP_CORK", None)  # Linux
_SHARE = 64 << 20  # bytes between two looks at the clock
_TURN = 0.2  # seconds after which others waiting for a thread come first
_PATIENCE_MS = 20  # how long a thread waits for a client


class State(Enum):
    """How far sending came."""

    DONE = auto()
    FULL = auto()  # the socket takes no more for now
    PAUSED = auto()  # the turn is over


class Sending:
    """Pieces on their way to a non-blocking socket."""

    def __init__(self, out: socket.socket, pieces: Sequence[Piece]) -> None:
        self._socket = out
        self._pieces = pieces
        self._at = 0  # the piece that comes next
        self._sent = 0  # bytes of it that are out
        self._ready = select.poll()
        self._ready.register(out, select.POLLOUT)
        self._open: tuple[Path, int] | None = None

    def run(self, patience_ms: int = _PATIENCE_MS) -> State:
        """Send until all is out, the client falls behind or the turn is over.

        Raises:
            EOFError: A file is shorter than announced.
            OSError: A file is gone, or the connection broke.
        """
        until = time.monotonic() + _TURN
        self._cork(True)
        try:
            while self._send_some():
                if not self._ready.poll(patience_ms):
                    return State.FULL
                if time.monotonic() > until:
                    return State.PAUSED
            return State.DONE
        finally:
            self._cork(False)
            self._close()

    def _send_some(self) -> bool:
        """Send until the socket is full or its share was sent; tell whether something is left."""
        out, share = self._socket.fileno(), _SHARE
        while self._at < len(self._pieces) and share > 0:
            piece = self._pieces[self._at]
            try:
                if isinstance(piece, FileRange):
                    size, sent = piece.length, self._send_file(out, piece)
                else:
                    size, sent = len(piece), os.write(out, memoryview(piece)[self._sent :])
            except BlockingIOError:
                return True
            share -= sent
            self._sent += sent
            if self._sent == size:
                self._at, self._sent = self._at + 1, 0
        return self._at < len(self._pieces)

    def _send_file(self, out: int, piece: FileRange) -> int:
        file, start, length = piece
        fd = file if isinstance(file, int) else self._descriptor(file)
        sent = os.sendfile(out, fd, start + self._sent, min(length - self._sent, _SHARE))
        if not sent:
            raise EOFError(f"{file} is shorter than the hub recorded")
        return sent

    def _descriptor(self, path: Path) -> int:
        if self._open is None or self._open[0] is not path:
            self._close()
            self._open = (path, os.open(path, os.O_RDONLY))
        return self._open[1]

    def _close(self) -> None:
        if self._open is not None:
            os.close(self._open[1])
            self._open = None

    def _cork(self, wanted: bool) -> None:
        """Let small pieces fill packets together, or send what is left of that."""
        if _CORK is not None and len(self._pieces) > 1:
            self._socket.setsockopt(socket.IPPROTO_TCP, _CORK, wanted)
