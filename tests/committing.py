"""Commits for tests: straight into a registry, or as request bodies."""

import base64
import hashlib
import json
from collections.abc import Mapping

import httpx2

from reprise.base.ids import RepoId, RepoType
from reprise.registry import accounts, commits, lfs, repos
from reprise.registry.access import Repo
from reprise.registry.drafts import Drafting
from reprise.registry.registry import Registry


def line(key: str, **value: object) -> bytes:
    """One line of a commit request."""
    return json.dumps({"key": key, "value": value}).encode() + b"\n"


def body(*lines: bytes, summary: str = "Change files", **header: object) -> bytes:
    """A whole commit request."""
    return line("header", summary=summary, **header) + b"".join(lines)


def put(path: str, content: bytes) -> bytes:
    """The line that puts a regular file."""
    return line("file", path=path, content=base64.b64encode(content).decode(), encoding="base64")


def put_large(path: str, content: bytes) -> bytes:
    """The line that refers to a large file."""
    oid = hashlib.sha256(content).hexdigest()
    return line("lfsFile", path=path, algo="sha256", oid=oid, size=len(content))


def store_large(registry: Registry, repo: Repo, content: bytes) -> None:
    """Give a repo a large file, as an uploader would."""
    file = lfs.LargeFile(repo.id, hashlib.sha256(content).hexdigest(), len(content))
    with lfs.receive(registry, len(content)) as incoming:
        incoming.write(content)
        lfs.keep(registry, file, incoming)


def commit(
    registry: Registry,
    repo_id: str,
    files: Mapping[str, bytes] | None = None,
    large: Mapping[str, bytes] | None = None,
    *lines: bytes,
    repo_type: str = "model",
    ref: str = "refs/heads/main",
) -> str:
    """Commit to a repo as its owner, and return the commit's id."""
    parsed = RepoId.parse(repo_id)
    with registry.db.read() as conn:
        repo = repos.lookup(conn, RepoType(repo_type), parsed)
        owner = accounts.find(conn, parsed.owner)
    assert repo is not None
    for content in (large or {}).values():
        store_large(registry, repo, content)
    request = body(
        *(put(path, content) for path, content in (files or {}).items()),
        *(put_large(path, content) for path, content in (large or {}).items()),
        *lines,
    )
    with Drafting(repo.type, registry.limits) as drafting:
        drafting.feed(request)
        draft = drafting.finish()
        with registry.db.write() as conn:
            author = commits.Author(owner, registry.clock())
            return commits.commit(conn, registry, repo, ref, draft, author=author).hex()


def batch(client: httpx2.Client, repo: str, *contents: bytes, operation: str = "upload") -> list:
    """Ask the LFS batch API about some contents; returns its objects."""
    objects = [{"oid": hashlib.sha256(it).hexdigest(), "size": len(it)} for it in contents]
    request = {"operation": operation, "transfers": ["basic"], "objects": objects}
    answer = client.post(f"/{repo}.git/info/lfs/objects/batch", json=request)
    assert answer.status_code == 200, answer.text
    return answer.json()["objects"]


def upload(client: httpx2.Client, repo: str, content: bytes) -> None:
    """Upload a large file through LFS."""
    (found,) = batch(client, repo, content)
    href = found["actions"]["upload"]["href"]
    answer = httpx2.put(href, content=content, timeout=60)
    assert answer.status_code == 200, answer.text
