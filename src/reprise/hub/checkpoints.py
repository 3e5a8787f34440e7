"""`download_url_to_file` and `load_state_dict_from_url`: torch.hub's two, with every byte checked.

Weights are kept by digest, see `reprise.hub.checkpoint_store`. A file that torch.hub downloaded is
used when it can be proved to be that of the URL: by the digest in its name, or by the server's.
"""

import hashlib
import logging
import os
import pickle
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from reprise.base.errors import (
    CorruptContent,
    HubUnreachable,
    InvalidFormat,
    InvalidInput,
    OfflineMiss,
    TooManyRequests,
)
from reprise.base.ids import check_path
from reprise.base.optional import require
from reprise.hub import settings
from reprise.hub.checkpoint_store import CheckpointStore, digest
from reprise.hub.legacy_zip import is_legacy_zip, unpacked
from reprise.hub.url_transfer import PATIENCE, check_url, http_client, public_url, receive

log = logging.getLogger("reprise.hub")

_SHORTEST = 8  # hex digits of a digest; fewer prove nothing
_PREFIX = re.compile(rf"[0-9a-f]{{{_SHORTEST},64}}")
_IN_NAME = re.compile(r"-([0-9a-f]*)\.")  # torch.hub's custom: net-1.0-<digits>.pth
_SHA256 = 64  # hex digits


def download_url_to_file(
    url: str, dst: str, hash_prefix: str | None = None, progress: bool = True
) -> None:
    """Download a URL to a file that is whole and checked, or absent.

    Args:
        url: http or https.
        dst: Where to put it; `~` means the home folder.
        hash_prefix: First hex digits of its SHA-256, at least eight.
        progress: Show a bar when somebody is watching.

    Raises:
        CorruptContent: The digest is another.
        InvalidInput: The URL or the prefix is none.
        NotFound, Forbidden, Unauthenticated, TooManyRequests, HubUnreachable: The server says no.
    """
    check_url(url)
    wanted = None if hash_prefix is None else check_prefix(hash_prefix)
    if settings.is_offline():
        raise OfflineMiss(f"Offline: {public_url(url)} cannot be downloaded.")
    target = Path(dst).expanduser()
    if not target.parent.is_dir():
        raise InvalidInput(f"There is no folder {str(target.parent)!r} to put the file into.")
    fetched = (
        target.with_name(f"{target.name}.{os.urandom(8).hex()}.checking") if wanted else target
    )
    try:
        receive(url, fetched, progress=progress)
        if wanted:
            _check(fetched, wanted, url)
            fetched.replace(target)
    finally:
        if wanted:
            fetched.unlink(missing_ok=True)


def load_state_dict_from_url(  # noqa: PLR0913, PLR0917 - torch.hub's arguments
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = True,
) -> Any:
    """Download weights once, verify them and load them with torch.

    Args:
        url: http or https.
        model_dir: Where weights are kept; by default `checkpoints` in `get_dir()`. A folder that is
            named here also shows the file by its name, as torch.hub leaves it.
        map_location: As for `torch.load`.
        progress: Show a bar when somebody is watching.
        check_hash: The file's name ends in `-<digits>.ext`, at least eight digits of its SHA-256,
            which have to match. What is cached is hashed again.
        file_name: Name of the file in `model_dir`, in place of the one in the URL.
        weights_only: False also loads pickles, which run whatever code they hold: only for
            files that you trust.

    Raises:
        CorruptContent: The bytes are not those of the digest.
        InvalidFormat: torch cannot load the file, or only by running code that it holds.
        InvalidInput: The URL is none, or `check_hash` finds no digest in the name.
        MissingExtra: torch is not installed.
        NotFound, Forbidden, Unauthenticated, TooManyRequests, HubUnreachable: The server says no.
    """
    torch = require("torch", extra="torch")
    path = checkpoint(url, model_dir, progress=progress, check_hash=check_hash, file_name=file_name)
    with _readable(path) as file:
        try:
            return torch.load(file, map_location=map_location, weights_only=weights_only)
        except pickle.UnpicklingError as error:
            raise InvalidFormat(
                f"{public_url(url)} holds more than weights, or is no checkpoint: {error}",
                hint="If you trust it to run code here, pass weights_only=False.",
            ) from error


def checkpoint(
    url: str,
    model_dir: str | os.PathLike[str] | None = None,
    *,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
) -> Path:
    """Download weights once and return the verified file, without torch.

    Arguments and errors are those of `load_state_dict_from_url`. The file is read-only.
    """
    key = public_url(check_url(url))
    known_as = _known_as(url, file_name)
    wanted = hash_in_name(known_as) if check_hash else None
    if check_hash and wanted is None:
        raise InvalidInput(
            f"check_hash needs a name such as net-1.0-<digits>.pth, not {known_as!r}.",
            hint=f"The digits are the first {_SHORTEST} or more of the file's SHA-256.",
        )
    folder = Path(model_dir).expanduser() if model_dir else settings.cache_dir() / "checkpoints"
    store = CheckpointStore(folder)
    found = (
        _cached(store, key, wanted)
        or _adopted(store, url, known_as, named=file_name is not None)
        or _fetched(store, url, wanted, progress=progress)
    )
    if model_dir is not None or file_name is not None:
        store.show(found, known_as)  # a script may look for it there, as torch.hub would leave it
    return found


