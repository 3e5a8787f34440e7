"""Small catalogues over the Hub API: tags by type, tasks, and the check of a card."""

from collections.abc import Iterator
from http import HTTPStatus

from sqlalchemy import Connection
from starlette.responses import JSONResponse, PlainTextResponse, Response

from reprise.base.errors import InvalidInput
from reprise.base.ids import RepoType
from reprise.formats import card as cards
from reprise.formats.tasks import TASKS, Task
from reprise.registry import listing, tag_catalogue
from reprise.registry.access import ANONYMOUS
from reprise.registry.info import encode
from reprise.registry.listing import Query
from reprise.server.calls import Call

# Repos that are looked at for a catalogue of tags.
_AMONG = 50_000


def tags_by_type(call: Call) -> Response:
    """`GET /api/{type}s-tags-by-type`: the tags of public repos, in groups."""
    query = Query(call.repo_type())
    with call.registry.db.read() as conn:
        found = tag_catalogue.catalogue(conn, ANONYMOUS, query, among=_AMONG)
    body = {
        group: [{"type": group, "id": it.tag, "label": it.label} for it in tags]
        for group, tags in found.items()
    }
    return Response(encode(body), media_type="application/json")


def tasks(call: Call) -> Response:
    """`GET /api/tasks`: the kinds of work there are, each with this hub's most used model."""
    with call.registry.db.read() as conn:
        body = {task.id: _task(conn, task) for task in TASKS.values()}
    return Response(encode(body), media_type="application/json")


def validate_yaml(call: Call) -> Response:
    """`POST /api/validate-yaml`: check a README before it is committed; 400 if it has errors.

    The answer is JSON, except for callers that accept plain text only: they show it to people.
    """
    body = call.json()
    content = body.get("content")
    if not isinstance(content, str):
        raise InvalidInput("The request body needs 'content', the text of a README.")
    found = cards.check(content, _type_of(body))
    answer = {
        "errors": [_shown(it) for it in found if it.severity == "error"],
        "warnings": [_shown(it) for it in found if it.severity == "warning"],
    }
    status = HTTPStatus.BAD_REQUEST if answer["errors"] else HTTPStatus.OK
    if call.header("accept") == "text/plain":
        return PlainTextResponse("\n".join(_lines(answer)), status)
    return JSONResponse(answer, status)


def _lines(answer: dict[str, list[dict[str, str]]]) -> Iterator[str]:
    for word, key in (("Error", "errors"), ("Warning", "warnings")):
        yield from (f"- {word}: {problem['message']}" for problem in answer[key])


def _shown(problem: cards.Problem) -> dict[str, str]:
    place = f"line {problem.line}: " if problem.line else ""
    return {"message": place + problem.message}


def _type_of(body: dict[str, object]) -> RepoType:
    text = body.get("repoType") or RepoType.MODEL.value
    try:
        return RepoType(str(text))
    except ValueError:
        known = ", ".join(RepoType)
        raise InvalidInput(f"Unknown 'repoType' {text!r}, expected one of: {known}.") from None


def _task(conn: Connection, task: Task) -> dict[str, object]:
    query = Query(RepoType.MODEL, tags=(task.id,), sort="downloads")
    best = [str(it.repo_id) for it in listing.page(conn, ANONYMOUS, query, limit=1).repos]
    return {
        "id": task.id,
        "label": task.label,
        "type": task.modality.lower(),
        "summary": task.label,
        "widgetModels": best,
        "models": [{"id": repo_id, "description": ""} for repo_id in best],
        "datasets": [],
        "metrics": [],
        "spaces": [],
        "libraries": [],
    }
