"""The curated catalogue: submitted, checked, decided, voted for, reported, checked again."""

import httpx2
import pytest
from sqlalchemy import delete, insert, select

from reprise.registry import reviewers, submissions
from reprise.registry.checks import NOT_RUN
from reprise.registry.db.schema import git_commit
from tests.committing import commit
from tests.factories import Hub, make_org, make_repo, make_token, make_user

CARD = b"""---
license: mit
---
# Net

A small network that shows how a card for the catalogue is written.

```python
import reprise
```
"""
HUBCONF = (
    b'dependencies = []\n\n\ndef net(size: int = 1):\n    """Make a net."""\n    return size\n'
)
GOOD = {"README.md": CARD, "hubconf.py": HUBCONF}
URL = "/api/models/ada/net"


@pytest.fixture
def ada(hub: Hub) -> httpx2.Client:
    """ada, whose repo has all that a submission needs."""
    make_repo(hub.registry, "ada/net")
    commit(hub.registry, "ada/net", GOOD)
    return hub.client(hub.token)


@pytest.fixture
def eve(hub: Hub) -> httpx2.Client:
    """eve, a reviewer."""
    user = make_user(hub.registry, "eve")
    with hub.registry.db.write() as conn:
        reviewers.add(conn, user, now=1)
    return hub.client(make_token(hub.registry, "eve"))


