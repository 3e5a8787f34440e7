"""Run the application: bind, announce, serve until told to stop."""

import logging
import socket
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette

from reprise.registry.registry import Registry
from reprise.server.app import create_app
from reprise.server.observe import JsonLines
from reprise.server.protocol import HubProtocol

_BACKLOG = 2048
_GRACE_SECONDS = 5  # how long running requests may finish after SIGTERM


def serve(registry: Registry, *, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve a registry until SIGINT or SIGTERM.

    Args:
        registry: The open hub.
        host: Address to bind.
        port: Port to bind; 0 picks a free one.
        announce: Called with the URL once the socket accepts connections.
    """
    listener = _bind(host, port)
    announce(_url(listener))
    app = create_app(registry)
    app.state.indexer.start()
    config = uvicorn.Config(
        app,
        http=HubProtocol,
        loop="uvloop",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    _Server(config, lambda: finish(app)).run(sockets=[listener])


def finish(app: Starlette) -> None:
    """Write what is still in memory, and let the application's threads end.

    After it, nothing holds a connection of the registry's database, so that it can be closed.
    """
    app.state.downloads.flush(app.state.registry)
    for threads in (app.state.threads, app.state.senders, app.state.pouring.threads):
        threads.shutdown()
    app.state.indexer.wait(_GRACE_SECONDS)


class _Server(uvicorn.Server):
    """uvicorn's server, which finishes the application's own work before it stops."""

    def __init__(self, config: uvicorn.Config, finish: Callable[[], None]) -> None:
        super().__init__(config)
        self._finish = finish

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish running requests, then the application."""
        await super().shutdown(sockets)
        self._finish()


def log_to_stderr(level: str) -> None:
    """Write the server's log as JSON lines to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    own = logging.getLogger("reprise")  # the command line gave it a handler for people
    own.handlers, own.propagate = [], True
    own.setLevel(level.upper())


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(_BACKLOG)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
