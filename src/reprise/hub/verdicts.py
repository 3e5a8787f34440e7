"""Claims, verdicts and keys on a hub, as a client sees them."""

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from reprise.base.errors import HubUnreachable, InvalidFormat, NotFound, NotSupported
from reprise.base.ids import RepoId
from reprise.formats import claim, dsse
from reprise.formats.card_claims import Claims, Found
from reprise.formats.dsse import Envelope
from reprise.formats.log_head import Head
from reprise.hub import catalogue, settings, verdict_log

_TRIES, _PAUSE = 40, 0.25  # how often, and after how many seconds, to ask again
_ORIGINS = {"claims": "claim"}  # how the API calls a source -> an origin of `card_claims`


def claims_of(repo: str, *, endpoint: str | None = None) -> Claims:
    """Return what a hub knows that a repo claims; those withdrawn are left out.

    Waits some seconds where the hub is still reading the last commit.

    Raises:
        NotFound: There is no such repo.
        NotSupported: The hub is one that keeps no claims.
        InvalidFormat: It answers something else, or a claim that has another digest.
    """
    path = f"/api/models/{RepoId.parse(repo)}/claims"
    answer = _object(_ask("GET", path, endpoint=endpoint, about=repo))
    for _ in range(_TRIES):
        if answer.get("due") is not True:
            break
        time.sleep(_PAUSE)
        answer = _object(_ask("GET", path, endpoint=endpoint, about=repo))
    rows = [it for it in _rows(answer.get("claims")) if it.get("withdrawnAt") is None]
    problems = answer.get("problems")
    said = tuple(str(it) for it in problems) if isinstance(problems, list) else ()
    if answer.get("due") is True:
        said = (*said, "the hub is still reading the last commit; try again in a moment")
    return Claims(tuple(_found(it) for it in rows), said)


def post(
    digest: str, envelope: Envelope, evidence: Mapping[str, str], *, endpoint: str | None = None
) -> dict[str, Any]:
    """Post a signed verdict on a claim, with the texts of its evidence.

    Raises:
        RepriseError: What the hub finds wrong with it.
    """
    body = {"envelope": json.loads(dsse.encode(envelope)), "evidence": dict(evidence)}
    path = f"/api/claims/{digest}/verdicts"
    return _object(_ask("POST", path, body, endpoint=endpoint, about=f"the claim {digest[:12]}…"))


def answer(digest: str, verdict: int, text: str, *, endpoint: str | None = None) -> dict[str, Any]:
    """Answer a verdict on a claim of a repo that you may write to."""
    path = f"/api/claims/{digest}/verdicts/{verdict}/answers"
    return _object(_ask("POST", path, {"text": text}, endpoint=endpoint, about="the verdict"))


def verdicts_of(digest: str, *, endpoint: str | None = None) -> list[dict[str, Any]]:
    """List the verdicts on a claim, newest first."""
    path = f"/api/claims/{digest}/verdicts"
    return _rows(_ask("GET", path, endpoint=endpoint, about=f"the claim {digest[:12]}…"))


def hub(*, endpoint: str | None = None) -> Head:
    """Return the head of a hub's log, which names the hub's key; that key must be the known one.

    Raises:
        NotSupported: The hub has no log: it takes no verdicts.
        CorruptContent: It signs with another key than before.
    """
    try:
        return verdict_log.head(endpoint)
    except NotFound:
        where = endpoint or settings.endpoint()
        raise NotSupported(
            f"{where} keeps no verdicts.", hint="A hub of Reprise does: reprise serve"
        ) from None


def keys(*, endpoint: str | None = None) -> list[dict[str, Any]]:
    """List the keys of the signed-in account, the newest first."""
    found = _object(_ask("GET", "/api/keys", endpoint=endpoint, about="your keys"))
    return _rows(found.get("keys"))


def add_key(
    line: str, proof: Envelope, *, title: str = "", days: int | None = None,
    endpoint: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Register a key for the signed-in account.

    Args:
        line: Of OpenSSH: `ssh-ed25519 AAAA… name`.
        proof: What `key_statements` says about adding it, signed by it.
        title: What you call it.
        days: How long it is valid; None for no end.
        endpoint: Another hub than the one in use.
    """
    body = {"key": line, "proof": json.loads(dsse.encode(proof)), "title": title, "days": days}
    return _object(_ask("POST", "/api/keys", body, endpoint=endpoint, about="the key"))


def revoke_key(
    fingerprint: str, reason: str, envelope: Envelope | None = None, *, endpoint: str | None = None
) -> dict[str, Any]:
    """Revoke a key: nothing that it signed counts any more.

    Args:
        fingerprint: `SHA256:…`.
        reason: For people.
        envelope: The key's own statement, for who still has it.
        endpoint: Another hub than the one in use.
    """
    said = json.loads(dsse.encode(envelope)) if envelope is not None else None
    path = f"/api/keys/{quote(fingerprint, safe='')}"
    body = {"reason": reason, "envelope": said}
    return _object(_ask("DELETE", path, body, endpoint=endpoint, about="the key"))


def _ask(
    method: str, path: str, body: dict[str, Any] | None = None, *, endpoint: str | None, about: str
) -> Any:
    return catalogue.ask(method, path, body, about=about, endpoint=endpoint)


def _found(row: dict[str, Any]) -> Found:
    stated = claim.from_dict(row.get("claim"))
    if stated.digest != row.get("digest"):
        raise InvalidFormat(
            f"The hub lists a claim {str(row.get('digest'))[:80]}, which has the digest "
            f"{stated.digest}.",
            hint="Tell the hub's operator; verify the repo's own files without --post.",
        )
    source = str(row.get("source"))
    origin = _ORIGINS.get(source, source)
    return Found(str(row.get("id")), stated, origin, str(row.get("path")))


def _object(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise HubUnreachable("The answer is not one of a hub.")
    return answer


def _rows(answer: Any) -> list[dict[str, Any]]:
    if not isinstance(answer, list) or not all(isinstance(item, dict) for item in answer):
        raise HubUnreachable("The answer is not one of a hub.")
    return answer
