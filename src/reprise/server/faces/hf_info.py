"""Repo info over the Hub API: one answer with everything a client decides by."""

from collections.abc import Mapping

from sqlalchemy import Connection
from starlette.responses import Response

from reprise.base.ids import RepoType, is_commit
from reprise.registry import commit_facts, info
from reprise.registry.access import Repo
from reprise.registry.cards import count_children
from reprise.registry.git import refs
from reprise.registry.info import CommitInfo, InfoCaches, encode, join
from reprise.server.calls import Call
from reprise.server.faces import eval_results

JSON = "application/json"


def repo_info(call: Call) -> Response:
    """`GET /api/{type}s/{repo}[/revision/{rev}]`; `blobs`, `securityStatus`, `expand`."""
    asked, blobs = call.queries("expand"), b""
    info.check_expand(call.repo_type(), asked)
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        commit, is_tip, found = _commit(call, conn, repo)
        facts = commit_facts.gather(conn, repo, commit) if found is None else None
        if call.flag("blobs"):
            blobs = info.siblings_with_blobs(commit_facts.files_at(conn, repo, commit))
        extra = _on_request(conn, repo, asked) if asked else {}
        if is_tip and repo.type is RepoType.MODEL:
            extra |= _verified(call, conn, repo, asked)
    if facts is not None:  # the connection is given back before weights are read
        found = keep(call, repo, facts)
    assert found is not None
    changing = _encoded(info.repo_parts(repo, None if is_tip else found.micros))
    if asked:
        return _expanded(repo, asked, {**found.parts, **changing, **extra})
    return _whole(call, repo, found, {**changing, **extra}, blobs)


def _commit(call: Call, conn: Connection, repo: Repo) -> tuple[bytes, bool, CommitInfo | None]:
    """Find the commit a call is about, whether it is the tip, and its info if it is known.

    Only what is known for a commit is kept, so a hit needs no further check of the revision.
    """
    revision, kept = call.param("rev"), caches(call).commits
    is_tip = revision in {"", repo.default_branch}
    if is_tip:
        tip = refs.read(conn, repo.id, refs.HEADS + repo.default_branch)
        if tip is not None and (known := kept.get(info.key_of(repo, tip))):
            return tip, True, known
    elif is_commit(revision) and (known := kept.get(info.key_of(repo, bytes.fromhex(revision)))):
        return bytes.fromhex(revision), False, known
    commit = refs.resolve(conn, repo, revision or repo.default_branch)
    return commit, is_tip, kept.get(info.key_of(repo, commit))


def caches(call: Call) -> InfoCaches:
    """The application's caches of repo info."""
    kept: InfoCaches = call.request.app.state.info
    return kept


def keep(call: Call, repo: Repo, facts: commit_facts.CommitFacts) -> CommitInfo:
    """Encode what a commit says and keep it for the next request."""
    kept = caches(call)
    built = info.build(call.registry, repo, facts, kept.headers)
    return kept.commits.put(info.key_of(repo, facts.commit), built)


def identity(repo: Repo) -> bytes:
    """The ids that every item carries."""
    name = encode(str(repo.repo_id))
    ids = b'"_id":"%024x","id":%s' % (repo.id, name)
    return ids + b',"modelId":%s' % name if repo.type is RepoType.MODEL else ids


def _whole(
    call: Call, repo: Repo, found: CommitInfo, changing: Mapping[str, bytes], blobs: bytes
) -> Response:
    if blobs:
        changing = {**changing, "siblings": blobs}
    pieces = [identity(repo), join(changing)]
    if changing.keys() & found.shown.keys():
        kept = {name: part for name, part in found.shown.items() if name not in changing}
        pieces.append(join(kept))
    else:
        pieces.append(found.joined)
    if call.flag("securityStatus"):
        pieces.append(b'"securityRepoStatus":{"scansDone":false,"filesWithIssues":[]}')
    return Response(b"{%s}" % b",".join(pieces), media_type=JSON)


def _expanded(repo: Repo, asked: list[str], parts: Mapping[str, bytes]) -> Response:
    chosen = {name: parts[name] for name in dict.fromkeys(asked) if name in parts}
    pieces = [identity(repo), *([join(chosen)] if chosen else [])]
    return Response(b"{%s}" % b",".join(pieces), media_type=JSON)


def _verified(call: Call, conn: Connection, repo: Repo, asked: list[str]) -> dict[str, bytes]:
    """Return what verdicts change of what a model's tip says."""
    found = {}
    if "evalResults" in asked:
        found["evalResults"] = encode(eval_results.eval_results(call, conn, repo))
    if not asked or "model-index" in asked:
        index = eval_results.changed_model_index(conn, repo)
        found |= {"model-index": encode(index)} if index is not None else {}
    return found


def _on_request(conn: Connection, repo: Repo, asked: list[str]) -> dict[str, bytes]:
    """Properties that are computed only when asked for."""
    extra = {
        "downloadsAllTime": encode(repo.downloads),
        "trendingScore": encode(repo.downloads),
        "inferenceProviderMapping": b"{}",
        "xetEnabled": b"true",
    }
    if "childrenModelCount" in asked:
        extra["childrenModelCount"] = encode(count_children(conn, repo))
    return extra


def _encoded(parts: Mapping[str, object]) -> dict[str, bytes]:
    return {name: encode(value) for name, value in parts.items()}
