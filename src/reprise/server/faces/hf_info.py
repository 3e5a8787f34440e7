"""Repo info over the Hub API: one answer with everything a client decides by."""

from collections.abc import Mapping

from sqlalchemy import Connection
from starlette.responses import Response

from reprise.registry import commit_facts, info
from reprise.registry.access import Repo
from reprise.registry.cards import count_children
from reprise.registry.git import refs
from reprise.registry.info import CommitInfo, InfoCaches, encode, join
from reprise.server.calls import Call

JSON = "application/json"


def repo_info(call: Call) -> Response:
    """`GET /api/{type}s/{repo}[/revision/{rev}]`; `blobs`, `securityStatus`, `expand`."""
    asked, revision = call.queries("expand"), call.param("rev")
    info.check_expand(call.repo_type(), asked)
    blobs = b""
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        commit = refs.resolve(conn, repo, revision or repo.default_branch)
        is_tip = not revision or revision == repo.default_branch
        found, facts = caches(call).commits.get((repo.id, commit)), None
        if found is None:
            facts = commit_facts.gather(conn, repo, commit)
        if call.flag("blobs"):
            blobs = info.siblings_with_blobs(commit_facts.files_at(conn, repo, commit))
        extra = _on_request(conn, repo, asked)
    if facts is not None:  # the connection is given back before weights are read
        found = keep(call, repo, facts)
    assert found is not None
    changing = _encoded(info.repo_parts(repo, None if is_tip else found.micros))
    if asked:
        return _expanded(repo, asked, {**found.parts, **changing, **extra})
    return _whole(call, repo, found, changing, blobs)


def caches(call: Call) -> InfoCaches:
    """The application's caches of repo info."""
    kept: InfoCaches = call.request.app.state.info
    return kept


def keep(call: Call, repo: Repo, facts: commit_facts.CommitFacts) -> CommitInfo:
    """Encode what a commit says and keep it for the next request."""
    kept = caches(call)
    built = info.build(call.registry, repo, facts, kept.headers)
    return kept.commits.put((repo.id, facts.commit), built)


def identity(repo: Repo) -> bytes:
    """The ids that every item carries."""
    name = encode(str(repo.repo_id))
    return b'"_id":"%024x","id":%s,"modelId":%s' % (repo.id, name, name)


def _whole(
    call: Call, repo: Repo, found: CommitInfo, changing: Mapping[str, bytes], blobs: bytes
) -> Response:
    pieces = [identity(repo), join(changing)]
    if blobs:
        kept = {name: part for name, part in found.shown.items() if name != "siblings"}
        pieces += [join(kept), b'"siblings":%s' % blobs]
    else:
        pieces.append(found.joined)
    if call.flag("securityStatus"):
        pieces.append(b'"securityRepoStatus":{"scansDone":false,"filesWithIssues":[]}')
    return Response(b"{%s}" % b",".join(pieces), media_type=JSON)


def _expanded(repo: Repo, asked: list[str], parts: Mapping[str, bytes]) -> Response:
    chosen = {name: parts[name] for name in dict.fromkeys(asked) if name in parts}
    pieces = [identity(repo), *([join(chosen)] if chosen else [])]
    return Response(b"{%s}" % b",".join(pieces), media_type=JSON)


def _on_request(conn: Connection, repo: Repo, asked: list[str]) -> dict[str, bytes]:
    """Properties that are computed only when asked for."""
    extra = {
        "downloadsAllTime": encode(repo.downloads),
        "trendingScore": encode(repo.likes),
        "inferenceProviderMapping": b"{}",
    }
    if "childrenModelCount" in asked:
        extra["childrenModelCount"] = encode(count_children(conn, repo))
    return extra


def _encoded(parts: Mapping[str, object]) -> dict[str, bytes]:
    return {name: encode(value) for name, value in parts.items()}
