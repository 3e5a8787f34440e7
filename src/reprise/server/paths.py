"""Paths as clients encode them: decoded once, one segment at a time.

Clients send `refs%2Fpr%2F1` as one segment. Routing therefore works on the raw path, and each
parameter is decoded after the route has matched.
"""

import re
from urllib.parse import unquote

from starlette.convertors import Convertor, register_url_convertor
from starlette.types import ASGIApp, Receive, Scope, Send

from reprise.base.errors import InvalidId
from reprise.base.ids import RepoType

_CONTROL = re.compile(r"[\x00-\x1f]")


class RawPath:
    """Middleware that makes routes match the path as it was sent, still percent-encoded."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Replace the decoded path."""
        if scope["type"] == "http" and scope.get("raw_path"):
            raw = scope["raw_path"].split(b"?", 1)[0]
            scope = {**scope, "path": raw.decode("ascii", "replace")}
        await self.app(scope, receive, send)


def decode(text: str) -> str:
    """Percent-decode once.

    Raises:
        InvalidId: The bytes are not UTF-8, or a control character hides in them.
    """
    try:
        plain = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise InvalidId(f"Path segment {text[:80]!r} is not valid UTF-8.") from None
    if _CONTROL.search(plain):
        raise InvalidId(f"Path segment {text[:80]!r} holds a control character.")
    return plain


class _Encoded(Convertor[str]):
    """Keeps the text as sent; `Call.param` decodes it, so that a bad one becomes a JSON error."""

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


class _Segment(_Encoded):
    regex = "[^/]+"


class _RepoId(_Encoded):
    regex = "[^/]+(?:/[^/]+)?"  # owner/name, or a legacy name


class _Tail(_Encoded):
    regex = ".+"


class _Cas(_Encoded):
    regex = "cas(?:/v1)?"  # hf-xet 1.1 and 1.2 leave the version out


class _Plural(_Encoded):
    regex = "s?"  # hf-xet before 1.1.9 says xorb, chunk, reconstruction


class _ApiType(Convertor[RepoType]):
    """`models`, `datasets`, … as they stand in API paths."""

    regex = "|".join(repo_type.plural for repo_type in RepoType)

    def convert(self, value: str) -> RepoType:
        return RepoType(value.removesuffix("s"))

    def to_string(self, value: RepoType) -> str:
        return value.plural


class _WebType(Convertor[RepoType]):
    """What stands before an id in web and git URLs: `datasets/`, …, nothing for models."""

    regex = "|".join(sorted((repo_type.url_prefix for repo_type in RepoType), reverse=True))

    def convert(self, value: str) -> RepoType:
        return RepoType(value.removesuffix("s/")) if value else RepoType.MODEL

    def to_string(self, value: RepoType) -> str:
        return value.url_prefix


def register_convertors() -> None:
    """Make the convertors usable in route paths.

    `{rev:seg}` one encoded segment, `{repo:repo}` an id, `{path:tail}` the rest, `{cas:cas}` and
    `{s:plural}` the spellings of old xet clients, `{type:api}` and `{type:web}` a repo type (write
    `/api/{type:api}/{repo:repo}` and `/{type:web}{repo:repo}`).
    """
    for name, convertor in (
        ("seg", _Segment()),
        ("repo", _RepoId()),
        ("tail", _Tail()),
        ("cas", _Cas()),
        ("plural", _Plural()),
        ("api", _ApiType()),
        ("web", _WebType()),
    ):
        register_url_convertor(name, convertor)
