"""Manifests as the faces need them: from memory, from the database, or read now."""

import json

from sqlalchemy import Connection

from reprise.base.lru import Lru
from reprise.hub.manifest import Manifest, from_json, to_json
from reprise.registry import manifests
from reprise.registry.access import Repo
from reprise.registry.manifests import Sources, sources_of
from reprise.server.calls import Call

__all__ = ["Cache", "known", "new_cache", "read", "sources_of"]

Cache = Lru[tuple[object, ...], bytes]
_CACHE_BYTES = 32 << 20


def new_cache() -> Cache:
    """Make a cache for manifests of commits that are no tip."""
    return Lru(_CACHE_BYTES, len)


def known(call: Call, conn: Connection, repo: Repo, commit: bytes) -> Manifest | None:
    """Return a manifest that was read before, or None: then `sources_of` and `read` make it."""
    kept = _cache(call).get(_key(repo, commit))
    if kept is not None:
        return from_json(json.loads(kept))
    return manifests.stored(conn, repo, commit)


def read(call: Call, repo: Repo, commit: bytes, sources: Sources) -> Manifest:
    """Read a manifest from source files and keep it. Hold no connection meanwhile."""
    manifest = manifests.read(sources)
    _cache(call).put(_key(repo, commit), json.dumps(to_json(manifest)).encode())
    return manifest


def _cache(call: Call) -> Cache:
    cache: Cache = call.request.app.state.manifests
    return cache


def _key(repo: Repo, commit: bytes) -> tuple[object, ...]:
    return repo.id, repo.created_at, commit
