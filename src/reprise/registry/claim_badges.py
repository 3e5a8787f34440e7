"""What a badge says of a claim: level, outcome, value, date, verifiers; verdicts age."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from reprise.base.clock import iso
from reprise.formats.verdict import Outcome
from reprise.registry import verdicts
from reprise.registry.claims import StatedClaim
from reprise.registry.reverify import Reason
from reprise.registry.verdicts import PostedVerdict, Standing
from reprise.registry.wording import interval_text, value_text

_MONTH = 7  # characters of an ISO date: 2026-11
_MAX_LEFT = 40


class Mood(StrEnum):
    """What a colour says."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    NONE = "none"


@dataclass(frozen=True)
class Said:
    """The words of a badge."""

    left: str
    right: str
    mood: Mood


def badge_of(
    stated: StatedClaim, posted: Sequence[PostedVerdict], due: Sequence[Reason] = ()
) -> Said:
    """Say what the verdicts on a claim come to.

    Args:
        stated: The claim.
        posted: Verdicts on it, newest first.
        due: Why the last one is to be made again.
    """
    found = verdicts.standing(posted)
    left = f"{stated.metric} · {stated.data_repo.rpartition('/')[2]}"[:_MAX_LEFT]
    if found.outcome is None or found.at is None:
        return Said(left, f"claimed {stated.value}, not verified", Mood.NONE)
    last = next(it for it in posted if it.counts)
    date = iso(found.at)[:_MONTH]
    if stated.withdrawn_at is not None:
        return Said(left, f"withdrawn; {found.outcome} {date}", Mood.NONE)
    if found.contradicted and not found.verified:
        return Said(left, f"contradicted: {_value(found)} · {date}", Mood.BAD)
    if last.outcome is Outcome.NOT_RUNNABLE:
        return Said(left, f"no longer runs · {iso(last.made_at)[:_MONTH]}", Mood.WARN)
    if not found.verified:
        own = " by its author" if found.outcome.passes else ""
        return Said(left, f"{found.outcome}{own} · {date}", Mood.NONE if own else Mood.WARN)
    count = len(found.verifiers)
    words = [found.level, found.outcome, _value(found), date,
             f"{count} verifier{'' if count == 1 else 's'}"]  # fmt: skip
    words += ["contradicted elsewhere"] if found.contradicted else []
    words += ["due again"] if due else []
    mood = Mood.WARN if due or found.contradicted else Mood.GOOD if found.was_run else Mood.NONE
    return Said(left, " · ".join(words), mood)


def _value(found: Standing) -> str:
    spread = interval_text(found.value, found.ci)
    return f"{value_text(found.value, found.ci)} {spread}".strip()
