"""A server of single files that can break off, fail, lie and count."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from tests.scripted_server import ScriptedHandler, ScriptedServer


class _Handler(ScriptedHandler):
    script: "ScriptedFiles"
    protocol_version = "HTTP/1.0"  # the end of an answer is the end of the connection

    def answer(self) -> None:
        script, wanted = self.script, self.headers.get("Range", "")
        path = self.path.partition("?")[0]
        script.log.append((self.command, self.path, wanted))
        data = script.files.get(self.path, script.files.get(path))
        if script.statuses:
            self._send(script.statuses.pop(0), b"", {})
        elif data is None:
            self._send(404, b"", {})
        else:
            self._file(data, wanted)

    def _file(self, data: bytes, wanted: str) -> None:
        script, etag = self.script, f'"{sha256(data).hexdigest()[:20]}"'
        headers = {"ETag": etag} if script.etags else {}
        is_same = self.headers.get("If-Range") in {None, etag}
        if wanted and script.takes_ranges and is_same:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                self._send(416, b"", {})
                return
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self._send(206, data[start:], headers)
        else:
            self._send(200, data, headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        script = self.script
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers | script.headers).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = script.cuts.pop(0) if script.cuts and status < 300 else len(body)
        self.wfile.write(body[:cut])
        if cut < len(body) and script.while_cut:
            script.while_cut()


@dataclass
class ScriptedFiles(ScriptedServer):
    """Files by path, and what this host does wrong, one item per answer."""

    handler = _Handler

    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)  # bytes after which the connection breaks
    statuses: list[int] = field(default_factory=list)  # answers before the first good one
    headers: dict[str, str] = field(default_factory=dict)  # replace what would be sent
    takes_ranges: bool = True
    etags: bool = True
    while_cut: Callable[[], None] | None = None  # runs when a connection was broken
    log: list[tuple[str, str, str]] = field(default_factory=list)  # method, path, range
