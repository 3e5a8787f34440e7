"""Leaderboards, badges and pages over HTTP; what unmodified huggingface_hub makes of them."""

import csv
import io
import json
from typing import Any

import pytest

from reprise.formats import sota
from reprise.formats.verdict import Outcome
from reprise.registry import leaderboards, past_results, reverify
from reprise.registry.access import ANONYMOUS
from reprise.registry.registry import Registry
from tests.boards import N, Verifier, examples, flips, state, stated
from tests.committing import commit
from tests.factories import Hub, make_repo

DATA = "ada/data"
BROWSER = {"Accept": "text/html"}
CARD = """---
base_model: someone/base
model-index:
- name: m
  results:
  - task: {type: text-classification}
    dataset: {type: ada/data, name: My data, split: test}
    metrics:
    - {type: accuracy, value: 0.8, verified: true, verifyToken: forged}
    - {type: f1, value: 0.7}
---
# A model
"""
RESULTS = """
- dataset: {id: ada/data, task_id: test}
  value: 0.9
  date: '2026-01-15'
  source: {url: 'https://example.org/run', name: My log}
  notes: no tools
  verifyToken: forged
- dataset: {id: ada/data, task_id: hard}
  value: 0.9
  source: {url: 'javascript:alert(1)'}
- dataset: {id: other/data, task_id: other}
  value: 1
- {no: result}
"""


HARD = """schema = 1
id = "hard"
task = "text-classification"
evaluator = "classification"
[data]
split = "test"
[metric]
id = "accuracy@1.0"
"""


def right(wrong: int) -> list[bool]:
    return [number >= wrong for number in range(N)]


@pytest.fixture
def board(hub: Hub) -> Hub:
    """Two models that bob reproduced, one that he contradicts, one that only its author checked."""
    make_repo(hub.registry, DATA, "dataset")
    bob = Verifier(hub.registry, "bob")
    good, best, lie, own = (
        stated(name, value)
        for name, value in (
            ("ada/good", "0.9000"), ("eve/best", "0.9300"), ("dan/lie", "0.9900"),
            ("eve/own", "0.9900"),
        )
    )  # fmt: skip
    state(hub.registry, good, best, lie, own)
    bob.post(good, "0.9", {"examples.jsonl": examples(right(40))})
    bob.post(best, "0.93", {"examples.jsonl": examples(right(28))})
    bob.post(lie, "0.85", flips=flips(3))
    Verifier(hub.registry, "eve").post(own)
    return hub


def board_id(registry: Registry) -> str:
    with registry.db.read() as conn:
        (found,) = leaderboards.benchmarks(conn, ANONYMOUS)
    return found.id


def test_only_what_others_measured_is_ranked(board: Hub) -> None:
    client = board.client()
    (listed,) = client.get("/api/leaderboards").json()
    assert {name: listed[name] for name in ("data", "split", "metric", "n", "claims")} == {
        "data": DATA, "split": "test", "metric": "accuracy@1", "n": N, "claims": 4,
    }  # fmt: skip
    found = client.get(f"/api/leaderboards/{listed['id']}").json()
    ranked = [(it["rank"], it["model"], it["value"], it["ranks"]) for it in found["entries"]]
    assert ranked == [
        (1, "eve/best", 0.93, {"best": 1, "worst": 1, "paired": True}),
        (2, "ada/good", 0.9, {"best": 2, "worst": 2, "paired": True}),
    ]
    below = [(it["reason"], it["model"], it["value"], it["claimed"]) for it in found["below"]]
    assert below == [
        ("contradicted", "dan/lie", 0.85, "0.9900"), ("own", "eve/own", 0.99, "0.9900"),
    ]  # fmt: skip
    assert [it["model"] for it in found["history"]] == ["ada/good", "eve/best"]


