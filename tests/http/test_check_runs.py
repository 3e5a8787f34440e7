"""What people find who run a submission's code: kept with date and account, counted, compared."""

from typing import Any

import httpx2
import pytest
from sqlalchemy import update

from reprise.registry import reviewers
from reprise.registry.db.schema import check_run
from tests.committing import commit
from tests.factories import Hub, make_repo, make_token, make_user

CARD = b"---\nlicense: mit\n---\n# N\n\n" + b"word " * 9 + b"\n\n```python\n1\n```\n"
FILES = {"README.md": CARD, "hubconf.py": b'def net():\n    """Make a net."""\n'}
URL = "/api/models/ada/net"
ENVIRONMENT = {"python": "3.11.4", "packages": {"torch": "2.13.0"}}


@pytest.fixture
def ada(hub: Hub) -> httpx2.Client:
    """ada, who submitted a repo that passes what the hub checks."""
    make_repo(hub.registry, "ada/net")
    commit(hub.registry, "ada/net", FILES)
    client = hub.client(hub.token)
    assert client.post(f"{URL}/submission", json={}).json()["state"] == "review"
    return client


@pytest.fixture
def eve(hub: Hub) -> httpx2.Client:
    """eve, a reviewer."""
    user = make_user(hub.registry, "eve")
    with hub.registry.db.write() as conn:
        reviewers.add(conn, user, now=1)
    return hub.client(make_token(hub.registry, "eve"))


def finding(name: str, outcome: str = "passed", reason: str = "fine", **details: Any) -> dict:
    return {"name": name, "outcome": outcome, "reason": reason, "details": details}


def printed(sha256: str = "a" * 64, sample: tuple[float, ...] = (1.0, 2.0)) -> dict:
    call = {"sha256": sha256, "outline": "o", "form": "float32[2]", "sample": list(sample)}
    return finding("fingerprint", entries={"net": {"state": None, "value": None, "calls": [call]}})


def send(client: httpx2.Client, *findings: dict, **changes: Any) -> httpx2.Response:
    sha = client.get(f"{URL}/submission").json().get("sha", "0" * 40)
    body = {"sha": sha, "environment": ENVIRONMENT, "findings": list(findings), **changes}
    return client.post(f"{URL}/submission/runs", json=body)


def check_of(answer: httpx2.Response, name: str) -> dict:
    assert answer.status_code == 200, answer.text
    found = next(it for it in answer.json()["checks"] if it["name"] == name)
    return {key: found[key] for key in ("outcome", "reason", "by", "asReviewer")}


def publish(client: httpx2.Client) -> None:
    body = {"state": "published", "reason": "Fine."}
    assert client.post(f"{URL}/submission/decision", json=body).status_code == 200


def test_a_run_is_kept_with_its_date_and_whose_token_sent_it(hub: Hub, ada, eve) -> None:
    answer = send(eve, finding("loads", details=1) | {"details": {"a": 1}})
    assert check_of(answer, "loads") == {
        "outcome": "passed", "reason": "fine", "by": "eve", "asReviewer": True}  # fmt: skip
    assert check_of(answer, "calls")["by"] is None
    [run] = ada.get(f"{URL}/submission/runs").json()
    assert run.pop("createdAt")[:4].isdigit()
    assert run == {
        "sha": answer.json()["sha"], "author": "eve", "token": "write token", "asReviewer": True,
        "environment": ENVIRONMENT,
        "findings": [{"name": "loads", "outcome": "passed", "reason": "fine",
                      "details": {"a": 1}}],
    }  # fmt: skip
    make_user(hub.registry, "bob")
    bob = hub.client(make_token(hub.registry, "bob"))
    assert bob.get(f"{URL}/submission/runs").status_code == 404


def test_a_reviewers_word_counts_before_the_authors(ada, eve) -> None:
    assert check_of(send(ada, finding("loads")), "loads")["by"] == "ada"
    assert check_of(send(ada, finding("loads")), "loads")["asReviewer"] is False
    send(eve, finding("loads", "failed", "gone"))
    shown = check_of(send(ada, finding("loads")), "loads")
    assert (shown["outcome"], shown["by"]) == ("failed", "eve")


