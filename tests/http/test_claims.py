"""What repos claim, as a hub reads and keeps it; what verdicts come to; the log and its proofs."""

import json
from dataclasses import replace

import pytest

from reprise.formats import claim, log_head, merkle
from reprise.formats.verdict import Level, Outcome
from reprise.registry import claim_reading, claims, verdicts
from reprise.registry.claims import Benchmark
from reprise.registry.verdict_posting import hardware_class
from reprise.registry.verdicts import PostedVerdict, Standing
from tests.committing import commit
from tests.factories import Hub, make_repo
from tests.verdict_posts import KEYS, as_body, claim_of, signed, state, verdict_on, verifier

CARD = """---
model-index:
- name: net
  results:
  - task: {{type: text-classification}}
    dataset: {{type: ada/rows, name: rows, split: test}}
    metrics: [{{type: accuracy, value: {value}}}]
---
{body}
"""


def listed(hub: Hub) -> list[tuple[object, ...]]:
    assert claim_reading.catch_up(hub.registry) == 1
    found = hub.client().get("/api/models/ada/net/claims").json()
    assert (found["problems"], found["due"]) == ([], False)
    return [
        (it["id"], it["source"], it["value"], it["pins"], it["withdrawnAt"] is not None)
        for it in found["claims"]
    ]


def test_claims_come_from_files_cards_and_results_and_withdrawn_ones_stay(hub: Hub) -> None:
    make_repo(hub.registry, "ada/net")
    stated = claim_of()
    results = b"- dataset: {id: ada/rows, task_id: intents}\n  value: 91.5\n"
    commit(hub.registry, "ada/net", {
        f"{claim.FOLDER}/words.toml": claim.write(stated).encode(),
        ".eval_results/rows.yaml": results,
        "README.md": CARD.format(value=0.91, body="A net.").encode(),
    })  # fmt: skip
    assert listed(hub) == [
        ("words", "claims", "0.9050", "full", False),
        ("card-1", "model-index", "0.91", "partial", False),
        ("eval-rows-1", "eval-results", "91.5", "partial", False),
    ]
    moved = replace(stated, result=replace(stated.result, value="0.91"))
    commit(hub.registry, "ada/net", {f"{claim.FOLDER}/words.toml": claim.write(moved).encode()})
    assert listed(hub) == [
        ("words", "claims", "0.91", "full", False),
        ("card-1", "model-index", "0.91", "partial", False),
        ("eval-rows-1", "eval-results", "91.5", "partial", False),
        ("words", "claims", "0.9050", "full", True),
    ]
    shown = hub.client().get(f"/api/claims/{stated.digest[:12]}").json()
    assert (claim.from_dict(shown["claim"]), shown["sha"]) == (stated, "0" * 40)


def test_a_claim_of_a_card_lives_as_long_as_the_model_does(hub: Hub) -> None:
    make_repo(hub.registry, "ada/net")
    card = {"README.md": CARD.format(value=0.91, body="One.").encode(), "model.bin": b"1"}
    commit(hub.registry, "ada/net", card)
    claim_reading.catch_up(hub.registry)
    (first,) = hub.client().get("/api/models/ada/net/claims").json()["claims"]
    commit(hub.registry, "ada/net", {"README.md": CARD.format(value=0.91, body="2").encode()})
    assert listed(hub) == [("card-1", "model-index", "0.91", "partial", False)]
    (again,) = hub.client().get("/api/models/ada/net/claims").json()["claims"]
    assert (again["digest"], again["sha"]) == (first["digest"], first["sha"])
    commit(hub.registry, "ada/net", {"model.bin": b"2"})
    assert [it[-1] for it in listed(hub)] == [False, True]
    new, old = hub.client().get("/api/models/ada/net/claims").json()["claims"]
    assert (old["digest"], new["digest"] == first["digest"]) == (first["digest"], False)


def test_of_withdrawn_claims_that_nobody_ran_the_newest_are_kept(hub: Hub) -> None:
    make_repo(hub.registry, "ada/net")
    first = state(hub.registry, claim_of(value="0.1000"))
    eve = verifier(hub, "eve")
    made = verdict_on(first, hub.registry, outcome=Outcome.CONTRADICTED)
    url = f"/api/claims/{first.digest}/verdicts"
    assert eve.post(url, json=as_body(signed(made, KEYS["eve"]))).status_code == 201
    for start in (1000, 2000):
        metrics = [f"{{type: accuracy, value: 0.{start + number}1}}" for number in range(300)]
        card = CARD.format(value=0.5, body="").replace("[{", "[" + ", ".join(metrics) + ", {")
        commit(hub.registry, "ada/net", {"README.md": card.encode(), "w.bin": b"%d" % start})
        claim_reading.catch_up(hub.registry)
    state(hub.registry, claim_of(), slug="words")
    commit(hub.registry, "ada/net", {"README.md": b"# Net\n"})
    claim_reading.catch_up(hub.registry)
    found = eve.get("/api/models/ada/net/claims").json()["claims"]
    assert [it["value"] for it in found if it["withdrawnAt"] is None] == ["0.9050"]
    gone = [it for it in found if it["withdrawnAt"] is not None]
    assert (len(gone), [it["value"] for it in gone if it["verdicts"]]) == (501, ["0.1000"])


