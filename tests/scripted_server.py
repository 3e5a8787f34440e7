"""What the scripted servers of the tests have in common: a thread, a port, a log."""

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self


@dataclass
class ScriptedServer:
    """A server in a thread while the block runs. Subclasses name the handler of their requests."""

    handler: ClassVar[type["ScriptedHandler"]]
    url: str = field(default="", kw_only=True)

    def __enter__(self) -> Self:
        bound = type("Handler", (self.handler,), {"script": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), bound)
        self._server.daemon_threads = True
        # A client that hangs up early is no error of ours.
        self._server.handle_error = lambda *_: None
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class ScriptedHandler(BaseHTTPRequestHandler):
    """Answers requests as `script`, the server's own object, says; prints nothing."""

    script: Any
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        """Answer one request; `command` and `path` say which."""
        raise NotImplementedError

    def do_GET(self) -> None:
        self.answer()

    do_HEAD = do_POST = do_GET  # noqa: N815 - http.server's names

    def log_message(self, *args: object) -> None:
        pass

    def read(self) -> bytes:
        """Read the body of a request."""
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def send(self, body: bytes, headers: dict[str, str] | None = None, status: int = 200) -> None:
        """Send an answer; an empty header is left out."""
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
