"""What a hub says is to be verified again."""

from dataclasses import dataclass
from typing import Any

from reprise.base.errors import HubUnreachable
from reprise.formats.verdict import Level
from reprise.hub import catalogue


@dataclass(frozen=True)
class DueClaim:
    """A claim whose last verdict is to be made again.

    Attributes:
        repo: Its repo.
        digest: Its digest.
        level: Of the last verdict: `recomputed`, `rerun` or `retrained`.
        outcome: Of the last verdict.
        reasons: Why, the most urgent first.
    """

    repo: str
    digest: str
    level: str
    outcome: str
    reasons: tuple[str, ...]


def due(
    *, days: int | None = None, limit: int | None = None, endpoint: str | None = None
) -> list[DueClaim]:
    """Ask a hub what is to be verified again, the most urgent first.

    Args:
        days: From this age on a verdict is old; the hub's rule by default.
        limit: At most so many.
        endpoint: Another hub than the one in use.

    Raises:
        HubUnreachable: The hub does not answer, or something else.
        NotFound: The hub is one that keeps no verdicts.
    """
    asked = {"days": days, "limit": limit}
    query = "&".join(f"{name}={value}" for name, value in asked.items() if value is not None)
    path = "/api/verifications/due" + (f"?{query}" if query else "")
    answer = catalogue.ask("GET", path, None, about="verifications", endpoint=endpoint)
    if not isinstance(answer, list):
        raise HubUnreachable("The answer is not one of a hub.")
    return [_due(row) for row in answer]


def _due(row: Any) -> DueClaim:
    try:
        reasons = tuple(str(reason["text"]) for reason in row["reasons"])
        level = Level(row["level"])
        return DueClaim(
            str(row["repo"]), str(row["claim"]), level.value, str(row["outcome"]), reasons
        )
    except (TypeError, KeyError, ValueError) as error:
        raise HubUnreachable(f"The hub lists something else than a claim: {error!r}.") from None
