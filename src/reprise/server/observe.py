"""What the operator sees: one log line, one request id and a few counters per request."""

import json
import logging
import re
import secrets
import time
from collections.abc import MutableMapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from reprise.server.receiving import RECEIVE_INTO

log = logging.getLogger("reprise.access")

# Set in a request's state by whoever waits on purpose: long polls would hide what is slow.
WAITED = "waited"
_ID_HEADERS = (b"x-request-id", b"x-amzn-trace-id")  # the first that is there counts
_SAFE_ID = re.compile(r"[A-Za-z0-9._:=;-]{1,200}")


class Observed:
    """Middleware: echo or make `X-Request-Id`, count, time and log each request.

    Only the path is logged: never the query, headers or body, where secrets travel.
    """

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self.app = app
        self._requests = Counter(
            "reprise_http_requests", "Requests served.", ["method", "status"], registry=registry
        )
        self._bytes = Counter(
            "reprise_http_request_bytes", "Bytes of request bodies.", registry=registry
        )
        self._seconds = Histogram(
            "reprise_http_request_seconds", "Time to serve.", ["method"], registry=registry
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id, started, status = _request_id(scope), time.perf_counter(), 500

        async def receive_counted() -> MutableMapping[str, Any]:
            message = await receive()
            self._bytes.inc(len(message.get("body", b"")))
            return message

        async def send_observed(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                named = (b"x-request-id", request_id.encode())
                message["headers"] = [*message.get("headers", ()), named]
            await send(message)

        self._count_direct(scope)
        try:
            await self.app(scope, receive_counted, send_observed)
        finally:
            seconds = time.perf_counter() - started
            self._requests.labels(scope["method"], status).inc()
            if not scope.get("state", {}).get(WAITED):
                self._seconds.labels(scope["method"]).observe(seconds)
                _log(scope, status, seconds, request_id)

    def _count_direct(self, scope: Scope) -> None:
        """Count bytes that go straight from the socket to their reader, too."""
        receive_into = scope.get("extensions", {}).get(RECEIVE_INTO)
        if receive_into is None:
            return

        async def receive_into_counted(view: memoryview) -> int:
            count: int = await receive_into(view)
            self._bytes.inc(count)
            return count

        scope["extensions"] = {**scope["extensions"], RECEIVE_INTO: receive_into_counted}


def metrics_text(request: Request) -> Response:
    """`GET /metrics`: counters in Prometheus' text format."""
    return Response(generate_latest(request.app.state.metrics), media_type=CONTENT_TYPE_LATEST)


async def health(_request: Request) -> Response:
    """`GET /health`: the process serves."""
    return Response('{"status":"ok"}', media_type="application/json")


class JsonLines(logging.Formatter):
    """Log records as one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record; `extra={"fields": {...}}` adds fields."""
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _request_id(scope: Scope) -> str:
    sent = {name: value for name, value in scope["headers"] if name in _ID_HEADERS}
    for name in _ID_HEADERS:
        text = sent.get(name, b"").decode("latin-1")
        if text:
            return text if _SAFE_ID.fullmatch(text) else secrets.token_hex(16)
    return secrets.token_hex(16)


def _log(scope: Scope, status: int, seconds: float, request_id: str) -> None:
    if log.isEnabledFor(logging.INFO):
        fields = {
            "method": scope["method"],
            "path": scope["raw_path"].decode("ascii", "replace"),
            "status": status,
            "ms": round(seconds * 1000, 2),
            "request_id": request_id,
        }
        log.info("request", extra={"fields": fields})
