"""The hub's catalogue of models: submissions, checks, decisions, votes, reports, entry points."""

import os
import platform
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from reprise import __version__
from reprise.base.errors import HubUnreachable, InvalidInput
from reprise.base.ids import RepoId
from reprise.hub import api, settings
from reprise.hub.failures import translated

if TYPE_CHECKING:
    from reprise.hub.trials.records import Report

_TIMEOUT = 60  # seconds; the hub reads a whole repo to check it
_MAX_PACKAGES = 500


def submit(address: str, *, draft: bool = False) -> dict[str, Any]:
    """Propose a repo for the catalogue: `owner/name` or `owner/name@commit`.

    Args:
        address: What to propose.
        draft: Only let the hub check it; nobody else is asked until it is submitted again.

    Raises:
        InvalidInput: The text is no address of a repo.
        Forbidden: You may not write to the repo.
        NotFound: There is no such repo or commit.
    """
    repo, _, revision = address.partition("@")
    if "@" in address and not revision:
        raise InvalidInput(f"{address!r} names no commit after '@'.")
    body = {"revision": revision or None, "draft": draft}
    return _object(_ask_about(repo, "POST", "submission", body))


def submission(repo: str) -> dict[str, Any]:
    """Return where a submission stands: state, checks with reasons, history.

    Raises:
        NotFound: The repo was never submitted.
    """
    return _object(_ask_about(repo, "GET", "submission"))


def submissions(state: str = "", *, limit: int = 200) -> list[dict[str, Any]]:
    """List the submissions that you may see, those with most votes first."""
    return _array(ask("GET", f"/api/submissions?state={quote(state, safe='')}&limit={limit}"))


def check(repo: str) -> dict[str, Any]:
    """Run every check of a submission again."""
    return _object(_ask_about(repo, "POST", "submission/checks", {}))


def send_run(repo: str, report: "Report") -> dict[str, Any]:
    """Send what `trials.running.check_repo` found; the hub keeps it with date and account.

    Args:
        repo: `owner/name`.
        report: What was found.

    Raises:
        InvalidInput: It is about a folder, which has no commit.
        StaleParent: Another commit is submitted now.
        Forbidden: You are no reviewer and may not write to the repo.
    """
    if report.commit is None:
        raise InvalidInput(
            f"{report.repo} is a folder: the hub keeps only what was found about a commit.",
            hint="Publish and submit it, and check owner/name.",
        )
    body = {
        "sha": report.commit,
        "environment": dict(report.environment),
        "findings": [asdict(trial) for trial in report.trials],
    }
    return _object(_ask_about(repo, "POST", "submission/runs", body))


def runs(repo: str) -> list[dict[str, Any]]:
    """List the runs of checks that were sent for a submission, newest first."""
    return _array(_ask_about(repo, "GET", "submission/runs"))


def decide(repo: str, state: str, reason: str) -> dict[str, Any]:
    """Decide on a submission, as a reviewer.

    Args:
        repo: `owner/name`.
        state: `published`, `changes-requested` or `declined`.
        reason: What the author is told.
    """
    body = {"state": state, "reason": reason}
    return _object(_ask_about(repo, "POST", "submission/decision", body))


def vote(repo: str, *, withdraw: bool = False) -> dict[str, Any]:
    """Vote for a repo, or withdraw the vote; an account has one vote per repo."""
    return _object(_ask_about(repo, "DELETE" if withdraw else "POST", "vote"))


def report(repo: str, text: str) -> dict[str, Any]:
    """Tell a repo's owner that it does not work, with this environment attached."""
    body = {"text": text, "environment": environment()}
    return _object(_ask_about(repo, "POST", "reports", body))


def reports(repo: str) -> list[dict[str, Any]]:
    """List what people reported about a repo, newest first.

    Those who may write to it and reviewers see all reports, others their own.
    """
    return _array(_ask_about(repo, "GET", "reports"))


def set_report_status(repo: str, number: int, status: str) -> None:
    """Close a report about a repo of yours, or open it again.

    Args:
        repo: `owner/name`.
        number: The report's.
        status: `closed` or `open`.

    Raises:
        NotFound: The repo has no such report.
        Forbidden: You may not write to the repo.
    """
    _ask_about(repo, "POST", f"reports/{number}/status", {"status": status})


def entry_points(text: str, *, limit: int = 20) -> list[dict[str, Any]]:
    """Search the entry points of all repos by words of their name and summary."""
    query = f"search={quote(text, safe='')}&limit={limit}"
    return _array(ask("GET", f"/api/entry-points?{query}"))


def environment() -> dict[str, Any]:
    """Describe this Python, its platform and its installed packages, without anything personal."""
    from importlib.metadata import distributions

    found = {item.metadata["Name"]: item.version for item in distributions()}
    packages = sorted((name, version) for name, version in found.items() if name)
    return {
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "reprise": __version__,
        "packages": dict(packages[:_MAX_PACKAGES]),
    }


def ask(
    method: str, path: str, body: dict[str, Any] | None = None, *, about: str = "The request",
    endpoint: str | None = None,
) -> Any:  # fmt: skip
    """Send one request to a hub, and return its JSON answer.

    Args:
        method: Of HTTP.
        path: Below the endpoint, with its query.
        body: Sent as JSON.
        about: What is asked for, for messages.
        endpoint: Base URL of the hub; None for the one in use, which alone sees the stored token.

    Raises:
        RepriseError: The class that the hub's refusal stands for.
        HubUnreachable: No answer, or not one of a hub.
    """
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # its documented names
        build_hf_headers,
        get_session,
        hf_raise_for_status,
    )

    endpoint = (endpoint or settings.endpoint()).rstrip("/")
    headers = build_hf_headers(
        token=api.token_for(endpoint, None), library_name="reprise", library_version=__version__
    )
    with translated(endpoint, about):
        answer = get_session().request(
            method, endpoint + path, json=body, headers=headers, timeout=_TIMEOUT
        )
        hf_raise_for_status(answer)
    try:
        return answer.json()
    except ValueError:
        raise HubUnreachable(f"{endpoint} does not answer like a hub.") from None


def _ask_about(repo: str, method: str, what: str, body: dict[str, Any] | None = None) -> Any:
    path = f"/api/models/{RepoId.parse(repo)}/{what}"
    return ask(method, path, body, about=repo)


def _object(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise HubUnreachable(f"{settings.endpoint()} does not answer like a hub.")
    return answer


def _array(answer: Any) -> list[dict[str, Any]]:
    if not isinstance(answer, list) or not all(isinstance(item, dict) for item in answer):
        raise HubUnreachable(f"{settings.endpoint()} does not answer like a hub.")
    return answer