def submit(client: httpx2.Client, **body: object) -> dict:
    answer = client.post(f"{URL}/submission", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def decide(
    client: httpx2.Client, state: str = "published", reason: str = "Fine."
) -> httpx2.Response:
    return client.post(f"{URL}/submission/decision", json={"state": state, "reason": reason})


def outcomes(answer: dict) -> dict[str, str]:
    return {it["name"]: it["outcome"] for it in answer["checks"]}


def test_a_good_submission_waits_for_review_and_hides_from_others(hub: Hub, ada) -> None:
    answer = submit(ada)
    assert (answer["state"], answer["submitter"]) == ("review", "ada")
    assert {name for name, it in outcomes(answer).items() if it == "not-run"} == set(NOT_RUN)
    assert "failed" not in outcomes(answer).values()
    assert [(it["state"], it["actor"]) for it in answer["history"]] == [
        ("checks", "ada"), ("review", None)]  # fmt: skip
    make_user(hub.registry, "bob")
    bob = hub.client(make_token(hub.registry, "bob"))
    assert bob.get(f"{URL}/submission").status_code == 404
    assert bob.get("/api/submissions").json() == []


def test_a_reviewer_publishes_and_everybody_sees_it(hub: Hub, ada, eve) -> None:
    submit(ada)
    assert decide(eve, reason="Reproduces the paper.").json()["state"] == "published"
    anybody = hub.client()
    answer = anybody.get(f"{URL}/submission").json()
    listed = anybody.get("/api/submissions?state=published").json()
    assert answer["history"][-1]["reason"] == "Reproduces the paper."
    assert [it["id"] for it in listed] == ["ada/net"]
    badge = anybody.get(f"{URL}/badge.svg")
    assert badge.headers["content-type"].startswith("image/svg+xml")
    assert f"checked {answer['checks'][0]['checkedAt'][:10]}: 12 of 12 passed" in badge.text


@pytest.mark.parametrize("state", ["changes-requested", "declined"])
def test_a_refusal_tells_the_author_why(ada, eve, state: str) -> None:
    submit(ada)
    assert decide(eve, state, "No data licence.").json()["state"] == state
    assert ada.get(f"{URL}/submission").json()["history"][-1]["reason"] == "No data licence."
    assert submit(ada)["state"] == "review"


def test_failed_checks_keep_it_from_review(hub: Hub, ada, eve) -> None:
    commit(hub.registry, "ada/net", {"README.md": b"# Net\n", "w.pkl": b"\x80\x04N."})
    answer = submit(ada)
    failed = {it["name"]: it["reason"] for it in answer["checks"] if it["outcome"] == "failed"}
    assert answer["state"] == "checks"
    assert set(failed) == {"licence", "card", "pickles"}
    assert failed["pickles"] == "w.pkl is a pickle that only code can load"
    assert decide(eve).status_code == 400


def test_an_old_commit_can_be_submitted_and_a_draft_is_only_checked(hub: Hub, ada) -> None:
    old = ada.get(URL).json()["sha"]
    commit(hub.registry, "ada/net", {"README.md": b"# Net\n"})
    answer = submit(ada, revision=old, draft=True)
    assert (answer["state"], answer["sha"]) == ("draft", old)
    assert ada.post(f"{URL}/submission/checks", json={}).json()["state"] == "draft"


@pytest.mark.usefixtures("ada")
def test_only_those_who_can_push_may_submit(hub: Hub) -> None:
    make_user(hub.registry, "bob")
    bob = hub.client(make_token(hub.registry, "bob"))
    reader = hub.client(make_token(hub.registry, "ada", "read"))
    answers = [it.post(f"{URL}/submission", json={}).status_code for it in (bob, reader)]
    assert answers == [403, 403]
    assert hub.client().post(f"{URL}/submission", json={}).status_code == 401


def test_a_submission_follows_its_repo_to_a_new_name(ada, eve) -> None:
    submit(ada)
    decide(eve)
    ada.post("/api/repos/move", json={"fromRepo": "ada/net", "toRepo": "ada/new", "type": "model"})
    assert ada.get("/api/models/ada/new/submission").json()["state"] == "published"


def test_a_published_repo_becomes_stale_and_recovers(hub: Hub, ada, eve) -> None:
    submit(ada)
    decide(eve)
    assert [it.state for it, _ in submissions.recheck(hub.registry)] == ["published"]
    with hub.registry.db.write() as conn:
        rows = conn.execute(select(git_commit)).mappings().all()
        conn.execute(delete(git_commit))  # as if history was rewritten and collected
    assert [it.state for it, _ in submissions.recheck(hub.registry)] == ["stale"]
    shown = hub.client().get(f"{URL}/submission").json()
    assert outcomes(shown) == {"commit": "failed"}
    assert "0 of 1 passed" in hub.client().get(f"{URL}/badge.svg").text
    with hub.registry.db.write() as conn:
        conn.execute(insert(git_commit), [dict(row) for row in rows])
    assert [it.state for it, _ in submissions.recheck(hub.registry)] == ["published"]


def test_members_of_a_reviewing_organisation_decide(hub: Hub, ada) -> None:
    make_user(hub.registry, "bob")
    make_user(hub.registry, "cid")
    org = make_org(hub.registry, "board", bob="write", cid="read")
    with hub.registry.db.write() as conn:
        reviewers.add(conn, org, now=1)
    submit(ada)
    bob, cid = (hub.client(make_token(hub.registry, name)) for name in ("bob", "cid"))
    assert (decide(cid).status_code, decide(bob).status_code) == (403, 200)


# -- votes ----------------------------------------------------------------------------------


def test_an_account_has_one_vote(hub: Hub, ada, eve) -> None:
    assert [ada.post(f"{URL}/vote").json()["likes"] for _ in range(2)] == [1, 1]
    assert eve.post(f"{URL}/like").json()["likes"] == 2
    assert hub.client().get(URL).json()["likes"] == 2
    assert [it["user"] for it in ada.get(f"{URL}/likers").json()] == ["eve", "ada"]
    assert [eve.delete(f"{URL}/vote").json()["likes"] for _ in range(2)] == [1, 1]


def test_the_hub_client_lists_likers_and_unlikes(hub: Hub, ada) -> None:
    ada.post(f"{URL}/like")
    assert [it.username for it in hub.api().list_repo_likers("ada/net")] == ["ada"]
    hub.api().unlike("ada/net")
    assert hub.api().model_info("ada/net").likes == 0


def test_published_repos_are_ranked_by_votes(hub: Hub, ada, eve) -> None:
    for name in ("ada/net", "ada/two"):
        if name != "ada/net":
            make_repo(hub.registry, name)
            commit(hub.registry, name, GOOD)
        ada.post(f"/api/models/{name}/submission", json={})
        body = {"state": "published", "reason": "Fine."}
        eve.post(f"/api/models/{name}/submission/decision", json=body)
    eve.post(f"{URL}/vote")
    found = hub.client().get("/api/submissions?state=published").json()
    assert [(it["id"], it["likes"]) for it in found] == [("ada/net", 1), ("ada/two", 0)]
    limited = [hub.client().get(f"/api/submissions?limit={it}") for it in ("1", "9" * 12, "0", "x")]
    assert [it.status_code for it in limited] == [200, 200, 400, 400]
    assert [len(it.json()) for it in limited[:2]] == [1, 2]


# -- reports --------------------------------------------------------------------------------


def test_a_report_reaches_the_owner_with_its_environment(hub: Hub, ada, eve) -> None:
    make_user(hub.registry, "bob")
    bob = hub.client(make_token(hub.registry, "bob"))
    environment = {"python": "3.11.4", "packages": {"torch": "2.13.0"}}
    body = {"text": "It crashes.", "environment": environment}
    sent = bob.post(f"{URL}/reports", json=body).json()
    assert (sent["author"], sent["environment"]) == ("bob", environment)
    make_user(hub.registry, "cid")
    cid = hub.client(make_token(hub.registry, "cid"))
    seen = [it.get(f"{URL}/reports").json() for it in (ada, eve, bob, cid)]
    assert seen == [[sent], [sent], [sent], []]
    closed = ada.post(f"{URL}/reports/{sent['id']}/status", json={"status": "closed"})
    assert closed.json() == {"id": sent["id"], "status": "closed"}
    assert bob.get(f"{URL}/reports").json()[0]["status"] == "closed"


# -- notebooks ------------------------------------------------------------------------------


def test_a_card_is_served_as_a_notebook(hub: Hub, ada) -> None:
    sha = ada.get(URL).json()["sha"]
    answers = [hub.client().get(f"/ada/net/notebook/{rev}") for rev in ("main", sha)]
    assert answers[0].content == answers[1].content
    assert answers[0].headers["content-disposition"] == 'attachment; filename="net.ipynb"'
    found = [(it["cell_type"], "".join(it["source"])) for it in answers[0].json()["cells"]]
    text = "# Net\n\nA small network that shows how a card for the catalogue is written."
    assert found == [("markdown", text), ("code", "import reprise")]
    assert hub.client().get("/ada/net/notebook/gone").status_code == 404
