"""Hostile submissions, decisions, votes and reports are refused, and break nothing."""

import io
import pickle
import zipfile

import httpx2
import pytest

from reprise.base.errors import TooManyRequests
from reprise.base.ids import RepoId, RepoType
from reprise.registry import accounts, reports, repos, reviewers, tokens
from tests.committing import commit
from tests.factories import Hub, make_repo, make_token, make_user

URL = "/api/models/ada/net"
HUBCONF = b'def net():\n    """Make a net."""\n'


@pytest.fixture
def ada(hub: Hub) -> httpx2.Client:
    make_repo(hub.registry, "ada/net")
    commit(hub.registry, "ada/net", {"hubconf.py": HUBCONF})
    return hub.client(hub.token)


def client_of(hub: Hub, name: str, role: str = "write", *, reviews: bool = False) -> httpx2.Client:
    user = make_user(hub.registry, name)
    if reviews:
        with hub.registry.db.write() as conn:
            reviewers.add(conn, user, now=1)
    return hub.client(make_token(hub.registry, name, role))


def failed(answer: httpx2.Response) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    return {it["name"]: it["reason"] for it in answer.json()["checks"] if it["outcome"] == "failed"}


def checked(hub: Hub, ada: httpx2.Client, **files: bytes) -> dict[str, str]:
    commit(hub.registry, "ada/net", {name.replace("__", "."): it for name, it in files.items()})
    return failed(ada.post(f"{URL}/submission", json={}))


# -- who ------------------------------------------------------------------------------------


def test_nobody_decides_on_their_own_work(hub: Hub, ada) -> None:
    with hub.registry.db.write() as conn:
        reviewers.add(conn, accounts.find(conn, "ada"), now=1)
    ada.post(f"{URL}/submission", json={})
    answer = ada.post(f"{URL}/submission/decision", json={"state": "published", "reason": "Mine."})
    assert answer.status_code == 403
    assert "own work" in answer.json()["error"]


@pytest.mark.parametrize("role", ["read", "write"])
def test_a_user_or_a_reading_reviewer_decides_nothing(hub: Hub, ada, role: str) -> None:
    ada.post(f"{URL}/submission", json={})
    other = client_of(hub, "bob", role, reviews=role == "read")
    body = {"state": "published", "reason": "Fine."}
    assert other.post(f"{URL}/submission/decision", json=body).status_code == 403
    assert hub.client().post(f"{URL}/submission/decision", json=body).status_code == 401


def test_a_read_token_neither_votes_nor_reports(hub: Hub, ada) -> None:
    del ada
    reader = client_of(hub, "bob", "read")
    answers = [
        reader.post(f"{URL}/vote"),
        reader.delete(f"{URL}/vote"),
        reader.post(f"{URL}/reports", json={"text": "x"}),
    ]
    assert [it.status_code for it in answers] == [403, 403, 403]
    assert hub.client().post(f"{URL}/vote").status_code == 401


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "submission"), ("POST", "submission"), ("POST", "submission/checks"),
    ("POST", "submission/decision"), ("GET", "badge.svg"), ("POST", "vote"), ("GET", "likers"),
    ("POST", "reports"), ("GET", "reports"), ("POST", "reports/1/status"),
])  # fmt: skip
def test_a_private_repo_is_absent_on_every_route(hub: Hub, method: str, path: str) -> None:
    make_repo(hub.registry, "ada/secret", private=True)
    other = client_of(hub, "bob", reviews=True)
    body = {"json": {"state": "published", "reason": "x", "text": "x", "status": "closed"}}
    url = f"/api/models/ada/secret/{path}"
    answer = other.request(method, url, **(body if method == "POST" else {}))
    assert (answer.status_code, answer.headers["x-error-code"]) == (404, "RepoNotFound")


def test_a_private_repo_cannot_be_submitted(hub: Hub, ada) -> None:
    make_repo(hub.registry, "ada/secret", private=True)
    answer = ada.post("/api/models/ada/secret/submission", json={})
    assert (answer.status_code, "private" in answer.json()["error"]) == (400, True)


def test_a_published_repo_that_turns_private_leaves_the_catalogue(hub: Hub, ada) -> None:
    card = b"---\nlicense: mit\n---\n# N\n\n" + b"word " * 9 + b"\n\n```python\n1\n```\n"
    commit(hub.registry, "ada/net", {"README.md": card})
    eve = client_of(hub, "eve", reviews=True)
    assert ada.post(f"{URL}/submission", json={}).json()["state"] == "review"
    eve.post(f"{URL}/submission/decision", json={"state": "published", "reason": "Fine."})
    assert len(hub.client().get("/api/submissions").json()) == 1
    ada.put(f"{URL}/settings", json={"private": True})
    assert (hub.client().get("/api/submissions").json(), eve.get("/api/submissions").json()) == (
        [], [])  # fmt: skip
    assert hub.client().get(f"{URL}/badge.svg").status_code in {401, 404}


