"""Scores of a model as the Hub API shows them: evalResults and model-index.

`verified`, and a token that proves it, stand only where verdicts on this hub say so: what an author
writes about that is left out.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from reprise.base.clock import iso
from reprise.base.digests import canonical_json
from reprise.base.errors import InvalidFormat
from reprise.formats import card_claims, claim, model_index, yaml_json
from reprise.formats.benchmark import Benchmark
from reprise.formats.urls import web_url
from reprise.registry import claims, data_benchmarks, verdicts
from reprise.registry.access import Repo
from reprise.registry.claims import StatedClaim
from reprise.registry.data_benchmarks import Part
from reprise.registry.db.claim_tables import claim as claim_table
from reprise.registry.db.claim_tables import verdict as verdict_table
from reprise.registry.db.prepared import Prepared
from reprise.registry.verdicts import PostedVerdict
from reprise.registry.wording import as_number
from reprise.server.calls import Call

_MAX_TEXT = 1_000
_DAY = 10
_SOURCE = ("name", "user", "org")
Tokens = Mapping[int, str]  # claim -> the verdict that proves it, for claims that are verified


def eval_results(call: Call, conn: Connection, repo: Repo) -> list[dict[str, Any]]:
    """Return the scores that a repo states at its tip, as `expand=evalResults` has them."""
    stated = claims.of_repo(conn, repo.id, withdrawn=False)
    tokens = verified_tokens(conn, stated)
    own = [it for it in stated if it.source == "claims"]
    listed = [it for it in stated if it.source == "eval-results"]
    files = {path: _entries(conn, repo, path) for path in {it.path for it in listed}}
    tasks = (
        {name: data_benchmarks.of_data(conn, name) for name in {it.data_repo for it in own}}
        if listed
        else {}
    )
    found, covered = [], set()
    for it in listed:
        named = (other for other in own if _says_the_same(it, other, tasks[other.data_repo]))
        backing = next(named, None)
        token = tokens.get(it.id) or (tokens.get(backing.id) if backing else None)
        covered |= {backing.id} if backing else set()
        proof = backing if backing and it.id not in tokens else it
        found.append(_result(call, it, _raw(files[it.path], it), proof, token))
    found += [_result(call, it, {}, it, tokens.get(it.id)) for it in own if it.id not in covered]
    return found


_VERDICTS = Prepared(
    select(func.count(verdict_table.c.id).label("total"))
    .join(claim_table, claim_table.c.id == verdict_table.c.claim_id)
    .where(
        claim_table.c.repo_id == bindparam("repo_id"),
        claim_table.c.source == bindparam("source"),
    )
)


def changed_model_index(conn: Connection, repo: Repo) -> Any:
    """Return `model-index` at the tip where verdicts change it, else None; most repos have none."""
    if '"model-index"' not in repo.card:
        return None
    counted = _VERDICTS.first(conn, repo_id=repo.id, source="model-index")
    if counted is None or not counted.total:
        return None
    index = model_index.with_verdicts(json.loads(repo.card).get("model-index"))
    return verified_model_index(conn, repo, index)


def verified_model_index(conn: Connection, repo: Repo, index: Any) -> Any:
    """Return a card's `model-index` with `verified` where our verdicts say so."""
    stated = [it for it in claims.of_repo(conn, repo.id) if it.source == "model-index"]
    tokens = verified_tokens(conn, stated)
    if not tokens:
        return index
    proofs = {_statement(json.loads(it.body)): tokens[it.id] for it in stated if it.id in tokens}

    def token_of(result: Mapping[str, Any], metric: Mapping[str, Any]) -> str | None:
        one = [{"name": "it", "results": [{**result, "metrics": [metric]}]}]
        read = card_claims.from_card({"model-index": one}, str(repo.repo_id), None).found
        return proofs.get(_statement(claim.to_dict(read[0].claim))) if read else None

    return model_index.with_verdicts(index, token_of)


