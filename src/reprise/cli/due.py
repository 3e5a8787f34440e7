"""`reprise verify --due`: verdicts age; whatever a hub says is due is computed again."""

from typing import TYPE_CHECKING

from reprise.base.errors import RepriseError
from reprise.cli import output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reprise.hub.due import DueClaim
    from reprise.verify.running import Report


def verify_due(
    run: "Callable[[DueClaim], list[Report]]", due: "Iterable[DueClaim]"
) -> "tuple[list[Report], int]":
    """Run what is due; one claim that fails does not stop the others.

    Args:
        run: Verifies one claim and posts the verdict.
        due: What is due, the most urgent first.

    Returns:
        The reports, and how many claims failed otherwise.
    """
    reports: list[Report] = []
    failed = 0
    for it in due:
        output.say(f"{it.repo} {it.digest[:12]}: {'; '.join(it.reasons)}")
        try:
            reports += run(it)
        except RepriseError as error:
            failed += 1
            output.warn(f"{it.repo} {it.digest[:12]}: {error.message}")
    return reports, failed
