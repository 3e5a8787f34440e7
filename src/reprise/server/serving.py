"""Run the application: bind, announce, serve until told to stop."""

import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette

from reprise.registry.registry import Registry
from reprise.server.app import create_app
from reprise.server.inference.companion import Companion
from reprise.server.inference.settings import Settings
from reprise.server.observe import JsonLines
from reprise.server.protocol import HubProtocol

_BACKLOG = 2048
_GRACE_SECONDS = 5  # how long running requests may finish after SIGTERM


@dataclass(frozen=True)
class Inference:
    """Who runs models, and how much of it.

    Attributes:
        settings: Limits.
        worker: Makes the command line of the hub's own worker from the hub's address; None for
            a hub whose workers others start.
    """

    settings: Settings = field(default_factory=Settings)
    worker: Callable[[str], Sequence[str]] | None = None


def serve(
    registry: Registry,
    *,
    host: str,
    port: int,
    announce: Callable[[str], None],
    inference: Inference | None = None,
) -> None:
    """Serve a registry until SIGINT or SIGTERM.

    Args:
        registry: The open hub.
        host: Address to bind.
        port: Port to bind; 0 picks a free one.
        announce: Called with the URL once the socket accepts connections.
        inference: Who runs models; without it, workers that others start.
    """
    inference = inference or Inference()
    listener = _bind(host, port)
    announce(_url(listener))
    app = create_app(registry, inference_settings=inference.settings)
    if inference.worker is not None:
        command = inference.worker(_url(listener, local=True))
        app.state.companion = Companion(command, app.state.worker_secret)
        app.state.dispatch.on_demand = app.state.companion.start
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
    _Server(config, app).run(sockets=[listener])


def finish(app: Starlette) -> None:
    """Write what is still in memory, and let the application's threads end.

    After it, nothing holds a connection of the registry's database, so that it can be closed.
    """
    if app.state.companion is not None:
        app.state.companion.stop()
    app.state.downloads.flush(app.state.registry)
    for threads in (app.state.threads, app.state.senders, app.state.pouring.threads):
        threads.shutdown()
    app.state.indexer.wait(_GRACE_SECONDS)


class _Server(uvicorn.Server):
    """uvicorn's server, which finishes the application's own work before it stops."""

    def __init__(self, config: uvicorn.Config, app: Starlette) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go whoever waits, finish running requests, then the application."""
        if self._app.state.companion is not None:
            self._app.state.companion.end()  # before it finds the hub gone
        self._app.state.dispatch.close()
        await super().shutdown(sockets)
        finish(self._app)


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


def _url(listener: socket.socket, *, local: bool = False) -> str:
    host, port = listener.getsockname()[:2]
    if local:  # where all addresses are listened to, none of them is one to connect to
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
