"""Manifests as a hub publishes them: one small answer in place of a snapshot.

Reprise hubs read a manifest per commit and serve it. Others answer 404, and some manifests a hub
cannot make as whole as a snapshot would: then nothing is known here, and the code is fetched. What
came is kept beside the snapshots, by commit. It serves to list and explain; `load` reads the code.
"""

import json
import logging
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reprise.base.errors import InvalidFormat
from reprise.base.files import write_bytes
from reprise.base.ids import is_commit
from reprise.hub import api, cache, quick, settings
from reprise.hub.address import Address
from reprise.hub.manifest import Manifest, from_json
from reprise.hub.snapshots import Options, Resolved, resolve

log = logging.getLogger("reprise.hub")

_MAX_ANSWER = 32 << 20  # bytes; 20,000 entry points with long texts
_TIMEOUT = 20  # seconds without a byte; a hub may read an old commit first
_CUT = "incomplete"  # the flag of a manifest that a snapshot may tell more than


@dataclass(frozen=True)
class Published:
    """A manifest and the commit it is of."""

    commit: str
    manifest: Manifest


def can_be(address: Address) -> bool:
    """Tell whether a hub could publish the manifest of this address: not for subfolders."""
    return address.kind == "hub" and bool(address.repo_id.owner) and not address.subfolder


def look_up(address: Address, options: Options) -> tuple[Published | None, Resolved | None]:
    """Return what a hub says of an address, now or earlier; else None and the commit it means.

    Code that is cached already is not asked for again.

    Raises:
        RepriseError: As `reprise.hub.snapshots.resolve`.
    """
    root, is_asked = settings.cache_dir(), False
    if not options.is_offline and not cache.repo_folder(root, address).exists():
        found = ask(address, address.revision, options.token)  # names the commit, too
        if found is not None:
            options.show(address, found.commit)
            return found, None
        is_asked = True
    resolved = resolve(address, options, manifests=True)
    found = None if options.force_reload else kept(address, resolved.commit)
    if found is not None or is_asked or resolved.source is None:
        return found, resolved
    if cache.find(root, address, resolved.commit, weights=False) and not options.force_reload:
        return None, resolved
    return ask(address, resolved.commit, options.token), resolved


def kept(address: Address, commit: str) -> Published | None:
    """Return the manifest that was kept for a commit."""
    try:
        return _read(_place(address, commit).read_bytes(), commit)
    except OSError:
        return None


def ask(address: Address, revision: str | None, token: str | bool | None) -> Published | None:
    """Ask the hub for the manifest of a revision, in one request, and keep it.

    Nothing here is an error: what a hub does not tell in this way, it tells in another.
    """
    where = f"{address.endpoint}/api/{address.repo_type.plural}/{address.repo_id}"
    url = f"{where}/entry-points/{quote(revision or 'HEAD', safe='')}"
    answer = quick.get(url, address.endpoint, token, limit=_MAX_ANSWER)
    data = answer.body if answer is not None else _whole_answer(url, address.endpoint, token)
    found = _read(data, revision) if data is not None else None
    if found is not None and data is not None:
        _keep(_place(address, found.commit), data)
    return found


def _whole_answer(url: str, endpoint: str, token: str | bool | None) -> bytes | None:
    import httpx2

    data = bytearray()
    try:
        with api.session().stream(
            "GET",
            url,
            headers=api.headers_for(endpoint, token),
            timeout=_TIMEOUT,
            follow_redirects=True,
        ) as answer:
            if answer.status_code != HTTPStatus.OK:
                return None
            for block in answer.iter_bytes():
                data += block
                if len(data) > _MAX_ANSWER:
                    return None
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        log.debug("There is no manifest at %s: %s", url, error)
        return None
    return bytes(data)


def _read(data: bytes, revision: str | None) -> Published | None:
    """Read an answer; None when it is not one, or not of the commit that was asked for."""
    try:
        value: Any = json.loads(data)
        found = Published(str(value["sha"]), from_json(value))
    except (ValueError, KeyError, TypeError, RecursionError, InvalidFormat):
        return None
    is_other = is_commit(revision or "") and found.commit != revision
    if is_other or not is_commit(found.commit) or _CUT in found.manifest.flags:
        return None
    return found


def _keep(path: Path, data: bytes) -> None:
    try:
        write_bytes(path, data)
    except OSError as error:  # a shared cache that may only be read
        log.debug("Cannot write to the cache: %s", error)


def _place(address: Address, commit: str) -> Path:
    return cache.repo_folder(settings.cache_dir(), address) / f"{commit}{cache.MANIFEST}"
