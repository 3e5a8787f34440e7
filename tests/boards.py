"""Claims with real, signed verdicts on them: what leaderboards, badges and pages are made of."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reprise.base.clock import iso
from reprise.base.digests import sha256_hex
from reprise.base.errors import NotFound
from reprise.base.ids import RepoId, RepoType
from reprise.formats import claim as claims_format
from reprise.formats import dsse, key_statements, sshsig
from reprise.formats import verdict as verdicts_format
from reprise.formats.claim import Claim, DataPin, MetricPin, ModelPin, Setup, Stated
from reprise.formats.dsse import Statement
from reprise.formats.key_statements import KeyStatement
from reprise.formats.verdict import Flips, Level, Outcome, Verdict
from reprise.registry import accounts, claim_reading, repos, tokens, verdict_posting, verifier_keys
from reprise.registry.operator_key import hub_id
from reprise.registry.registry import Registry
from reprise.registry.verdict_posting import Posted
from reprise.registry.verdicts import PostedVerdict
from reprise.registry.verifier_keys import NewKey
from tests.committing import commit
from tests.factories import make_repo, make_user

CONTENT = "c" * 64
N = 400
HARDWARE = {"machine": "x86_64", "system": "Linux", "cpu": "a cpu"}


def signature(n: int = N, metric: str = "accuracy@1.0", unit: str = "fraction") -> str:
    """A signature as our metrics write it."""
    return f"{metric}|n:{n}|unit:{unit}|bs:1000|seed:12345|def:0123abcd"


def stated(model: str, value: str, data: str = "ada/data", **changed: Any) -> Claim:
    """A claim with all its pins; `changed` may name n, metric, split, lock and more."""
    n, metric = changed.get("n", N), changed.get("metric", "accuracy@1.0")
    unit = changed.get("unit", "fraction")
    return Claim(
        task=changed.get("task", "text-classification"),
        model=ModelPin(model, "1" * 40, hashlib.sha256(model.encode()).hexdigest(), "safetensors"),
        data=DataPin(
            data, "2" * 40, changed.get("config"), changed.get("split", "test"), n,
            changed.get("content", CONTENT),
        ),
        metric=MetricPin(metric, None, {}, signature(n, metric, unit), unit,
                         changed.get("higher_is_better", True)),
        result=Stated(value, n),
        run=Setup("entry-point", {"name": "model"}, batch=32, threads=1, lock="d" * 64),
    )  # fmt: skip


def state(registry: Registry, *found: Claim, private: bool = False) -> list[str]:
    """Publish claims, one model each, and let the hub read them; returns their digests."""
    for it in found:
        owner = it.model.repo.partition("/")[0]
        _ensure(registry, owner)
        with registry.db.read() as conn:
            known = repos.lookup(conn, RepoType.MODEL, RepoId.parse(it.model.repo))
        if known is None:
            make_repo(registry, it.model.repo, private=private)
        text = claims_format.write(it).encode()
        slug = hashlib.sha256(text).hexdigest()[:8]
        commit(registry, it.model.repo, {f".reprise/claims/{slug}.toml": text})
    claim_reading.catch_up(registry)
    return [it.digest for it in found]


@dataclass
class Verifier:
    """An account with a key that posts verdicts."""

    registry: Registry
    name: str
    hardware: Mapping[str, Any] = field(default_factory=lambda: HARDWARE)

    def __post_init__(self) -> None:
        _ensure(self.registry, self.name)
        self.private = hashlib.sha256(self.name.encode()).digest()
        secret, public = self.registry.secret, dsse.public_key(self.private)
        said = KeyStatement(key_statements.ADD, public, self.name, hub_id(secret))
        proof = dsse.sign(key_statements.payload(said), self.private, key_statements.PAYLOAD_TYPE)
        with self.registry.db.write() as conn:
            new = NewKey(sshsig.public_line(public), proof, "test key")
            self.key = verifier_keys.add(
                conn, self.caller(conn), new, secret, now=self.registry.clock()
            )

    def caller(self, conn: Any) -> Any:
        return tokens.caller_of(conn, accounts.find(conn, self.name))

    def post(
        self,
        claimed: Claim,
        value: str | None = None,
        evidence: Mapping[str, str] | None = None,
        **changed: Any,
    ) -> PostedVerdict:
        """Post a verdict that an honest rerun could give; `changed` are fields of it."""
        made = self.verdict(claimed, value, evidence or {}, **changed)
        said = Statement({"claim": made.claim, **made.subjects}, verdicts_format.to_dict(made))
        envelope = dsse.sign(dsse.encode_statement(said), self.private)
        posted = Posted(envelope, dict(evidence or {}))
        return verdict_posting.post(self.registry, self.caller, claimed.digest, posted)

    def verdict(
        self, claimed: Claim, value: str | None, evidence: Mapping[str, str], **changed: Any
    ) -> Verdict:
        """The verdict, unsigned."""
        got = value if value is not None else claimed.result.value
        same = abs(float(got) - float(claimed.result.value)) <= 0.5 * 10 ** -_decimals(claimed)
        half = changed.pop("half", 0.02)
        made = Verdict(
            claimed.digest, Level.RERUN, Outcome.REPRODUCED if same else Outcome.CONTRADICTED,
            claimed.result.value, got, tolerance=_half(claimed),
            reason="the value agrees" if same else "the value is another one",
            signature=claimed.metric.signature, unit=claimed.metric.unit, n=claimed.result.n,
            ci=(repr(float(got) - half), repr(float(got) + half)),
            subjects={
                f"model:{claimed.model.repo}": claimed.model.tree_sha256 or "",
                f"data:{claimed.data.repo}": claimed.data.content_sha256 or CONTENT,
                **({"lock": claimed.run.lock} if claimed.run.lock else {}),
            },
            environment={"isolation": "bubblewrap", "python": "3.11.2", "threads": 1,
                         "packages": {"numpy": "1.26.4", "scikit-learn": "1.7.2"}},
            hardware=self.hardware,
            evidence={name: sha256_hex(text.encode()) for name, text in evidence.items()},
            made_at=iso(self.registry.clock()), hub=hub_id(self.registry.secret),
        )  # fmt: skip
        return replace(made, **changed)


def examples(right: Sequence[bool]) -> str:
    """What a verifier keeps of every example, for accuracy."""
    header = {"format": "reprise-examples/1", "metric": "accuracy@1.0", "options": {}}
    rows = [
        {"id": n, "prediction": 1 if it else 0, "predicted": 1 if it else 0, "true": 1}
        for n, it in enumerate(right)
    ]
    return "\n".join(json.dumps(it) for it in (header, *rows)) + "\n"


def flips(count: int) -> Flips:
    """Examples that differ, all for the worse."""
    return Flips(count, 0, count, "0.01", tuple(str(n) for n in range(count)))


def _ensure(registry: Registry, name: str) -> None:
    """Make an account unless it is there."""
    with registry.db.read() as conn:
        try:
            accounts.find(conn, name)
        except NotFound:
            make = True
        else:
            make = False
    if make:
        make_user(registry, name)


def _decimals(claimed: Claim) -> int:
    return len(claimed.result.value.partition(".")[2])


def _half(claimed: Claim) -> str:
    return f"0.{'0' * _decimals(claimed)}5"