# -- what -----------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [
    b"[]", b"{", b'{"revision": 7}', b'{"revision": "no-such"}', b'{"revision": "\\u0000"}',
    b'{"revision": "' + b"0" * 40 + b'"}',
])  # fmt: skip
def test_a_malformed_submission_is_refused(ada, body: bytes) -> None:
    assert ada.post(f"{URL}/submission", content=body).status_code in {400, 404}
    assert ada.get(f"{URL}/submission").status_code == 404


@pytest.mark.parametrize("body", [
    {}, {"state": "published"}, {"state": "published", "reason": " "}, {"state": "review",
    "reason": "x"}, {"state": [], "reason": "x"}, {"state": "declined", "reason": 3},
    {"state": "declined", "reason": "x" * 4001},
])  # fmt: skip
def test_a_malformed_decision_is_refused(hub: Hub, ada, body: dict) -> None:
    ada.post(f"{URL}/submission", json={})
    eve = client_of(hub, "eve", reviews=True)
    assert eve.post(f"{URL}/submission/decision", json=body).status_code == 400


@pytest.mark.parametrize(("body", "status"), [
    ({}, 400), ({"text": "  "}, 400), ({"text": 5}, 400), ({"text": "x" * 10_001}, 413),
    ({"text": "x", "environment": []}, 400), ({"text": "x", "revision": "no-such"}, 404),
    ({"text": "x", "environment": {"a": "x" * 70_000}}, 413),
])  # fmt: skip
def test_a_malformed_report_is_refused(ada, body: dict, status: int) -> None:
    assert ada.post(f"{URL}/reports", json=body).status_code == status
    assert ada.get(f"{URL}/reports").json() == []


@pytest.mark.parametrize("number", ["x", "-1", "9" * 40, "%F0%9F%92%A3", "999"])
def test_a_report_that_does_not_exist_cannot_be_closed(ada, number: str) -> None:
    answer = ada.post(f"{URL}/reports/{number}/status", json={"status": "closed"})
    assert answer.status_code == 404


@pytest.mark.parametrize("state", ["nonsense", "%00", "a" * 5000])
def test_an_unknown_state_is_refused(ada, state: str) -> None:
    assert ada.get(f"/api/submissions?state={state}").status_code == 400


def test_an_account_cannot_flood_an_owner_with_reports(hub: Hub, ada) -> None:
    del ada
    with hub.registry.db.write() as conn:
        caller = tokens.caller_of(conn, accounts.find(conn, "ada"))
        repo = repos.lookup(conn, RepoType.MODEL, RepoId.parse("ada/net"))
        for moment in range(20):
            reports.send(conn, caller, repo, reports.Draft("x", {}), now=moment)
        with pytest.raises(TooManyRequests, match="20 reports a day"):
            reports.send(conn, caller, repo, reports.Draft("x", {}), now=21)


# -- what is checked ------------------------------------------------------------------------


class Evil:
    def __reduce__(self):
        return print, ("executed",)


def test_checkpoints_that_run_code_are_named_and_not_loaded(hub: Hub, ada, capfd) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("net/data.pkl", pickle.dumps(Evil(), 2))
    commit(hub.registry, "ada/net", {}, {"large.pt": archive.getvalue()})
    found = checked(hub, ada, plain__bin=pickle.dumps(Evil(), 4))
    assert "large.pt would import __builtin__.print when loaded" in found["pickles"]
    assert "plain.bin would import builtins.print when loaded" in found["pickles"]
    assert "executed" not in capfd.readouterr().out


@pytest.mark.parametrize("readme", [
    b"`" * 100_000 + b"\n" + b"x" * 100_000, b"~~~\n" * 50_000, b"[" * 200_000,
    b"[a](" * 50_000, b"<img " * 40_000, b"![](" + b"%ff" * 1000 + b")", b"[a](http://[::1)",
    b"```python\n" * 20_000, b"# \n" * 60_000,
], ids=range(9))  # fmt: skip
def test_a_hostile_card_is_checked_in_time(hub: Hub, ada, readme: bytes) -> None:
    assert "licence" in checked(hub, ada, README__md=readme)


@pytest.mark.parametrize("hubconf", [
    b"\0", b"(" * 5000, b"\xff\xfe", b"def f(): 'x\\ud800'", b"import " + b"a." * 5000 + b"b",
], ids=range(5))  # fmt: skip
def test_a_hostile_hubconf_is_checked(hub: Hub, ada, hubconf: bytes) -> None:
    assert "card" in checked(hub, ada, hubconf__py=hubconf)


def test_a_badge_says_nothing_about_what_is_not_published(hub: Hub, ada) -> None:
    ada.post(f"{URL}/submission", json={})
    assert ada.get(f"{URL}/badge.svg").status_code == 404
    assert hub.client().get(f"{URL}/badge.svg").status_code == 404
