"""Verdicts and keys that a hub must not take: forged, replayed, stolen, revoked, too large."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import httpx2
import pytest
from sqlalchemy import text

from reprise.base.clock import iso
from reprise.base.errors import CorruptContent, InvalidFormat, RepriseError
from reprise.formats import claim, dsse, log_head, merkle, sshsig
from reprise.formats.dsse import Signature
from reprise.formats.key_statements import REVOKE
from reprise.formats.verdict import Level, Outcome
from reprise.hub import log_export, verdict_log, verdicts
from reprise.hub.known_hubs import known_hubs
from reprise.registry import claim_reading, log_check
from tests.committing import commit
from tests.factories import Hub, make_repo, make_token, make_user
from tests.verdict_posts import (
    KEYS,
    TREE,
    as_body,
    as_key,
    claim_of,
    proof_of,
    signed,
    state,
    verdict_on,
    verifier,
)

CLAIM = claim_of()
URL = f"/api/claims/{CLAIM.digest}/verdicts"
EVE = KEYS["eve"]
_HOUR = 3_600_000_000
CARD = b"""---
model-index:
- name: net
  results:
  - task: {type: text-classification}
    dataset: {type: ada/rows, name: rows}
    metrics: [{type: accuracy, value: a lot}]
---
"""


@pytest.fixture
def eve(hub: Hub) -> httpx2.Client:
    """A stranger with a key; ada/net claims something."""
    make_repo(hub.registry, "ada/net")
    state(hub.registry, CLAIM)
    return verifier(hub, "eve")


def refused(client: httpx2.Client, body: object, status: int, said: str, url: str = URL) -> None:
    answer = client.post(url, json=body)
    assert (answer.status_code, said in answer.json()["error"]) == (status, True), answer.text


def posts(hub: Hub, client: httpx2.Client, key: bytes = EVE, **changed: object) -> httpx2.Response:
    made = verdict_on(CLAIM, hub.registry, **changed)
    return client.post(URL, json=as_body(signed(made, key)))


def test_numbers_that_no_honest_rerun_gives_are_refused(hub: Hub, eve) -> None:
    forged = [
        ({"value": "0.95"}, "0.95 is not reproduced"),
        ({"outcome": Outcome.CONTRADICTED}, "0.905 is not contradicted"),
        ({"value": "0.95", "tolerance": "0.5"}, "no rule allows a tolerance of 0.5"),
        ({"outcome": Outcome.CONTRADICTED, "tolerance": "0"}, "no rule allows a tolerance of 0"),
        ({"claimed": "0.9"}, "it says that 0.9 is claimed"),
        ({"outcome": Outcome.EXACT}, "exact is about predictions that were claimed"),
        ({"outcome": Outcome.CONSISTENT, "level": Level.RETRAINED}, "nothing was claimed about"),
        ({"n": 199}, "it counts 199 examples"),
        ({"signature": "f1@1.0|n:200"}, "not comparable"),
        ({"signature": None}, "without its signature"),
        ({"unit": "percent"}, "no rule allows"),
        ({"subjects": {"model:ada/net": "d" * 64}}, "about another model than the claim pins"),
        ({"subjects": {"model:ada/net": TREE}}, "does not say which data"),
        ({"subjects": {**verdict_on(CLAIM, hub.registry).subjects, "x": TREE}}, "is about 'x'"),
        ({"claim": "e" * 64}, "it is about another claim"),
        ({"ci": ("0.95", "0.9")}, "wrong order"),
    ]
    for changed, said in forged:
        made = verdict_on(CLAIM, hub.registry, **changed)
        refused(eve, as_body(signed(made, EVE)), 400, said)
    made = verdict_on(CLAIM, hub.registry)
    lying = signed(made, EVE, subjects={"claim": made.claim})
    refused(eve, as_body(lying), 400, "subjects are not those of the verdict")
    assert hub.client().get("/api/log/entries").json() == {"size": 0, "entries": []}


def test_a_verdict_for_another_hub_or_time_is_refused(hub: Hub, eve) -> None:
    now = hub.registry.clock()
    for changed, status, said in (
        ({"hub": "SHA256:abc"}, 400, "was made for SHA256:abc"),
        ({"hub": None}, 400, "no hub in particular"),
        ({"made_at": iso(now + _HOUR)}, 400, "not yet"),
        ({"made_at": iso(now - _HOUR)}, 403, "is valid from"),
        ({"made_at": "yesterday"}, 400, "made-at"),
        ({"made_at": None}, 400, "made-at"),
    ):
        made = verdict_on(CLAIM, hub.registry, **changed)
        refused(eve, as_body(signed(made, EVE)), status, said)


def test_a_replayed_verdict_is_refused_however_it_is_wrapped(hub: Hub, eve) -> None:
    made = verdict_on(CLAIM, hub.registry)
    envelope = signed(made, EVE)
    assert eve.post(URL, json=as_body(envelope)).status_code == 201
    refused(eve, as_body(envelope), 409, "posted before: it is entry 0")
    again = verifier(hub, "bob")
    refused(again, as_body(envelope), 403, "belongs to somebody else")
    refused(again, as_body(signed(made, KEYS["bob"])), 409, "posted before")
    both = replace(envelope, signatures=envelope.signatures * 2)
    refused(eve, as_body(both), 400, "has one signature")


def test_of_posts_at_once_one_of_each_is_taken_and_the_log_has_no_gap(hub: Hub, eve) -> None:
    made = [verdict_on(CLAIM, hub.registry, reason=f"run {number}") for number in range(4)]
    bodies = [as_body(signed(it, EVE)) for it in made] * 3
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda body: eve.post(URL, json=body), bodies))
    assert sorted(it.status_code for it in answers) == [201] * 4 + [409] * 8
    found = eve.get("/api/log/entries").json()
    assert [it["index"] for it in found["entries"]] == [0, 1, 2, 3]
    leaves = [merkle.leaf_hash(it["body"].encode()) for it in found["entries"]]
    assert log_head.unseal(eve.get("/api/log/head").content).root == merkle.head(leaves)


def test_a_false_signature_and_a_strangers_key_are_refused(hub: Hub, eve) -> None:
    envelope = signed(verdict_on(CLAIM, hub.registry), EVE)
    changed = replace(envelope, payload=envelope.payload.replace(b'"0.905"', b'"0.904"'))
    refused(eve, as_body(changed), 422, "signature by")
    stolen = Signature(envelope.signatures[0].keyid, signed(
        verdict_on(CLAIM, hub.registry), KEYS["dan"]).signatures[0].data)  # fmt: skip
    refused(eve, as_body(replace(envelope, signatures=(stolen,))), 422, "is false")
    assert posts(hub, eve, KEYS["dan"]).status_code == 403
    make_user(hub.registry, "bob")
    thief = hub.client(make_token(hub.registry, "bob"))
    refused(thief, as_body(envelope), 403, "belongs to somebody else")
    refused(hub.client(), as_body(envelope), 401, "Sign in")
    reader = hub.client(make_token(hub.registry, "eve", "read", name="reads"))
    refused(reader, as_body(envelope), 403, "Use a token with the write role")


def test_nobody_registers_a_key_that_is_not_theirs(hub: Hub, eve) -> None:
    assert len(eve.get("/api/keys").json()["keys"]) == 1
    make_user(hub.registry, "bob")
    bob = hub.client(make_token(hub.registry, "bob"))
    of_eve = as_key(hub.registry, "eve", KEYS["dan"])
    refused(bob, of_eve, 422, "another account", "/api/keys")
    lying = as_key(hub.registry, "bob", KEYS["bob"]) | {
        "key": sshsig.public_line(dsse.public_key(KEYS["dan"]))
    }
    refused(bob, lying, 422, "another", "/api/keys")
    refused(bob, as_key(hub.registry, "bob", EVE), 409, "belongs to another account", "/api/keys")
    revocation = proof_of(hub.registry, "bob", KEYS["bob"], REVOKE)
    wrong = {"proof": json.loads(dsse.encode(revocation))}
    refused(bob, as_key(hub.registry, "bob", KEYS["bob"]) | wrong, 422, "another", "/api/keys")
    for body in ({}, {"key": "ssh-rsa AAAA"}, {"key": 1}, {"key": of_eve["key"], "proof": []},
                 {**as_key(hub.registry, "bob", KEYS["bob"]), "days": True}):  # fmt: skip
        assert bob.post("/api/keys", json=body).status_code in {400, 501}
    assert bob.get("/api/keys").json()["keys"] == []


def test_a_revoked_key_signs_nothing_and_what_it_signed_counts_no_more(hub: Hub, eve) -> None:
    assert posts(hub, eve).status_code == 201
    assert eve.get(f"/api/claims/{CLAIM.digest}").json()["standing"]["verified"] is True
    name = dsse.key_id(dsse.public_key(EVE))
    url = f"/api/keys/{name.replace('/', '%2F').replace('+', '%2B')}"
    ada = hub.client(hub.token)
    assert ada.request("DELETE", url, json={}).status_code == 404
    by_other = json.loads(dsse.encode(proof_of(hub.registry, "eve", KEYS["dan"], REVOKE)))
    assert eve.request("DELETE", url, json={"envelope": by_other}).status_code == 422
    said = json.loads(dsse.encode(proof_of(hub.registry, "eve", EVE, REVOKE)))
    gone = eve.request("DELETE", url, json={"reason": "stolen", "envelope": said})
    assert (gone.status_code, gone.json()["revokedBecause"]) == (200, "stolen")
    assert eve.request("DELETE", url, json={}).status_code == 409
    assert posts(hub, eve, n=200, reason="again").status_code == 403
    refused(eve, as_key(hub.registry, "eve", EVE), 409, "was revoked before", "/api/keys")
    standing = eve.get(f"/api/claims/{CLAIM.digest}").json()["standing"]
    assert (standing["verified"], standing["outcome"]) == (False, None)
    last = eve.get("/api/log/entries").json()["entries"][-1]
    assert (last["kind"], json.loads(last["body"])["key"]) == ("revocation", name)


def test_the_hub_finds_out_who_is_independent(hub: Hub, eve) -> None:
    ada = verifier(hub, "ada")
    assert posts(hub, ada, KEYS["ada"]).json()["independent"] is False
    scoped = make_token(
        hub.registry, "ada", "fine-grained", name="one",
        scopes={"model/ada/net": "write"},
    )  # fmt: skip
    client = hub.client(scoped)
    assert posts(hub, client, KEYS["ada"], reason="2").json()["independent"] is False
    assert eve.get(f"/api/claims/{CLAIM.digest}").json()["standing"]["verified"] is False
    assert posts(hub, eve, reason="3").json()["independent"] is True
    assert eve.get(f"/api/claims/{CLAIM.digest}").json()["standing"]["verified"] is True


def test_claims_of_private_repos_are_as_absent_ones(hub: Hub, eve) -> None:
    make_repo(hub.registry, "ada/secret", private=True)
    hidden = state(hub.registry, claim_of("ada/secret"), "ada/secret")
    url = f"/api/claims/{hidden.digest}"
    ada = verifier(hub, "ada")
    body = as_body(signed(verdict_on(hidden, hub.registry), KEYS["ada"]))
    assert ada.post(f"{url}/verdicts", json=body).status_code == 201
    absent = f"/api/claims/{'f' * 64}"
    for path in ("", "/verdicts", "/verdicts/1/evidence"):
        mine, none = eve.get(url + path), eve.get(absent + path)
        assert (mine.status_code, none.status_code) == (404, 404)
        said = none.json()["error"].replace("f" * 64, hidden.digest)
        assert mine.json()["error"] == said
    refused(eve, body, 404, "No claim has the digest", f"{url}/verdicts")
    refused(eve, {"text": "x"}, 404, "No claim", f"{url}/verdicts/1/answers")
    assert eve.get("/api/models/ada/secret/claims").status_code == 404
    (entry,) = eve.get("/api/log/entries").json()["entries"]
    assert hidden.digest not in json.dumps(entry)
    hub.api().delete_repo("ada/secret")
    assert (eve.get(url).status_code, ada.get(url).status_code) == (404, 404)


def test_a_deleted_repo_takes_no_verdict_with_it(hub: Hub, eve) -> None:
    posts(hub, eve, outcome=Outcome.CONTRADICTED, value="0.8")
    hub.api().delete_repo("ada/net")
    found = eve.get(f"/api/claims/{CLAIM.digest}").json()
    assert (found["repo"], found["standing"]["contradicted"]) == ("ada/net", True)
    refused(eve, as_body(signed(verdict_on(CLAIM, hub.registry), EVE)), 404, "was deleted")
    make_repo(hub.registry, "ada/net")
    state(hub.registry, CLAIM)
    (again,) = eve.get("/api/models/ada/net/claims").json()["claims"]
    assert (again["verdicts"], again["standing"]["contradicted"]) == (1, True)


def test_oversize_and_malformed_posts_are_refused(hub: Hub, eve) -> None:
    good = signed(verdict_on(CLAIM, hub.registry), EVE)
    noise = base64.b64encode(b"x" * (2 << 20)).decode()
    big = as_body(good)["envelope"] | {"payload": noise}
    refused(eve, {"envelope": big}, 413, "at most 256 KiB")
    refused(eve, as_body(good, log__txt="x" * (17 << 20)), 413, "at most 16 MiB")
    refused(eve, as_body(good, log__txt="another log"), 400, "'log.txt' is not the one")
    other = dsse.sign(good.payload, EVE, "text/plain")
    for body in (
        {}, {"envelope": []}, {"envelope": {}}, {"envelope": as_body(good)["envelope"] | {"x": 1}},
        {**as_body(good), "evidence": {"../x": ""}}, {**as_body(good), "evidence": {"a": 1}},
        {**as_body(good), "evidence": {f"f{n}": "" for n in range(17)}}, as_body(other),
        as_body(dsse.sign(b"{}", EVE)), as_body(dsse.sign(b"[" * 50_000, EVE)),
        as_body(signed(verdict_on(CLAIM, hub.registry), EVE, predicate_type="x")),
        as_body(signed(verdict_on(CLAIM, hub.registry, value="1" * 400), EVE)),
    ):  # fmt: skip
        answer = eve.post(URL, json=body)
        assert answer.status_code == 400, (body, answer.text)
    for path in ("/api/claims/x", "/api/claims/0123", f"{URL}/x/evidence",
                 f"{URL}/{'9' * 30}/evidence", "/api/log/entries?from=-1",
                 "/api/log/proof?index=0&size=9",
                 "/api/log/consistency?from=2&to=1", "/api/log/proof"):  # fmt: skip
        assert eve.get(path).status_code in {400, 404}, path
    assert eve.get(URL).json() == []


def test_one_account_cannot_bury_a_claim_in_verdicts(hub: Hub, eve) -> None:
    for number in range(20):
        assert posts(hub, eve, reason=f"run {number}").status_code == 201
    answer = posts(hub, eve, reason="one more")
    assert (answer.status_code, "20 on one claim" in answer.json()["error"]) == (429, True)


def test_hostile_claim_files_become_problems_and_stop_nobody(hub: Hub, eve) -> None:
    folder = ".reprise/claims"
    about_another = claim_of("eve/other")
    commit(hub.registry, "ada/net", {
        f"{folder}/broken.toml": b"schema = [[[", f"{folder}/binary.toml": b"\xff\xfe\0",
        f"{folder}/other.toml": claim.write(about_another).encode(),
        f"{folder}/nul.toml": claim.write(replace(CLAIM, task="a\0b")).encode(),
        f"{folder}/long.toml": claim.write(replace(CLAIM, task="t" * 5000)).encode(),
        ".eval_results/bad.yaml": b"a: &a [*a]\n", "README.md": CARD,
    })  # fmt: skip
    assert claim_reading.catch_up(hub.registry) == 1
    found = eve.get("/api/models/ada/net/claims").json()
    assert [it["id"] for it in found["claims"]] == ["words"]
    said = " ".join(found["problems"])
    for path in ("broken.toml", "binary.toml", "other.toml", "nul.toml", "long.toml", "bad.yaml",
                 "README.md"):  # fmt: skip
        assert path in said
    assert "about eve/other" in said


def test_an_edited_log_is_noticed_by_who_saw_it_before(online: Hub, tmp_path) -> None:
    make_repo(online.registry, "ada/net")
    state(online.registry, CLAIM)
    eve = verifier(online, "eve")
    for reason in "abc":
        assert posts(online, eve, reason=reason).status_code == 201
    assert verdict_log.check().before is None
    log_export.export(tmp_path / "mirror")
    assert posts(online, eve, reason="d").status_code == 201
    assert verdict_log.check().before == 3
    for place, old, new, said in (
        ("body FROM log_entry WHERE log_index = 1", "20", "19", "do not give the head"),
        ("envelope FROM verdict WHERE log_index = 1", "ey", "fy", "names another verdict"),
        ("hash FROM log_node WHERE level = 2", "", "", "are not those seen"),
    ):
        assert list(log_check.problems(online.registry)) == []
        with changed(online, place, old, new):
            assert list(log_check.problems(online.registry)) != []
            with pytest.raises(RepriseError, match=said):
                verdict_log.check()
    assert verdict_log.check().verdicts == 4
    log_export.export(tmp_path / "mirror")
    assert len((tmp_path / "mirror" / "log.jsonl").read_text().splitlines()) == 4
    rewritten = "DELETE FROM log_entry WHERE log_index = 3"
    with online.registry.db.write() as conn:
        conn.execute(text(rewritten))
    with pytest.raises(CorruptContent, match="it had 4 entries and has 3"):
        verdict_log.check()
    (tmp_path / "home" / "log_heads.json").unlink()
    with pytest.raises(CorruptContent, match="does not begin with the 4 entries"):
        log_export.export(tmp_path / "mirror")


def test_a_hub_that_lies_to_a_verifier_is_found_out(online: Hub) -> None:
    make_repo(online.registry, "ada/net")
    state(online.registry, CLAIM)
    assert [it.claim for it in verdicts.claims_of("ada/net").found] == [CLAIM]
    with online.registry.db.write() as conn:
        conn.execute(text("UPDATE claim SET body = replace(body, '0.9050', '0.9051')"))
    with pytest.raises(InvalidFormat, match="which has the digest"):
        verdicts.claims_of("ada/net")
    sealed = dsse.decode(online.client().get("/api/log/head").content)
    forged = replace(sealed, payload=sealed.payload.replace(b'"size":0', b'"size":1'))
    with pytest.raises(CorruptContent, match="is not signed by the key it names"):
        log_head.unseal(dsse.encode(forged))
    known_hubs().check(online.url, dsse.public_key(EVE))
    with pytest.raises(CorruptContent, match="signs with another key than before"):
        verdicts.hub()


@contextmanager
def changed(hub: Hub, place: str, old: str, new: str) -> Iterator[None]:
    """Change one value of the hub's database behind its back, and put it back."""
    column, _, rest = place.partition(" FROM ")
    table, _, where = rest.partition(" WHERE ")
    update = f"UPDATE {table} SET {column} = :value WHERE {where}"
    with hub.registry.db.write() as conn:
        before = conn.execute(text(f"SELECT {place}")).scalar_one()
        value = bytes(32) if isinstance(before, bytes) else before.replace(old, new, 1)
        conn.execute(text(update), {"value": value})
    yield
    with hub.registry.db.write() as conn:
        conn.execute(text(update), {"value": before})
