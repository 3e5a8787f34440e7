"""Keep the beginning and the end of what a program prints, however much it is."""

import threading
from typing import IO

_CHUNK = 1 << 16


class Capture:
    """Reads a pipe to its end in a thread of its own.

    At most `limit` bytes are kept: the first half and the last half, with a line between them
    that tells how much is missing. The pipe is always drained, so the program never blocks.
    """

    def __init__(self, pipe: IO[bytes], limit: int) -> None:
        self._pipe = pipe
        self._half = max(limit // 2, 1)
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0
        self._thread = threading.Thread(target=self._drain, daemon=True, name="capture")
        self._thread.start()

    def finish(self) -> bytes:
        """Wait for the end of the pipe and return what was kept."""
        self._thread.join()
        self._pipe.close()
        return self.so_far()

    def so_far(self) -> bytes:
        """Return what has been kept until now."""
        gap = f"\n... {self._dropped} bytes left out ...\n".encode() if self._dropped else b""
        return bytes(self._head) + gap + bytes(self._tail)

    def _drain(self) -> None:
        while chunk := self._pipe.read1(_CHUNK):  # type: ignore[attr-defined]
            self._keep(chunk)

    def _keep(self, chunk: bytes) -> None:
        room = self._half - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:] if room > 0 else chunk
        excess = len(self._tail) - self._half
        if excess > 0:
            del self._tail[:excess]
            self._dropped += excess