def test_claims_follow_a_repo_to_its_new_name_and_are_found_by_benchmark(hub: Hub) -> None:
    make_repo(hub.registry, "ada/net")
    stated = state(hub.registry, claim_of())
    hub.api().move_repo("ada/net", "ada/words")
    commit(hub.registry, "ada/words", {"notes.txt": b"moved"})
    claim_reading.catch_up(hub.registry)
    with hub.registry.db.read() as conn:
        wanted = Benchmark("ADA/rows", None, "test", "accuracy")
        (found,) = claims.of_benchmark(conn, wanted)
        assert claims.of_benchmark(conn, replace(wanted, metric="accuracy@2.0")) == []
        assert claims.of_benchmark(conn, replace(wanted, split="dev")) == []
    assert (found.digest, found.repo_name, found.withdrawn_at) == (
        stated.digest, "ada/words", None,
    )  # fmt: skip
    hub.api().update_repo_settings("ada/words", private=True)
    with hub.registry.db.read() as conn:
        assert claims.of_benchmark(conn, wanted) == []


def posted(number: int, **changed: object) -> PostedVerdict:
    made = PostedVerdict(
        number, 1, f"user{number}", f"SHA256:{number}", "ed25519", Level.RERUN, Outcome.REPRODUCED,
        "0.905", 200, ("0.86", "0.94"), None, "fraction", True, "x86_64-linux", "{}", "d", number,
        number, number,
    )  # fmt: skip
    return replace(made, **changed)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], Standing()),
        ([posted(1)], Standing(Level.RERUN, Outcome.REPRODUCED, ("user1",), 1, False, True,
                               "0.905", ("0.86", "0.94"), was_run=True)),
        ([posted(1, independent=False)],
         Standing(outcome=Outcome.REPRODUCED, at=1, value="0.905", ci=("0.86", "0.94"))),
        ([posted(1, revoked_at=5)], Standing()),
        ([posted(1), posted(2, outcome=Outcome.CONTRADICTED)],
         Standing(Level.RERUN, Outcome.REPRODUCED, ("user1",), 1, True, False, "0.905",
                  ("0.86", "0.94"))),
        ([posted(1), posted(2, outcome=Outcome.CONTRADICTED, hardware_class="arm64-darwin")],
         Standing(Level.RERUN, Outcome.REPRODUCED, ("user1",), 1, True, True, "0.905",
                  ("0.86", "0.94"), was_run=True)),
        ([posted(1, level=Level.RECOMPUTED)],
         Standing(Level.RECOMPUTED, Outcome.REPRODUCED, ("user1",), 1, False, True, "0.905",
                  ("0.86", "0.94"))),
        ([posted(1, outcome=Outcome.CONTRADICTED), posted(2, account="user1"),
          posted(3, outcome=Outcome.EXACT, level=Level.RECOMPUTED)],
         Standing(Level.RERUN, Outcome.REPRODUCED, ("user1", "user3"), 3, False, True, "0.905",
                  ("0.86", "0.94"), was_run=True)),
    ],
)  # fmt: skip
def test_what_verdicts_come_to(found: list[PostedVerdict], expected: Standing) -> None:
    assert verdicts.standing(found) == expected
    assert verdicts.standing(found[::-1]) == expected


def test_classes_of_hardware_are_words() -> None:
    assert hardware_class({"machine": "arm64", "system": "Darwin"}) == "arm64-darwin"
    odd = {"machine": "<b>X</b>", "system": 3, "accelerator": "A 1"}
    assert hardware_class(odd) == "b-x-b-3-a-1"
    assert hardware_class({}) == "unknown"


def test_the_log_proves_what_it_holds_and_that_it_only_grew(hub: Hub) -> None:
    make_repo(hub.registry, "ada/net")
    stated = state(hub.registry, claim_of())
    eve, anybody = verifier(hub, "eve"), hub.client()
    heads = []
    for number in range(6):
        made = verdict_on(stated, hub.registry, reason=f"run {number}")
        body = as_body(signed(made, KEYS["eve"]))
        assert eve.post(f"/api/claims/{stated.digest}/verdicts", json=body).status_code == 201
        heads.append(log_head.unseal(anybody.get("/api/log/head").content))
    answer = anybody.get("/api/log/entries", params={"from": 2, "limit": 3}).json()
    assert (answer["size"], [it["index"] for it in answer["entries"]]) == (6, [2, 3, 4])
    last = heads[-1]
    for entry in answer["entries"]:
        leaf, index = merkle.leaf_hash(entry["body"].encode()), entry["index"]
        asked = {"index": index, "size": 6}
        proof = anybody.get("/api/log/proof", params=asked).json()["proof"]
        assert merkle.includes(last.root, 6, index, leaf, [bytes.fromhex(it) for it in proof])
        assert json.loads(entry["body"])["kind"] == "verdict"
    for old in heads:
        asked = {"from": old.size, "to": 6}
        proof = anybody.get("/api/log/consistency", params=asked).json()["proof"]
        hashes = [bytes.fromhex(it) for it in proof]
        assert merkle.extends(old.root, old.size, last.root, 6, hashes)
    assert len({head.hub for head in heads}) == 1