def test_a_reviewer_of_their_own_repo_speaks_as_its_author(hub: Hub, ada) -> None:
    with hub.registry.db.write() as conn:
        from reprise.registry import accounts

        reviewers.add(conn, accounts.find(conn, "ada"), now=1)
    assert check_of(send(ada, finding("loads")), "loads")["asReviewer"] is False


@pytest.mark.usefixtures("ada")
def test_a_failure_keeps_it_from_review_and_takes_it_out_again(eve) -> None:
    assert send(eve, finding("loads", "failed", "gone")).json()["state"] == "checks"
    assert send(eve, finding("loads")).json()["state"] == "review"
    publish(eve)
    answer = send(eve, finding("loads", "failed", "gone")).json()
    assert (answer["state"], answer["history"][-1]["reason"]) == ("stale", "failed: loads")
    assert send(eve, finding("loads")).json()["state"] == "published"


def test_a_static_check_does_not_forget_what_was_reported(ada, eve) -> None:
    send(eve, finding("loads", "failed", "gone"))
    answer = ada.post(f"{URL}/submission/checks", json={})
    assert check_of(answer, "loads")["outcome"] == "failed"
    assert answer.json()["state"] == "checks"


def test_another_commit_starts_without_findings(hub: Hub, ada, eve) -> None:
    old = ada.get(f"{URL}/submission").json()["sha"]
    send(eve, finding("loads"))
    commit(hub.registry, "ada/net", {"new.txt": b"new"})
    answer = ada.post(f"{URL}/submission", json={})
    assert check_of(answer, "loads")["outcome"] == "not-run"
    refused = send(eve, finding("loads"), sha=old)
    assert (refused.status_code, "run them again" in refused.json()["error"]) == (412, True)


def test_the_badge_counts_what_was_reported_and_shows_the_oldest_date(hub: Hub, ada, eve) -> None:
    send(eve, finding("loads"), finding("calls", "not-run", "nothing to call"))
    publish(eve)
    assert "13 of 13 passed" in ada.get(f"{URL}/badge.svg").text
    with hub.registry.db.write() as conn:
        conn.execute(update(check_run).values(created_at=1_000_000))
    assert "checked 1970-01-01: 13 of 13 passed" in ada.get(f"{URL}/badge.svg").text


# -- fingerprints ---------------------------------------------------------------------------


@pytest.mark.usefixtures("ada")
def test_equal_fingerprints_say_since_when(eve) -> None:
    assert check_of(send(eve, printed()), "fingerprint")["reason"] == "fine"
    shown = check_of(send(eve, printed()), "fingerprint")
    assert shown["outcome"] == "passed"
    assert shown["reason"].startswith("fine, as on 20")
    assert shown["reason"].endswith(" by eve")


@pytest.mark.usefixtures("ada")
def test_drift_fails_and_says_since_when_and_what_changed(eve) -> None:
    send(eve, printed())
    publish(eve)
    newer = {"python": "3.11.4", "packages": {"torch": "2.14.0"}}
    answer = send(eve, printed("b" * 64, (1.0, 2.5)), environment=newer)
    shown = check_of(answer, "fingerprint")
    assert (shown["outcome"], answer.json()["state"]) == ("failed", "stale")
    assert shown["reason"].endswith(
        " by eve (torch 2.13.0 then, 2.14.0 now): net answers call 1 with numbers that differ by "
        "0.2 of the largest"
    )
    again = check_of(send(eve, printed("b" * 64, (1.0, 2.5))), "fingerprint")
    assert again["outcome"] == "failed"  # compared with the first, not with the last


@pytest.mark.usefixtures("ada")
def test_other_bits_of_the_same_numbers_are_no_drift(eve) -> None:
    send(eve, printed())
    assert (
        check_of(send(eve, printed("b" * 64, (1.0, 2.0001))), "fingerprint")["outcome"] == "passed"
    )


def test_a_reviewers_first_fingerprint_takes_the_place_of_the_authors(ada, eve) -> None:
    send(ada, printed("b" * 64, (9.0, 9.0)))
    assert check_of(send(eve, printed()), "fingerprint")["outcome"] == "failed"
    assert check_of(send(eve, printed()), "fingerprint")["outcome"] == "passed"