def hash_in_name(name: str) -> str | None:
    """Return the digits of a digest that a file's name ends in, before its extensions.

    Example:
        >>> hash_in_name("net-1.0-f37072fd.pth"), hash_in_name("net-1.0.pth")
        ('f37072fd', None)
    """
    found = [digits for digits in _IN_NAME.findall(name) if _PREFIX.fullmatch(digits)]
    return found[-1] if found else None


def check_prefix(text: str) -> str:
    """Return the beginning of a digest.

    Raises:
        InvalidInput: It is too short to prove anything, or no digest at all.
    """
    if not isinstance(text, str) or not _PREFIX.fullmatch(text.lower()):
        raise InvalidInput(
            f"A hash prefix is {_SHORTEST} to {_SHA256} hex digits of a SHA-256, not {text!r}."
        )
    return text.lower()


def _known_as(url: str, file_name: str | None) -> str:
    if file_name is not None:
        return check_path(file_name)
    return unquote(urlsplit(url).path.rpartition("/")[2])


def _cached(store: CheckpointStore, key: str, wanted: str | None) -> Path | None:
    found = store.find(key, thorough=wanted is not None)
    if found is None or found.name.startswith(wanted or ""):
        return found
    log.warning("The cached file of %s has another digest than %s…; fetching it.", key, wanted)
    return None


def _fetched(store: CheckpointStore, url: str, wanted: str | None, *, progress: bool) -> Path:
    key = public_url(url)
    if settings.is_offline():
        raise OfflineMiss(f"Offline, and {key} is not in {store.folder}.")
    with store.fetching(key) as incoming:
        found = _cached(store, key, wanted)  # another process may just have fetched it
        if found is not None:
            return found
        received = receive(url, incoming, progress=progress)
        try:
            if wanted:
                _check(incoming, wanted, url)
            return store.add(key, incoming, etag=received.etag)
        finally:
            incoming.unlink(missing_ok=True)


def _check(file: Path, wanted: str, url: str) -> None:
    found = digest(file)
    if not found.startswith(wanted):
        raise CorruptContent(
            f"{public_url(url)} is not what its digest says: "
            f"expected {wanted}{'…' if len(wanted) < _SHA256 else ''}, got {found}."
        )


def _adopted(store: CheckpointStore, url: str, known_as: str, *, named: bool) -> Path | None:
    """Use what torch.hub downloaded, if it is the URL's; its name alone proves nothing."""
    file = store.folder / known_as
    if not known_as or not file.is_file():
        return None
    digits = hash_in_name(known_as)
    if not digits and store.keeps(file):
        return None  # another URL's, shown under this name: ours would be in the ledger
    try:
        listed = "" if digits else _listed_digest(url, file)
    except (HubUnreachable, TooManyRequests, OfflineMiss) as error:
        if not named:
            error.hint = f"{file} may be it; pass file_name={known_as!r} if you know that it is."
            raise
        log.warning("%s Using %s, which cannot be verified.", error.message, file)
        return file
    sha256 = digest(file)
    if sha256.startswith(digits) if digits else listed in {sha256, _md5(file)}:
        return store.adopt(public_url(url), file, sha256)
    log.warning("%s is not proved to be that of %s; fetching it.", file, public_url(url))
    return None


def _listed_digest(url: str, file: Path) -> str:
    """Ask the server for the SHA-256 or MD5 of what it has; empty when it does not say."""
    if settings.is_offline():
        raise OfflineMiss(f"Offline, and {public_url(url)} is not in {file.parent}.")
    import httpx2

    try:
        with http_client(PATIENCE) as client:
            answer = client.head(url)
            headers = [one.headers for one in (*answer.history, answer)]
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise HubUnreachable(f"{public_url(url)} cannot be reached: {error}") from error
    if answer.is_server_error:
        raise HubUnreachable(f"{public_url(url)} failed with status {answer.status_code}.")
    if not answer.is_success or answer.headers.get("Content-Length") != str(file.stat().st_size):
        return ""
    listed = [one.get(name, "") for one in headers for name in ("X-Linked-ETag", "ETag")]
    digests = [text.strip('"').lower() for text in listed]
    return next((text for text in digests if re.fullmatch(r"[0-9a-f]{64}|[0-9a-f]{32}", text)), "")


def _md5(file: Path) -> str:
    with file.open("rb") as opened:
        state = hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False))
    return state.hexdigest()


@contextmanager
def _readable(path: Path) -> Iterator[Path]:
    """Give the file that torch can load: the one in it, when it is a legacy archive."""
    if not is_legacy_zip(path):
        yield path
        return
    log.warning("%s is in the format of torch before 1.6; save it again.", path.name)
    with unpacked(path, path.parent if os.access(path.parent, os.W_OK) else None) as inner:
        yield inner