def verified_tokens(conn: Connection, stated: list[StatedClaim]) -> Tokens:
    """Return the compact verdict behind every claim that is verified."""
    posted = verdicts.of_claims(conn, [it.id for it in stated])
    return {
        number: _compact(_proof(several))
        for number, several in posted.items()
        if verdicts.standing(several).was_run
    }


def evidence_source(call: Call, stated: StatedClaim) -> dict[str, Any]:
    """Return where the evidence of a claim is, in the form of a result's source."""
    url = f"{call.base_url}/claims/{stated.digest}"
    return {"url": url, "name": "Evidence on this hub", "isExternal": False}


def _result(
    call: Call,
    stated: StatedClaim,
    raw: Mapping[str, Any],
    proof: StatedClaim,
    token: str | None,
) -> dict[str, Any]:
    """Return one entry; only what has the right form of an author's words goes on."""
    data = raw.get("dataset") if isinstance(raw.get("dataset"), dict) else {}
    assert isinstance(data, dict)
    dataset = {"id": stated.data_repo, "task_id": _text(data.get("task_id")) or stated.task}
    if revision := stated.data_revision or _text(data.get("revision")):
        dataset["revision"] = revision
    value: dict[str, Any] = {
        "dataset": dataset,
        "value": as_number(stated.value),
        "date": _text(raw.get("date")) or iso(stated.stated_at)[:_DAY],
        "notes": _text(raw.get("notes")) or stated.signature,
        "source": _source(raw) or evidence_source(call, proof),
        "verifyToken": token,
    }
    kept = {name: item for name, item in value.items() if item is not None}
    return {"filename": stated.path, "verified": token is not None, "data": kept}


def _source(raw: Mapping[str, Any]) -> dict[str, str] | None:
    source = raw.get("source")
    url = web_url(source.get("url")) if isinstance(source, dict) else ""
    if not url:
        return None
    assert isinstance(source, dict)
    named = {name: text for name in _SOURCE if (text := _text(source.get(name)))}
    return {"url": url, **named}


def _text(value: Any) -> str | None:
    return value[:_MAX_TEXT] if isinstance(value, str) and value else None


def _entries(conn: Connection, repo: Repo, path: str) -> list[Any]:
    """Read a file of `.eval_results` at the tip."""
    try:
        found = yaml_json.load(data_benchmarks.small_text(conn, repo, path))
    except InvalidFormat:
        return []
    return found if isinstance(found, list) else []


def _raw(entries: list[Any], stated: StatedClaim) -> Mapping[str, Any]:
    """Find the entry that a claim was read from: its number stands in the claim's name."""
    number = stated.name.rpartition("-")[2]
    place = int(number) - 1 if number.isdecimal() else -1
    found = entries[place] if 0 <= place < len(entries) else None
    return found if isinstance(found, dict) else {}


def _says_the_same(result: StatedClaim, full: StatedClaim, tasks: Sequence[Benchmark]) -> bool:
    """Tell whether a claim with all its pins stands behind an entry of `.eval_results`.

    The entry names its task as it likes; it must not borrow a verdict on another part of the data.
    So the name is one of the claim's own words, or a task that the data set's repo defines.
    """
    if result.data_repo.lower() != full.data_repo.lower():
        return False
    if as_number(result.value) != as_number(full.value):
        return False
    metric = full.metric.partition("@")[0]
    names = {full.task, full.data_config, full.data_split, metric}
    if result.task in names or result.task == f"{full.data_config}_{full.data_split}":
        return True
    data = full.claim.data
    part = Part(data.config, data.split, data.limit, metric)
    return any(it.id == result.task and data_benchmarks.is_about(it, part) for it in tasks)


def _statement(body: Mapping[str, Any]) -> bytes:
    return canonical_json({**body, "model": None})


def _proof(posted: list[PostedVerdict]) -> PostedVerdict:
    standing = verdicts.standing(posted)
    return next(
        it
        for it in posted
        if it.counts and it.independent and it.outcome.passes and it.level is standing.level
    )


def _compact(posted: PostedVerdict) -> str:
    return urlsafe_b64encode(posted.envelope.encode()).decode().rstrip("=")