# -- hostile --------------------------------------------------------------------------------


@pytest.mark.usefixtures("ada")
def test_others_report_nothing(hub: Hub) -> None:
    publish_body = {"sha": "0" * 40, "findings": [finding("loads")]}
    make_user(hub.registry, "bob")
    bob = hub.client(make_token(hub.registry, "bob"))
    reader = hub.client(make_token(hub.registry, "ada", "read"))
    answers = [it.post(f"{URL}/submission/runs", json=publish_body).status_code
               for it in (bob, reader, hub.client())]  # fmt: skip
    assert answers == [404, 404, 404]


@pytest.mark.usefixtures("ada")
def test_a_user_who_sees_a_published_repo_still_reports_nothing(hub: Hub, eve) -> None:
    publish(eve)
    make_user(hub.registry, "bob")
    bob = hub.client(make_token(hub.registry, "bob"))
    assert send(bob, finding("loads", "failed", "x")).status_code == 403
    assert send(hub.client(), finding("loads", "failed", "x")).status_code == 401


@pytest.mark.parametrize(("changes", "status"), [
    ({"findings": []}, 400), ({"findings": "x"}, 400), ({"findings": [1]}, 400),
    ({"findings": [finding("hubconf")]}, 400), ({"findings": [finding("loads", "fine")]}, 400),
    ({"findings": [finding("loads"), finding("loads")]}, 400),
    ({"findings": [{"name": ["loads"], "outcome": "passed", "reason": "x"}]}, 400),
    ({"findings": [{"name": "loads", "outcome": "passed", "reason": 1}]}, 400),
    ({"findings": [finding("loads") | {"details": []}]}, 400),
    ({"sha": "main"}, 400), ({"sha": None}, 400), ({"environment": []}, 400),
    ({"environment": {"a": "x" * 70_000}}, 413),
    ({"findings": [finding("loads", a="x" * 600_000)]}, 413),
    ({"sha": "0" * 40}, 412),
])  # fmt: skip
def test_a_malformed_run_is_refused(ada, changes: dict, status: int) -> None:
    answer = send(ada, finding("loads"), **changes)
    assert (answer.status_code, bool(answer.json()["error"])) == (status, True)
    assert ada.get(f"{URL}/submission/runs").json() == []


@pytest.mark.parametrize("entries", [
    1, [], {"net": 1}, {"net": {"calls": 3, "state": [], "value": {"sha256": 4}}},
    {"net": {"calls": [{"sha256": "x", "sample": ["a", None, {}]}, None]}},
    {"net": {"value": {"sha256": "x", "outline": None, "form": {}, "sample": [1e308, -1e308]}}},
])  # fmt: skip
def test_a_hostile_fingerprint_breaks_nothing(ada, entries: object) -> None:
    first = finding("fingerprint", entries={"net": {
        "value": {"sha256": "y", "outline": None, "form": {}, "sample": [1.0, 2.0]},
        "calls": [{"sha256": "y", "sample": [1, 2, 3]}]}})  # fmt: skip
    for sent in (finding("fingerprint", entries=entries), first,
                 finding("fingerprint", entries=entries)):  # fmt: skip
        assert check_of(send(ada, sent), "fingerprint")["outcome"] in {"passed", "failed"}


def test_texts_that_no_database_holds_are_refused(ada) -> None:
    assert send(ada, finding("loads", reason="a\0b")).status_code == 400
    assert send(ada, finding("loads"), environment={"a": "\0"}).status_code == 400


def test_old_runs_are_forgotten_but_not_what_others_are_compared_with(ada, monkeypatch) -> None:
    monkeypatch.setattr("reprise.registry.check_runs.MAX_KEPT", 3)
    send(ada, printed())
    for _ in range(6):
        assert check_of(send(ada, printed()), "fingerprint")["outcome"] == "passed"
    assert len(ada.get(f"{URL}/submission/runs").json()) == 4
    monkeypatch.setattr("reprise.registry.check_runs._PER_DAY", 4)
    assert send(ada, printed()).status_code == 429