def test_a_board_is_exported_as_csv_and_for_sota_extractor(board: Hub) -> None:
    client, name = board.client(), board_id(board.registry)
    answer = client.get(f"/api/leaderboards/{name}?format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    shown = [(it["rank"], it["status"], it["model"], it["value"]) for it in rows]
    assert shown == [
        ("1", "ranked", "eve/best", "0.93"), ("2", "ranked", "ada/good", "0.9"),
        ("", "contradicted", "dan/lie", "0.85"), ("", "own", "eve/own", "0.99"),
    ]  # fmt: skip
    written = client.get(f"/api/leaderboards/{name}?format=sota").json()
    assert written == client.get("/api/leaderboards?format=sota").json()
    values = {(it.model, it.metric, it.value) for it in sota.read(json.dumps(written))}
    assert values == {("eve/best", "accuracy@1", "0.93"), ("ada/good", "accuracy@1", "0.9")}
    assert client.get(f"/api/leaderboards/{name}?format=xml").status_code == 400
    assert client.get("/api/leaderboards/0123").status_code == 404


def test_the_real_client_reads_a_leaderboard(board: Hub) -> None:
    commit(board.registry, "eve/best", {"README.md": b"---\nbase_model: someone/base\n---\n"})
    api = board.api()
    full = api.get_dataset_leaderboard(DATA, base_model_only=False)
    assert [(it.rank, it.model_id, it.value, it.verified) for it in full] == [
        (1, "eve/best", 0.93, True), (2, "ada/good", 0.9, True), (3, "dan/lie", 0.85, False),
        (4, "eve/own", 0.99, False),
    ]  # fmt: skip
    assert (full[0].author.username, full[0].filename[:16]) == ("eve", ".reprise/claims/")
    assert full[0].source["url"].startswith(f"{board.url}/claims/")
    assert full[2].notes.startswith("not ranked: contradicted, claimed 0.9900; accuracy@1.0|")
    roots = api.get_dataset_leaderboard(DATA)
    assert [(it.rank, it.model_id) for it in roots][:2] == [(1, "ada/good"), (2, "dan/lie")]
    assert [it.id for it in api.list_datasets(benchmark=True)] == [DATA]
    assert [it.id for it in api.list_datasets(benchmark="text-classification")] == [DATA]
    assert [it.id for it in api.list_datasets(benchmark="summarization")] == []


def test_the_data_set_says_which_board_is_its_own(board: Hub) -> None:
    other = [stated(f"ada/x{k}", "1.0000", split="easy") for k in range(5)]
    state(board.registry, *other)
    bob = Verifier(board.registry, "fred")
    for it in other:
        bob.post(it)
    api = board.api()
    assert api.get_dataset_leaderboard(DATA)[0].value == 1.0
    commit(board.registry, DATA, {".reprise/benchmark.toml": HARD.encode()}, repo_type="dataset")
    assert api.get_dataset_leaderboard(DATA)[0].model_id == "eve/best"


def test_a_data_set_that_nobody_measured_on_is_no_benchmark(hub: Hub) -> None:
    from huggingface_hub.errors import HfHubHTTPError

    make_repo(hub.registry, DATA, "dataset")
    state(hub.registry, stated("ada/good", "0.9000"))
    assert list(hub.api().list_datasets(benchmark="official")) == []
    with pytest.raises(HfHubHTTPError, match="no leaderboard"):
        hub.api().get_dataset_leaderboard(DATA)


def test_the_real_client_reads_results_with_our_proof_and_no_other(hub: Hub) -> None:
    claimed, bob = stated("ada/good", "0.9000"), Verifier(hub.registry, "bob")
    state(hub.registry, claimed)
    commit(hub.registry, "ada/good", {".eval_results/words.yaml": RESULTS.encode()})
    state(hub.registry, claimed)
    before = hub.api().model_info("ada/good", expand=["evalResults"]).eval_results
    assert [(it.task_id, it.verify_token) for it in before] == [
        ("test", None), ("hard", None), ("other", None),
    ]  # fmt: skip
    posted = bob.post(claimed, "0.9")
    found = hub.api().model_info("ada/good", expand=["evalResults"]).eval_results
    assert [(it.task_id, bool(it.verify_token)) for it in found] == [
        ("test", True), ("hard", False), ("other", False),
    ]  # fmt: skip
    first = found[0]
    assert (first.dataset_id, first.value, first.date, first.notes, first.source_name) == (
        DATA, 0.9, "2026-01-15", "no tools", "My log",
    )  # fmt: skip
    assert first.verify_token != "forged"
    assert found[1].source_url == f"{hub.url}/claims/{_digest(hub, 'hard')}"
    make_repo(hub.registry, DATA, "dataset")
    commit(hub.registry, DATA, {".reprise/benchmark.toml": HARD.encode()}, repo_type="dataset")
    named = hub.api().model_info("ada/good", expand=["evalResults"]).eval_results
    assert [bool(it.verify_token) for it in named] == [True, True, False]
    commit(hub.registry, DATA, {".reprise/benchmark.toml": b"?"}, repo_type="dataset")
    (listed,) = hub.api().list_models(author="ada", expand=["evalResults"])
    assert listed.eval_results == found
    raw = hub.client().get("/api/models/ada/good?expand=evalResults").json()["evalResults"]
    assert [it["verified"] for it in raw] == [True, False, False]
    assert posted.outcome is Outcome.EXACT or posted.outcome is Outcome.REPRODUCED


def test_the_real_client_sees_which_scores_of_a_card_are_verified(hub: Hub) -> None:
    make_repo(hub.registry, "ada/good")
    commit(hub.registry, "ada/good", {"README.md": CARD.encode()})
    assert [it.verified for it in _card_results(hub)] == [None, None]
    state(hub.registry, stated("ada/other", "0.5"))  # reads all claims that are due
    bob = Verifier(hub.registry, "bob")
    row = hub.client().get("/api/models/ada/good/claims").json()["claims"][0]
    from reprise.formats import claim

    of_card = claim.from_dict(row["claim"])
    bob.post(
        of_card, "0.8", signature=f"accuracy@1.0|n:{N}|unit:fraction", unit="fraction", n=N,
        subjects={f"model:{of_card.model.repo}": "a" * 64, f"data:{DATA}": "b" * 64},
    )  # fmt: skip
    found = _card_results(hub)
    assert [(it.metric_type, it.verified) for it in found] == [("accuracy", True), ("f1", None)]
    assert found[0].verify_token not in {None, "forged"}
    info = hub.api().model_info("ada/good", expand=["model-index"])
    assert [it.verified for it in _results(info.model_index)] == [True, None]


def test_badges_and_what_is_due(hub: Hub) -> None:
    claimed, client = stated("ada/good", "0.9000"), hub.client()
    (digest,) = state(hub.registry, claimed)
    url = f"/api/claims/{digest[:12]}/badge.svg"
    assert "claimed 0.9000, not verified" in client.get(url).text
    Verifier(hub.registry, "bob").post(claimed, "0.9")
    drawn = client.get(url)
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert "rerun · reproduced · 0.900 ± 0.020" in drawn.text
    assert client.get("/api/verifications/due").json() == []
    assert [it["reasons"][0]["cause"] for it in _due(client, days=0)] == ["old"]
    with hub.registry.db.write() as conn:
        made = reverify.add_rebuild(conn, "scikit_learn", "<1.8", "CVE-1", now=hub.registry.clock())
    (due,) = client.get("/api/verifications/due").json()
    assert (due["repo"], due["claim"], due["reasons"]) == ("ada/good", digest, [
        {"cause": "rebuild", "text": "made with scikit-learn <1.8: CVE-1"},
    ])  # fmt: skip
    assert "due again" in client.get(url).text
    with hub.registry.db.write() as conn:
        reverify.remove_rebuild(conn, made.id)
    commit(hub.registry, "ada/good", {"reprise.lock": b"version = 1\n"})
    (due,) = client.get("/api/verifications/due").json()
    assert due["reasons"][0]["cause"] == "new-lock"


def test_pages_of_boards_claims_and_history(board: Hub) -> None:
    client = board.client()
    client.headers.update(BROWSER)
    with board.registry.db.write() as conn:
        rows = [sota.PastResult("Intents", "Data", "Acc", "Old <net>", "95", "P", "https://x.org")]
        past_results.take_in(conn, "old", rows, now=1)
    name = board_id(board.registry)
    listed = client.get("/leaderboards").text
    assert f'href="/leaderboards/{name}"' in listed
    assert "Historical, unverified" in listed
    page = client.get(f"/leaderboards/{name}").text
    for words in ("eve/</span><wbr>best", "Below the line", "Contradicted", "Old &lt;net&gt;"):
        assert words in page
    assert page.index("eve/best") < page.index("ada/good") < page.index("Below the line")
    old = client.get(f"/past-leaderboards/{past_results.board_of(rows[0])}").text
    assert "Nobody computed these values again" in old
    lie = client.get(f"/claims/{_digest(board, '', 'dan/lie')}").text
    assert "3 examples differ" in lie
    assert "The hashes lead from this verdict to the root." in lie
    assert "contradicted" in client.get("/dan/lie").text
    assert f'href="/leaderboards/{name}"' in client.get(f"/datasets/{DATA}").text


def _digest(hub: Hub, task: str, model: str = "ada/good") -> str:
    rows = hub.client().get(f"/api/models/{model}/claims").json()["claims"]
    return next(it["digest"] for it in rows if not task or it["task"] == task)


def _due(client: Any, days: int) -> Any:
    return client.get(f"/api/verifications/due?days={days}").json()


def _card_results(hub: Hub) -> Any:
    return _results(hub.api().model_info("ada/good").model_index)


def _results(index: Any) -> Any:
    from huggingface_hub.repocard_data import model_index_to_eval_results

    return model_index_to_eval_results(index)[1]
