"""`--lock`: a lock decides which commits, rows and packages a verification is about."""

from dataclasses import replace
from pathlib import Path

from reprise.base.errors import InvalidInput, NotFound
from reprise.base.ids import RepoType
from reprise.formats.claim import Claim
from reprise.formats.reprise_lock import LockedData, LockedModel, RepriseLock
from reprise.hub import locked
from reprise.hub.address import Address
from reprise.hub.snapshots import Options, find_address
from reprise.metrics.catalogue import resolve
from reprise.metrics.fingerprint import definition_hash
from reprise.metrics.loading import find_definition


def pinned(claimed: Claim, path: Path, options: Options) -> Claim:
    """Return a claim with the pins of a lock.

    Args:
        claimed: The claim; what it pins itself must be what the lock has.
        path: The lock, or the folder of it.
        options: Which hub is meant.

    Raises:
        NotFound: The lock does not name the model or the data.
        InvalidInput: Claim and lock pin different things.
    """
    lock = locked.read_lock(path)
    model = _item(lock, claimed.model.repo, LockedModel, options)
    data = _item(lock, claimed.data.repo, LockedData, options, claimed.data.split)
    _metric(claimed, lock)
    _agree("model.commit", claimed.model.commit, model.commit)
    _agree("data.commit", claimed.data.commit, data.commit)
    rows, content = claimed.data.rows, claimed.data.content_sha256
    if isinstance(data, LockedData) and data.split == claimed.data.split:
        _agree("data.content-sha256", content, data.content_sha256)
        rows, content = rows or data.rows, content or data.content_sha256
    return replace(
        claimed,
        model=replace(claimed.model, commit=model.commit),
        data=replace(claimed.data, commit=data.commit, rows=rows, content_sha256=content),
    )


def _item(
    lock: RepriseLock, repo: str, kind: type, options: Options, split: str | None = None
) -> LockedModel | LockedData:
    repo_type = RepoType.DATASET if kind is LockedData else RepoType.MODEL
    address = find_address(repo, replace(options, lock=None, repo_type=repo_type))
    assert isinstance(address, Address)
    found = [item for item in locked.items_of(address, lock) if isinstance(item, kind)]
    if not found:
        raise NotFound(
            f"The lock has code of {repo} and nothing else.", hint=f"reprise lock {repo}"
        )
    same = [item for item in found if getattr(item, "split", None) == split]
    chosen: LockedModel | LockedData = (same or found)[0]  # type: ignore[assignment]
    return chosen


def _agree(pin: str, stated: str | None, held: str | None) -> None:
    if stated is not None and held is not None and stated != held:
        raise InvalidInput(
            f"The claim's {pin} is {stated[:12]}…, and the lock has {held[:12]}….",
            hint="Verify without --lock to hold the claim against its own pins, or lock again what "
            "it names.",
        )


def _metric(claimed: Claim, lock: RepriseLock) -> None:
    """Refuse a metric whose definition is not the locked one."""
    try:
        name = resolve(claimed.metric.id.partition("@")[0]).id
    except NotFound:
        return  # there is no such metric, which is a verdict and no matter of the lock
    for item in lock.metric:
        here = find_definition(f"{item.id}@{item.version}") if item.id == name else None
        if here is not None and definition_hash(here) != item.definition:
            raise InvalidInput(
                f"{item.id}@{item.version} is {definition_hash(here)} here, and {item.definition} "
                "was locked.",
                hint="Use the version of Reprise that the lock was made with.",
            )
