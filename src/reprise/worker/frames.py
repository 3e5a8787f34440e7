"""Messages between the worker and the process of a model: a JSON head and bytes, over a pipe."""

import json
import struct
from collections.abc import Mapping
from typing import IO, Any

_SIZES = struct.Struct(">II")  # bytes of the head, bytes of the body
Frame = tuple[dict[str, Any], bytes]


def write_frame(stream: IO[bytes], head: Mapping[str, Any], body: bytes = b"") -> None:
    """Send one message."""
    told = json.dumps(head).encode()
    stream.write(_SIZES.pack(len(told), len(body)) + told + body)
    stream.flush()


def read_frame(stream: IO[bytes]) -> Frame | None:
    """Receive one message; None when the other side is gone."""
    sizes = _exactly(stream, _SIZES.size)
    if sizes is None:
        return None
    head, body = _SIZES.unpack(sizes)
    told, carried = _exactly(stream, head), _exactly(stream, body)
    if told is None or carried is None:
        return None
    return json.loads(told), carried


def _exactly(stream: IO[bytes], count: int) -> bytes | None:
    found = stream.read(count) if count else b""
    return found if len(found) == count else None
