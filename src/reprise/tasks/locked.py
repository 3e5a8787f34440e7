"""`lock=`: a pipeline's model and tokenizer as a `reprise.lock` has them."""

from os import PathLike, fspath
from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.base.ids import is_commit
from reprise.formats.reprise_lock import LockedModel
from reprise.hub.address import Address
from reprise.hub.locked import items_of, read_lock
from reprise.hub.snapshots import Options, find_address, open_snapshot
from reprise.models.source import Source
from reprise.tasks.parts import Parts


def check_tokenizer(parts: Parts, lock: str | PathLike[str], hub: dict[str, Any]) -> None:
    """Hold a model's own tokenizer against the fingerprint that a lock has of it.

    Raises:
        CorruptContent: It is read otherwise than when it was locked.
    """
    if parts.given_tokenizer is None:
        return
    from reprise.tokenizers.identity import check_fingerprint

    address = find_address(parts.name, Options(endpoint=hub.get("endpoint")))
    assert isinstance(address, Address)
    for item in items_of(address, read_lock(fspath(lock))):
        if isinstance(item, LockedModel):
            found = parts.given_tokenizer.fingerprint()
            check_fingerprint(parts.name, item.tokenizer, found)


def locked_source(
    model: Any, revision: str, lock: str | PathLike[str], hub: dict[str, Any]
) -> tuple[Source, str]:
    """Fetch a repo at the commit of a lock; return its folder, and that commit.

    All of it is fetched and held against the lock, not only what the task needs: a lock that is
    obeyed in part would say less than it seems to.

    Args:
        model: The repo.
        revision: What the caller asked for; a commit must be the locked one.
        lock: The lock, or the folder of it.
        hub: `endpoint`, `token`, `offline`.

    Raises:
        InvalidInput: It is no repo, or another commit was asked for.
        NotFound: The lock does not name it.
        CorruptContent: A file is not what was locked; the message names it.
    """
    if not isinstance(model, str | PathLike):
        raise InvalidInput("A lock pins repos, and this model is loaded.", hint="Leave out lock=.")
    name = fspath(model)
    if Path(name).expanduser().is_dir():
        raise InvalidInput(f"{name} is a folder, and a lock pins repos.", hint="Leave out lock=.")
    asked = f"{name}@{revision}" if is_commit(revision) and "@" not in name else name
    snapshot = open_snapshot(asked, Options(lock=fspath(lock), verbose=False, **hub))
    return Source(snapshot.root, name), snapshot.commit or ""
