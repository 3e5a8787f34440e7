"""Claims on a hub and signed verdicts on them, made by hand: no model runs."""

import json
from dataclasses import replace
from typing import Any

import httpx2

from reprise.base.clock import iso
from reprise.formats import claim, dsse, key_statements, sshsig, verdict
from reprise.formats.claim import Claim, DataPin, MetricPin, ModelPin, Setup, Stated
from reprise.formats.dsse import Envelope
from reprise.formats.key_statements import ADD, KeyStatement
from reprise.formats.verdict import Level, Outcome, Verdict
from reprise.registry import claim_reading
from reprise.registry.operator_key import hub_id
from reprise.registry.registry import Registry
from tests.committing import commit
from tests.factories import Hub, make_token, make_user

TREE, ROWS, LOCK = "a" * 64, "b" * 64, "c" * 64
SIGNATURE = "accuracy@1.0|n:200|value:accuracy"
KEYS = {name: bytes([number] * 32) for number, name in enumerate(("eve", "bob", "ada", "dan"), 1)}


def claim_of(repo: str = "ada/net", value: str = "0.9050", **more: Any) -> Claim:
    """A claim with every pin."""
    return Claim(
        "text-classification",
        ModelPin(repo, "0" * 40, TREE),
        DataPin("ada/rows", "1" * 40, None, "test", 200, ROWS),
        MetricPin("accuracy@1.0", signature=SIGNATURE, unit="fraction"),
        Stated(value, 200),
        Setup("entry-point", lock=LOCK),
        **more,
    )


def state(registry: Registry, stated: Claim, repo: str = "ada/net", slug: str = "words") -> Claim:
    """Commit a claim to a repo and let the hub read it."""
    path = f"{claim.FOLDER}/{slug}.toml"
    commit(registry, repo, {path: claim.write(stated).encode()})
    claim_reading.catch_up(registry)
    return stated


def verdict_on(stated: Claim, registry: Registry, **changed: Any) -> Verdict:
    """What an honest rerun of a claim says."""
    made = Verdict(
        stated.digest, Level.RERUN, Outcome.REPRODUCED, stated.result.value,
        value="0.905", tolerance="0.00005", reason="the value agrees", signature=SIGNATURE,
        unit="fraction", n=200, ci=("0.86", "0.94"),
        subjects={f"model:{stated.model.repo}": TREE, f"data:{stated.data.repo}": ROWS,
                  "lock": LOCK},
        hardware={"machine": "x86_64", "system": "Linux"}, made_at=iso(registry.clock()),
        hub=hub_id(registry.secret),
    )  # fmt: skip
    return replace(made, **changed)


def signed(made: Verdict, private: bytes, **changed: Any) -> Envelope:
    """A verdict in an envelope, as a client makes it."""
    subjects = changed.pop("subjects", {"claim": made.claim, **made.subjects})
    statement = dsse.Statement(subjects, verdict.to_dict(made), **changed)
    return dsse.sign(dsse.encode_statement(statement), private)


def as_body(envelope: Envelope, **evidence: str) -> dict[str, Any]:
    """The body of a request that posts."""
    texts = {name.replace("__", "."): text for name, text in evidence.items()}
    return {"envelope": json.loads(dsse.encode(envelope)), "evidence": texts}


def proof_of(registry: Registry, name: str, private: bytes, does: str = ADD) -> Envelope:
    """A key's own word that it is somebody's."""
    said = KeyStatement(does, dsse.public_key(private), name, hub_id(registry.secret))
    return dsse.sign(key_statements.payload(said), private, key_statements.PAYLOAD_TYPE)


def as_key(registry: Registry, name: str, private: bytes) -> dict[str, Any]:
    """The body of a request that registers a key."""
    proof = json.loads(dsse.encode(proof_of(registry, name, private)))
    return {"key": sshsig.public_line(dsse.public_key(private), name), "proof": proof}


def verifier(hub: Hub, name: str) -> httpx2.Client:
    """A user with a registered key, `KEYS[name]`."""
    if name != "ada":
        make_user(hub.registry, name)
    client = hub.client(hub.token if name == "ada" else make_token(hub.registry, name))
    answer = client.post("/api/keys", json=as_key(hub.registry, name, KEYS[name]))
    assert answer.status_code == 201, answer.text
    return client
