"""The curated catalogue over the API: submissions, checks, decisions, badges, votes, reports."""

from typing import Any

from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from reprise.base.clock import iso
from reprise.base.errors import InvalidFormat, InvalidInput, NotFound
from reprise.formats import card as cards
from reprise.formats.notebook import from_markdown
from reprise.registry import check_runs, reports, reviewers, revisions, submissions, votes
from reprise.registry.access import Account, Action, Repo
from reprise.registry.cards import MAX_README, README, read_root_file
from reprise.registry.check_runs import Run
from reprise.registry.checks import Outcome
from reprise.registry.git.store import GitStore
from reprise.registry.reports import Draft, Report
from reprise.registry.submissions import Move, State, Submission
from reprise.server import badge as badges
from reprise.server.calls import Call
from reprise.server.responses import Json

_MAX_DIGITS = 18


def submit(call: Call) -> Response:
    """`POST …/submission` with `{revision?, draft?}`: propose a commit, and check it."""
    body = call.json()
    revision, draft = _optional_text(body, "revision"), body.get("draft") is True
    with call.write() as (conn, caller):
        repo = call.repo(conn, caller, Action.WRITE)
        at = revisions.locate(conn, repo, revision or repo.default_branch)
        now = call.registry.clock()
        submissions.submit(conn, caller, repo, at.commit, draft=draft, now=now)
    submissions.run_checks(call.registry, repo)
    return show(call)


def check(call: Call) -> Response:
    """`POST …/submission/checks`: run every check again."""
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        reviews = reviewers.reviews(conn, caller)
        submissions.visible(conn, caller, repo, reviews=reviews)
        if not reviews:
            call.repo(conn, caller, Action.WRITE)
    submissions.run_checks(call.registry, repo)
    return show(call)


def show(call: Call) -> Response:
    """`GET …/submission`: where it stands, its checks and its history."""
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        reviews = reviewers.reviews(conn, caller)
        found = submissions.visible(conn, caller, repo, reviews=reviews)
        answer = {**_shown(found), **_details(conn, repo)}
    return Json(answer)


def send_run(call: Call) -> Response:
    """`POST …/submission/runs` with `{sha, environment, findings}`: what `reprise check` found."""
    sent = check_runs.read(call.json())
    with call.write() as (conn, caller):
        repo, now = call.repo(conn, caller), call.registry.clock()
        reviews = reviewers.reviews(conn, caller)
        submissions.visible(conn, caller, repo, reviews=reviews)
        submissions.accept_run(conn, caller, repo, sent, reviews=reviews, now=now)
    return show(call)


def list_runs(call: Call) -> Response:
    """`GET …/submission/runs`: every run of the checks that was sent, newest first."""
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        submissions.visible(conn, caller, repo, reviews=reviewers.reviews(conn, caller))
        found = check_runs.list_of(conn, repo)
    return Json([_run(it) for it in found])


def decide(call: Call) -> Response:
    """`POST …/submission/decision` with `{state, reason}`."""
    body, now = call.json(), call.registry.clock()
    decision = Move(_state(body.get("state")), _optional_text(body, "reason") or "")
    with call.write() as (conn, caller):
        repo = call.repo(conn, caller)
        reviews = reviewers.reviews(conn, caller)
        found = submissions.decide(conn, caller, repo, decision, reviews=reviews, now=now)
    return Json(_shown(found))


def list_submissions(call: Call) -> Response:
    """`GET /api/submissions?state=&limit=`: what the caller may see, most votes first."""
    text, most = call.query("state"), call.query("limit") or str(submissions.LISTED)
    if not most.isascii() or not most.isdigit() or len(most) > _MAX_DIGITS or int(most) == 0:
        raise InvalidInput("'limit' must be a whole number above zero.")
    with call.read() as (conn, caller):
        reviews = reviewers.reviews(conn, caller)
        state = _state(text) if text else None
        found = submissions.list_visible(conn, caller, state, reviews=reviews, limit=int(most))
    return Json([_shown(it) for it in found])


def badge(call: Call) -> Response:
    """`GET …/badge.svg`: a dated picture of how the checks of a published repo went."""
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        found = submissions.visible(conn, caller, repo, reviews=False)
        if found.state not in submissions.SHOWN:
            raise NotFound(f"{repo.repo_id} is not published in the catalogue.")
        checked = submissions.checks_of(conn, repo)
    ran = [it for it in checked if it.result.outcome is not Outcome.NOT_RUN]
    passed = sum(it.result.outcome is Outcome.PASSED for it in ran)
    # The oldest of the results that are counted: none of them is older than the badge says.
    day = iso(min((it.checked_at for it in ran), default=found.updated_at))[:10]
    good = found.state is State.PUBLISHED
    return badges.badge(
        f"checked {day}", f"{passed} of {len(ran)} passed", badges.GOOD if good else badges.BAD
    )


