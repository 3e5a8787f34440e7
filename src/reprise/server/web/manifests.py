"""Manifests of hubconf repos: read from a commit's source files, kept by commit."""

import json
import tempfile
from pathlib import Path

from sqlalchemy import Connection

from reprise.base.errors import InvalidId
from reprise.base.ids import check_path
from reprise.hub.manifest import Manifest, from_json, read_manifest, to_json
from reprise.registry.git import trees
from reprise.registry.git.objects import EXECUTABLE, FILE
from reprise.registry.git.store import GitStore
from reprise.registry.revisions import tree_of
from reprise.server.calls import Call
from reprise.server.web.render import web_of
from reprise.server.web.repo_frame import Frame

_READ = (".py", ".txt", ".toml", ".cfg", ".yml", ".yaml")  # what a manifest is made from
_MAX_NAME = 255  # bytes, of most file systems
_MAX_FILES = 500
_MAX_FILE = 1 << 20  # bytes
_MAX_BYTES = 8 << 20  # of all files together


def known(call: Call, shown: Frame) -> Manifest | None:
    """Return the manifest of the commit in view if it was read before."""
    kept = web_of(call.request).data.get(_key(shown))
    return from_json(json.loads(kept)) if kept is not None else None


def read(call: Call, shown: Frame, sources: dict[str, bytes]) -> Manifest:
    """Read the manifest from source files and keep it. Hold no connection meanwhile."""
    with tempfile.TemporaryDirectory(prefix="reprise-manifest-") as folder:
        root = Path(folder)
        for path, body in sources.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(body)
        manifest = read_manifest(root)
    web_of(call.request).data.put(_key(shown), json.dumps(to_json(manifest)).encode())
    return manifest


def _key(shown: Frame) -> tuple[object, ...]:
    return "manifest", shown.repo.id, shown.repo.created_at, shown.at.commit


def sources_of(conn: Connection, shown: Frame) -> dict[str, bytes]:
    """Read the source files of a commit, within limits; links and odd names are left out."""
    store, tree = GitStore(conn, shown.repo.id), tree_of(conn, shown.repo.id, shown.at.commit)
    assert tree is not None
    chosen = [
        (path, entry.oid)
        for path, entry in trees.list_tree(store, tree, recursive=True)
        if entry.mode in {FILE, EXECUTABLE} and path.endswith(_READ) and _is_plain(path)
    ][:_MAX_FILES]
    sizes = store.sizes({oid for _, oid in chosen})
    found, total = dict[str, bytes](), 0
    for path, oid in chosen:
        size = sizes.get(oid, _MAX_FILE + 1)
        total += size if size <= _MAX_FILE else 0
        if size <= _MAX_FILE and total <= _MAX_BYTES:
            found[path] = store.read(oid).body
    return found


def _is_plain(path: str) -> bool:
    """Tell whether a file system takes a path as it is."""
    try:
        check_path(path)
    except InvalidId:
        return False
    return all(len(part.encode()) <= _MAX_NAME for part in path.split("/"))
