"""The one request that list and help send without importing a whole client."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from huggingface_hub import constants

from reprise.hub import quick
from reprise.hub.quick import Answer
from tests.scripted_server import ScriptedHandler, ScriptedServer


class _Handler(ScriptedHandler):
    script: "Host"

    def answer(self) -> None:
        self.script.sent.append(self.headers.get("Authorization", ""))
        status, headers, body = self.script.answers[self.path]
        self.send(body, headers, status)


@dataclass
class Host(ScriptedServer):
    """Says what it is told to say, and notes whose token it was shown."""

    handler = _Handler
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, client_home) -> Iterator[Host]:
    monkeypatch.delitem(sys.modules, "huggingface_hub.utils._http", raising=False)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_OIDC_RESOURCE"):
        monkeypatch.delenv(name, raising=False)
    client_home.mkdir()
    (client_home / "token").write_text("hf_stored\n")
    with Host(answers={"/ok": (200, {}, b"{}")}) as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        yield server


def ask(host: Host, path: str, token: str | bool | None = None, limit: int = 100) -> Answer | None:
    return quick.get(host.url + path, host.url, token, limit=limit)


def test_what_is_there_comes_whole_and_what_is_not_is_said(host: Host) -> None:
    host.answers["/no"] = (404, {}, b"{}")
    assert (ask(host, "/ok"), ask(host, "/no")) == (Answer(b"{}"), Answer(None))


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (302, {"Location": "/ok"}, b""), (401, {}, b""), (403, {}, b""), (429, {}, b""),
        (500, {}, b""), (204, {}, b""), (200, {}, b"x" * 101),
        (200, {"Content-Length": "60", "Connection": "close"}, b"cut"),
    ],
)  # fmt: skip
def test_anything_else_is_left_to_the_whole_client(host: Host, status, headers, body) -> None:
    host.answers["/odd"] = (status, headers, body)
    assert ask(host, "/odd") is None


def test_a_host_that_is_not_there_is_left_to_it_too(host: Host) -> None:
    assert quick.get("http://127.0.0.1:9/x", host.url, None, limit=9) is None
    assert quick.get("http://[bad/x", host.url, None, limit=9) is None


@pytest.mark.parametrize(
    ("token", "sent"),
    [(None, "Bearer hf_stored"), (True, "Bearer hf_stored"), (False, ""), ("own", "Bearer own")],
)
def test_the_token_is_the_one_that_is_meant(host: Host, token, sent: str) -> None:
    ask(host, "/ok", token)
    assert host.sent == [sent]


def test_the_stored_token_stays_with_the_hub_in_use(host: Host, monkeypatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "https://other.example")
    ask(host, "/ok")
    assert host.sent == [""]


def test_the_environment_comes_before_what_is_stored(host: Host, monkeypatch) -> None:
    monkeypatch.setenv("HF_TOKEN", " hf_given\n")
    ask(host, "/ok")
    assert host.sent == ["Bearer hf_given"]


def test_credentials_that_have_to_be_exchanged_are_left_to_it(host: Host, monkeypatch) -> None:
    monkeypatch.setenv("HF_OIDC_RESOURCE", "x")
    assert (ask(host, "/ok"), host.sent) == (None, [])


def test_a_token_that_is_none_is_not_sent(host: Host) -> None:
    assert (ask(host, "/ok", "a\r\nX: y"), host.sent) == (None, [])


def test_who_has_the_whole_client_uses_it(host: Host, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub.utils._http", object())
    assert (ask(host, "/ok"), host.sent) == (None, [])
