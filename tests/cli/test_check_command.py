"""`reprise check` against the real server: here, for a reviewer, and every night."""

import json
from pathlib import Path

import pytest

from reprise.isolate.limits import Level
from reprise.registry import reviewers
from tests.committing import commit
from tests.factories import Hub, make_repo, make_token, make_user
from tests.sandboxes import skip_unless_available

CARD = b"""---
license: mit
checks:
  net: {call: [[1.0, 2.0]]}
---
# Net

A small network that shows how a card for the catalogue is written.

```python
import reprise
print(reprise.load("ada/net", "net")([3.0]))
```
"""
HUBCONF = b'''
import os

def net():
    """Make a net."""
    factor = 2.0
    return lambda numbers: [factor * number for number in numbers]
'''


@pytest.fixture
def submitted(cli, online: Hub) -> Hub:
    """A repo of ada's that passes what the hub checks."""
    skip_unless_available(Level.RULES)
    make_repo(online.registry, "ada/net")
    commit(online.registry, "ada/net", {"README.md": CARD, "hubconf.py": HUBCONF})
    assert cli("submit", "ada/net").out.startswith("ada/net\treview\t")
    return online


@pytest.fixture
def as_eve(submitted: Hub, client_home: Path) -> Hub:
    """The command line is eve's, who reviews."""
    user = make_user(submitted.registry, "eve")
    with submitted.registry.db.write() as conn:
        reviewers.add(conn, user, now=1)
    (client_home / "token").write_text(make_token(submitted.registry, "eve", name="nightly"))
    return submitted


def outcomes(cli, *argv: object) -> dict[str, str]:
    done = cli(*argv)
    assert done.code in {0, 1}, done.err
    return {row.split("\t")[0]: row.split("\t")[1] for row in done.out.splitlines()}


def test_checking_prints_what_was_found_and_sends_nothing(cli, submitted: Hub) -> None:
    found = outcomes(cli, "check", "ada/net")
    assert found == {
        "links-alive": "passed", "weight-urls-alive": "passed", "installs": "passed",
        "loads": "passed", "calls": "passed", "weights-load": "not-run",
        "example-runs": "passed", "fingerprint": "passed",
    }  # fmt: skip
    assert submitted.client(submitted.token).get("/api/models/ada/net/submission/runs").json() == []


@pytest.mark.usefixtures("submitted")
def test_a_failed_check_is_a_failed_command(cli, tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "hubconf.py").write_text("def net():\n    return 1 / 0\n")
    done = cli("check", tmp_path / "net", "--json")
    assert done.code == 1
    shown = {it["name"]: it["reason"] for it in json.loads(done.out)["checks"]}
    assert shown["loads"] == "net: hubconf.py:2: ZeroDivisionError: division by zero"
    assert cli("check", tmp_path / "net", "--post").code == 1
    assert cli("check").code == 2


def test_an_author_sends_what_was_found(cli, submitted: Hub) -> None:
    assert cli("submission", "ada/net", "--runs").err == "Nobody ran its code yet.\n"
    done = cli("check", "ada/net", "--post")
    assert "Sent to the hub; the state of ada/net is now: review" in done.err
    shown = cli("submission", "ada/net", "--json").out
    checks = {it["name"]: it for it in json.loads(shown)["checks"]}
    assert (checks["loads"]["outcome"], checks["loads"]["by"]) == ("passed", "ada")
    assert checks["metrics"]["outcome"] == "not-run"
    _, author, as_reviewer, sha, *failed = (
        cli("submission", "ada/net", "--runs").out[:-1].split("\t")
    )
    assert (author, as_reviewer, sha, failed) == ("ada", "no", json.loads(shown)["sha"], [""])
    assert cli("submission", "ada/net", "--runs", "--check").code == 2
    assert submitted.client().get("/api/models/ada/net/submission").status_code == 404


def test_the_nightly_run_dates_the_badge_and_notices_drift(cli, as_eve: Hub) -> None:
    cli("review", "ada/net", "published", "--reason", "Fine.")
    anybody = as_eve.client()
    before = anybody.get("/api/models/ada/net/badge.svg").text
    assert "12 of 12 passed" in before
    done = cli("check", "--all")
    assert (done.code, done.out) == (0, "ada/net\tpublished\t\n")
    assert "19 of 19 passed" in anybody.get("/api/models/ada/net/badge.svg").text
    [run] = anybody.get("/api/models/ada/net/submission/runs").json()
    assert (run["author"], run["token"], run["asReviewer"]) == ("eve", "nightly", True)
    assert run["environment"]["isolation"] in {"rules", "namespaces"}


def test_drift_on_the_same_commit_takes_it_out_until_it_is_gone(
    cli, as_eve: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reprise.hub.trials import entries

    cli("review", "ada/net", "published", "--reason", "Fine.")
    cli("check", "--all")
    made = entries._told  # as if a package that is not pinned gave other numbers today

    def drifted(*args: object) -> dict:
        found = made(*args)
        for call in found["calls"]:
            call |= {"sha256": "0" * 64, "sample": [it * 2 for it in call["sample"]]}
        return found

    with monkeypatch.context() as patch:
        patch.setattr(entries, "_told", drifted)
        assert cli("check", "--all").out == "ada/net\tstale\t\n"
    shown = json.loads(cli("submission", "ada/net", "--json").out)
    reason = next(it["reason"] for it in shown["checks"] if it["name"] == "fingerprint")
    assert reason.endswith("net answers call 1 with numbers that differ by 0.5 of the largest")
    assert "18 of 19 passed" in as_eve.client().get("/api/models/ada/net/badge.svg").text
    assert cli("check", "--all").out == "ada/net\tpublished\t\n"


def test_one_repo_that_cannot_be_checked_does_not_stop_the_others(cli, as_eve: Hub) -> None:
    cli("review", "ada/net", "published", "--reason", "Fine.")
    token = as_eve.token
    make_repo(as_eve.registry, "ada/two")
    files = {"README.md": CARD.replace(b"ada/net", b"ada/two"), "hubconf.py": HUBCONF}
    commit(as_eve.registry, "ada/two", files)
    ada = as_eve.client(token)
    ada.post("/api/models/ada/two/submission", json={})
    cli("review", "ada/two", "published", "--reason", "Fine.")
    ada.put("/api/models/ada/net/settings", json={"gated": "manual"})
    done = cli("check", "--all")
    assert done.code == 1
    assert sorted(row.split("\t")[:2] for row in done.out.splitlines()) == [
        ["ada/net", "published"], ["ada/two", "published"]]  # fmt: skip
    assert "ada/net was not checked" in done.err
