"""Stamps: what verdicts say of a repo's claims, in a word and a colour."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from reprise.formats.verdict import Outcome
from reprise.registry import claims, verdicts
from reprise.registry.access import Repo
from reprise.registry.claims import StatedClaim
from reprise.registry.verdicts import Standing

_MAX_SHOWN = 60


@dataclass(frozen=True)
class Stamp:
    """A claim with what became of it; `mood` is good, warn, bad or none."""

    claim: StatedClaim
    standing: Standing
    word: str
    mood: str


def stamps_of(conn: Connection, repo: Repo) -> list[Stamp]:
    """List the claims of a repo; a withdrawn one only if somebody measured it."""
    found = claims.of_repo(conn, repo.id)
    posted = verdicts.of_claims(conn, [it.id for it in found])
    kept = [it for it in found if it.withdrawn_at is None or it.id in posted]
    made = [_stamp(it, verdicts.standing(posted.get(it.id, ()))) for it in kept]
    return sorted(made, key=_order)[:_MAX_SHOWN]


def mood_of(outcome: Outcome) -> str:
    """Return the colour of an outcome."""
    if outcome.passes:
        return "good"
    return "bad" if outcome is Outcome.CONTRADICTED else "warn"


def verified(found: Sequence[Stamp]) -> int:
    """Count the claims that stand."""
    return sum(it.standing.was_run for it in found)


def _order(stamp: Stamp) -> tuple[bool, bool]:
    return stamp.claim.withdrawn_at is not None, stamp.standing.outcome is None


def _stamp(stated: StatedClaim, standing: Standing) -> Stamp:
    if standing.outcome is None:
        return Stamp(stated, standing, "claimed", "none")
    if standing.was_run:
        return Stamp(stated, standing, str(standing.outcome), "good")
    if standing.contradicted:
        return Stamp(stated, standing, "contradicted", "bad")
    if standing.verified:
        return Stamp(stated, standing, "recomputed", "none")
    if standing.outcome.passes:
        return Stamp(stated, standing, "by its author", "none")
    return Stamp(stated, standing, str(standing.outcome), "warn")