def card_notebook(call: Call) -> Response:
    """`GET /{type}{repo}/notebook/{rev}`: the card as a Jupyter notebook."""
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        at = revisions.locate(conn, repo, call.param("rev"))
        store = GitStore(conn, repo.id)
        root = store.read_tree(store.read_commit(at.commit).tree)
        readme = read_root_file(store, root, README, MAX_README).decode("utf-8", "replace")
    try:
        body = cards.parse(readme).body
    except InvalidFormat:
        body = readme
    name = f"{repo.repo_id.name}.ipynb"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "ETag": f'"{at.hex}"'}
    return Response(from_markdown(body), media_type="application/x-ipynb+json", headers=headers)


def vote(call: Call) -> Response:
    """`POST …/vote` and `DELETE …/vote`; the Hub API's `…/like` is the same."""
    with call.write() as (conn, caller):
        repo = call.repo(conn, caller)
        if call.request.method == "DELETE":
            total = votes.withdraw(conn, caller, repo)
        else:
            total = votes.cast(conn, caller, repo, now=call.registry.clock())
    return JSONResponse({"id": str(repo.repo_id), "likes": total})


def likers(call: Call) -> Response:
    """`GET …/likers`: who voted, the newest first."""
    with call.read() as (conn, caller):
        found = votes.voters(conn, call.repo(conn, caller))
    return JSONResponse([_person(it) for it in found])


def send_report(call: Call) -> Response:
    """`POST …/reports` with `{text, environment?, revision?}`."""
    body, now = call.json(), call.registry.clock()
    environment = body.get("environment", {})
    if not isinstance(environment, dict):
        raise InvalidInput("'environment' must be a JSON object.")
    text, revision = _optional_text(body, "text") or "", _optional_text(body, "revision")
    with call.write() as (conn, caller):
        repo = call.repo(conn, caller)
        at = revisions.locate(conn, repo, revision or repo.default_branch)
        draft = Draft(text, environment, at.commit)
        kept = reports.send(conn, caller, repo, draft, now=now)
    return Json(_report(kept))


def list_reports(call: Call) -> Response:
    """`GET …/reports`: all of them for those who may write to the repo, else one's own."""
    with call.read() as (conn, caller):
        repo, reviews = call.repo(conn, caller), reviewers.reviews(conn, caller)
        found = reports.list_of(conn, caller, repo, reviews=reviews)
    return Json([_report(it) for it in found])


def set_report_status(call: Call) -> Response:
    """`POST …/reports/{num}/status` with `{status}`."""
    number, text = call.param("num"), _optional_text(call.json(), "status")
    if not number.isascii() or not number.isdigit() or len(number) > _MAX_DIGITS:
        raise NotFound(f"There is no report {number[:80]!r}.")
    try:
        status = reports.Status(text or "")
    except ValueError:
        raise InvalidInput("'status' must be 'open' or 'closed'.") from None
    with call.write() as (conn, caller):
        repo = call.repo(conn, caller)
        reports.set_status(conn, caller, repo, int(number), status)
    return JSONResponse({"id": int(number), "status": status.value})


# -- answers --------------------------------------------------------------------------------


def _shown(found: Submission) -> dict[str, Any]:
    return {
        "id": str(found.repo.repo_id),
        "state": found.state.value,
        "sha": found.commit.hex(),
        "submitter": found.submitter,
        "likes": found.repo.likes,
        "createdAt": iso(found.created_at),
        "updatedAt": iso(found.updated_at),
    }


def _details(conn: Connection, repo: Repo) -> dict[str, Any]:
    checks = [
        {
            "name": it.result.name,
            "outcome": it.result.outcome.value,
            "reason": it.result.reason,
            "sha": it.commit.hex(),
            "checkedAt": iso(it.checked_at),
            "by": it.by,
            "asReviewer": it.as_reviewer,
        }
        for it in submissions.checks_of(conn, repo)
    ]
    history = [
        {
            "state": it.state.value,
            "actor": it.actor,
            "reason": it.reason,
            "sha": it.commit.hex(),
            "at": iso(it.created_at),
        }
        for it in submissions.history(conn, repo)
    ]
    return {"checks": checks, "history": history}


def _run(found: Run) -> dict[str, Any]:
    findings = [
        {
            "name": it.result.name,
            "outcome": it.result.outcome.value,
            "reason": it.result.reason,
            "details": dict(it.details),
        }
        for it in found.findings
    ]
    return {
        "sha": found.commit.hex(),
        "author": found.author,
        "token": found.token,
        "asReviewer": found.as_reviewer,
        "environment": dict(found.environment),
        "findings": findings,
        "createdAt": iso(found.created_at),
    }


def _report(found: Report) -> dict[str, Any]:
    return {
        "id": found.id,
        "author": found.author,
        "sha": found.commit.hex() if found.commit else None,
        "text": found.text,
        "environment": dict(found.environment),
        "status": found.status.value,
        "createdAt": iso(found.created_at),
    }


def _person(account: Account) -> dict[str, Any]:
    return {"user": account.name, "fullname": account.fullname, "type": "user", "avatarUrl": ""}


def _state(text: object) -> State:
    try:
        return State(str(text))
    except ValueError:
        raise InvalidInput(f"'state' must be one of: {', '.join(State)}.") from None


def _optional_text(body: dict[str, Any], field: str) -> str | None:
    value = body.get(field)
    if value is not None and not isinstance(value, str):
        raise InvalidInput(f"{field!r} must be a string.")
    return value
