"""`reprise verify --due`: verdicts age; whatever a hub says is due is computed again."""

from typing import TYPE_CHECKING

from reprise.base.errors import RepriseError
from reprise.cli import output

if TYPE_CHECKING:
    from collections.abc import Callable

    from reprise.verify.running import Report


def verify_due(
    run: "Callable[[str, str], list[Report]]", *, endpoint: str | None, limit: int | None
) -> "tuple[list[Report], int]":
    """Run whatever a hub says is due; one claim that fails does not stop the others.

    Args:
        run: Verifies one claim of a repo, given its digest, and posts the verdict.
        endpoint: The hub; the one in use by default.
        limit: At most so many.

    Returns:
        The reports, and how many claims failed otherwise.
    """
    from reprise.hub.due import due as ask_due

    reports: list[Report] = []
    failed = 0
    for it in ask_due(limit=limit, endpoint=endpoint):
        output.say(f"{it.repo} {it.digest[:12]}: {'; '.join(it.reasons)}")
        try:
            reports += run(it.repo, it.digest)
        except RepriseError as error:
            failed += 1
            output.warn(f"{it.repo} {it.digest[:12]}: {error.message}")
    return reports, failed
