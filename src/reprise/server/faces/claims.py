"""Claims and verdicts over the API. A claim of a private repo is for others as an absent one."""

import json
from typing import Any

from starlette.responses import Response

from reprise.base.clock import iso
from reprise.base.errors import InvalidInput, NotFound
from reprise.registry import claims, verdict_answers, verdict_posting, verdicts
from reprise.registry.claims import StatedClaim
from reprise.registry.verdicts import PostedVerdict, Standing
from reprise.server.calls import Call
from reprise.server.responses import Json

BODY_LIMIT = 24 << 20  # bytes: an envelope and its evidence as JSON
_LISTED = 200  # verdicts in one answer
_MAX_DIGITS = 18  # of the number of a verdict


def of_repo(call: Call) -> Response:
    """`GET /api/{type}s/{repo}/claims`: what a repo claims, and what became of it."""
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        found = claims.of_repo(conn, repo.id)
        posted = verdicts.of_claims(conn, [it.id for it in found])
        problems, due = claims.problems_of(conn, repo), claims.are_due(conn, repo)
    if due:
        call.request.app.state.indexer.wake()
    rows = [_claim(it, posted.get(it.id, [])) for it in found]
    return Json({"id": str(repo.repo_id), "due": due, "problems": problems, "claims": rows})


def show(call: Call) -> Response:
    """`GET /api/claims/{digest}`."""
    with call.read() as (conn, caller):
        found = claims.find(conn, caller, call.param("digest"))
        posted = verdicts.of_claim(conn, found.id)
    return Json(_claim(found, posted))


def list_verdicts(call: Call) -> Response:
    """`GET /api/claims/{digest}/verdicts`: the newest, at most `_LISTED`."""
    with call.read() as (conn, caller):
        found = claims.find(conn, caller, call.param("digest"))
        posted = verdicts.of_claim(conn, found.id)
    return Json([verdicts.as_json(it) for it in posted[:_LISTED]])


def post_verdict(call: Call) -> Response:
    """`POST /api/claims/{digest}/verdicts` with `{envelope, evidence?}`."""
    posted = verdict_posting.read(call.json())
    made = verdict_posting.post(call.registry, call.caller, call.param("digest"), posted)
    return Json(verdicts.as_json(made), status_code=201)


def evidence(call: Call) -> Response:
    """`GET /api/claims/{digest}/verdicts/{id}/evidence`: the texts that were posted, by name."""
    with call.read() as (conn, caller):
        found = claims.find(conn, caller, call.param("digest"))
        posted = verdicts.by_id(conn, _number(call))
        sees_data = claims.sees_data(conn, caller, found)
    if posted is None or posted.claim_id != found.id:
        raise NotFound(f"The claim {found.digest[:12]}… has no verdict {call.param('id')[:20]}.")
    return Json(verdicts.evidence_of(call.registry, posted, rows=sees_data))


def answer(call: Call) -> Response:
    """`POST /api/claims/{digest}/verdicts/{id}/answers` with `{text}`."""
    text = call.json().get("text")
    if not isinstance(text, str):
        raise InvalidInput("'text' must be a string.")
    named = (call.param("digest"), _number(call))
    with call.write() as (conn, caller):
        made = verdict_answers.answer(conn, caller, named, text, now=call.registry.clock())
    value = {"id": made.id, "author": made.author, "text": made.text, "at": iso(made.at)}
    return Json(value, status_code=201)


def _claim(found: StatedClaim, posted: list[PostedVerdict]) -> dict[str, Any]:
    return {
        "id": found.name, "digest": found.digest, "repo": found.repo_name,
        "repoType": found.repo_type.value, "sha": found.commit, "source": found.source,
        "path": found.path, "task": found.task, "metric": found.metric,
        "metricValue": found.metric_value, "value": found.value, "unit": found.unit, "n": found.n,
        "signature": found.signature, "pins": found.pins,
        "data": {
            "repo": found.data_repo, "config": found.data_config, "split": found.data_split,
            "revision": found.data_revision,
        },
        "statedAt": iso(found.stated_at),
        "withdrawnAt": iso(found.withdrawn_at) if found.withdrawn_at is not None else None,
        "claim": json.loads(found.body), "verdicts": len(posted),
        "standing": _standing(verdicts.standing(posted)),
    }  # fmt: skip


def _standing(found: Standing) -> dict[str, Any]:
    return {
        "level": found.level.value,
        "outcome": found.outcome.value if found.outcome is not None else None,
        "verified": found.verified, "wasRun": found.was_run, "contradicted": found.contradicted,
        "verifiers": list(found.verifiers), "value": found.value, "ci": list(found.ci),
        "at": iso(found.at) if found.at is not None else None,
    }  # fmt: skip


def _number(call: Call) -> int:
    text = call.param("id")
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        raise NotFound(f"There is no verdict {text[:80]!r}.")
    return int(text)
