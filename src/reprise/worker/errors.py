"""Errors as clients read them: huggingface_hub's shape for tasks, OpenAI's for the rest."""

import json
from typing import Any

from reprise.base.errors import (
    InvalidField,
    InvalidInput,
    NotSupported,
    RepriseError,
    TooLarge,
)

_UNPROCESSABLE = 422
_TOO_LARGE = 413
_CLIENT, _SERVER = 400, 500


def status_of(error: RepriseError, kind: str = "task") -> int:
    """Choose the HTTP status of an error for the clients of a kind of job.

    What cannot be done with this input or this model is the caller's to change, so it is 422;
    OpenAI's routes say 400 of it.
    """
    if isinstance(error, TooLarge):
        return _TOO_LARGE
    if isinstance(error, InvalidInput | NotSupported):
        return _UNPROCESSABLE if kind == "task" else _CLIENT
    return error.status


def error_body(kind: str, error: RepriseError, status: int) -> bytes:
    """Write an error for the clients of a kind of job."""
    text = f"{error.message} {error.hint}".strip()
    field = error.field if isinstance(error, InvalidField) else None
    told = json.dumps(_shaped(kind, text, field, status), ensure_ascii=False)
    return told.encode(errors="replace")  # names of fields may hold half a character


def _shaped(kind: str, text: str, field: str | None, status: int) -> dict[str, Any]:
    wrong = _CLIENT <= status < _SERVER
    if kind == "task":
        found = {"error": text, "error_type": "validation" if wrong else "generation"}
        return found | ({"field": field} if field else {})
    told = "invalid_request_error" if wrong else "server_error"
    return {"error": {"message": text, "type": told, "param": field, "code": status}}


def as_event(body: bytes) -> bytes:
    """Wrap a line of JSON as a server-sent event."""
    return b"data: " + body + b"\n\n"
