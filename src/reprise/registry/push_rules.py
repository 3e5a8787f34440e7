"""What a push may not do: rules about refs, large blobs, LFS pointers and cards."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select

from reprise.base.errors import Forbidden, InvalidInput, NotFound, StaleParent
from reprise.formats import card
from reprise.formats.lfs_pointer import Pointer
from reprise.registry.access import Repo
from reprise.registry.db.batches import batched
from reprise.registry.db.schema import repo_file, stored_file
from reprise.registry.git import refs, trees
from reprise.registry.git.advertise import PULL_REQUESTS
from reprise.registry.git.history import is_ancestor
from reprise.registry.git.objects import Kind, TreeEntry
from reprise.registry.git.push_request import Command
from reprise.registry.git.refs import HEADS, TAGS, Ref
from reprise.registry.git.store import BATCH, GitStore
from reprise.registry.git.unpack import Findings

CARD = "README.md"
_SHOWN = 10  # offending files listed in one refusal
_MIB = 1 << 20


# -- rules about refs -----------------------------------------------------------------------


def check_command(store: GitStore, repo: Repo, command: Command) -> None:
    """Let a ref move, or say why not. The objects are stored already.

    Raises:
        Forbidden: The ref is not the pusher's to move this way.
        InvalidInput: The new tip is not fit for this ref.
        StaleParent: The branch has commits the pusher lacks.
    """
    _check_namespace(command.ref)
    if command.new is None:
        _check_deletion(store, repo, command)
        return
    _check_target(store, command)
    if command.old is not None:
        _check_move(store, repo, command)
    if command.ref.startswith(HEADS):
        _check_tip(store, repo, command.old, command.new)


def _check_namespace(ref: str) -> None:
    if ref.startswith(PULL_REQUESTS):
        raise Forbidden(
            "Pull requests are written by the hub: push a branch, or use the web page or the API."
        )
    if not ref.startswith((HEADS, TAGS)):
        raise Forbidden("Only branches (refs/heads/…) and tags (refs/tags/…) can be pushed.")
    refs.check_ref_name(ref)


def _check_deletion(store: GitStore, repo: Repo, command: Command) -> None:
    if command.ref == HEADS + repo.default_branch:
        raise Forbidden(f"Cannot delete {command.ref}: it is the default branch.")
    if _is_protected(store, repo, command.ref):
        raise Forbidden(f"Cannot delete {command.ref}: it is protected.")


def _check_target(store: GitStore, command: Command) -> None:
    assert command.new is not None
    try:
        kind, _ = refs.peel(store, command.new)
    except NotFound:
        raise InvalidInput(f"The push lacks {command.new.hex()}, its own new tip.") from None
    direct = store.heads([command.new])[command.new].kind
    if kind is not Kind.COMMIT or (command.ref.startswith(HEADS) and direct is not Kind.COMMIT):
        raise InvalidInput(f"{command.ref} must point at a commit, not at a {direct.name.lower()}.")


def _check_move(store: GitStore, repo: Repo, command: Command) -> None:
    assert command.old is not None
    assert command.new is not None
    if refs.read(store.conn, repo.id, command.ref) != command.old:
        raise StaleParent("fetch first: the ref was moved by somebody else")
    if not _is_protected(store, repo, command.ref):
        return
    if not is_ancestor(store, command.old, command.new):
        raise Forbidden(
            f"non-fast-forward: {command.ref.removeprefix(HEADS)} is protected, its commits cannot "
            "be dropped. Merge or rebase onto it and push without --force."
        )


def _is_protected(store: GitStore, repo: Repo, ref: str) -> bool:
    """Follow the ref's own setting; without one, the default branch is protected."""
    found: Iterable[Ref] = refs.list_refs(store.conn, repo.id, ref)
    setting = next((it.protected for it in found if it.name == ref), None)
    return setting if setting is not None else ref == HEADS + repo.default_branch


def _check_tip(store: GitStore, repo: Repo, old: bytes | None, new: bytes) -> None:
    """Check the files at a branch's new tip: paths that can be served, a card that can be read."""
    before, after = _trees(store, repo, old, new)
    for path, _, now in trees.diff(store, before, after):
        if now is not None:
            trees.check_served(path)
        if path == CARD and now is not None and not now.is_folder:
            _check_card(store, repo, now)


def _check_card(store: GitStore, repo: Repo, entry: TreeEntry) -> None:
    head = store.heads([entry.oid]).get(entry.oid)
    if head is None:  # over the limit for files; refused with all others of its kind
        return
    text = store.read(entry.oid).body.decode("utf-8", "replace")
    problems = [it.message for it in card.check(text, repo.type) if it.severity == "error"]
    if problems:
        raise InvalidInput(f"{CARD} has a broken metadata header: {'; '.join(problems)}")


def _trees(
    store: GitStore, repo: Repo, old: bytes | None, new: bytes
) -> tuple[bytes | None, bytes]:
    """The trees of a tip and of what it is compared with: a new branch, with the default one."""
    base = old or refs.read(store.conn, repo.id, HEADS + repo.default_branch)
    tree = store.read_commit(base).tree if base is not None else None
    return tree, store.read_commit(new).tree


# -- rules about content --------------------------------------------------------------------


def content_problems(
    store: GitStore, repo: Repo, found: Findings, tips: Sequence[bytes]
) -> list[str]:
    """List what is wrong with the files of a push, as lines for the user; first the summary.

    Args:
        store: The repo's objects, those of the push among them.
        repo: The repo.
        found: What came with the push.
        tips: Where the refs shall point, to find the names of offending files.
    """
    missing = _missing_files(store, found.pointers)
    if not (found.oversized or missing):
        return []
    offending = {*found.oversized, *missing}
    names = _names(store, repo, offending, tips)
    if found.oversized:
        return _oversized_lines(found.oversized, names)
    return _missing_lines(missing, names)


def _oversized_lines(oversized: Mapping[bytes, int], names: Mapping[bytes, str]) -> list[str]:
    listed = [
        f"  {names.get(oid, oid.hex())} ({size / _MIB:.1f} MiB)"
        for oid, size in list(oversized.items())[:_SHOWN]
    ]
    first = next(iter(oversized))
    return [
        f"{names.get(first, first.hex())} is too large for git itself; track it with git lfs",
        f"{len(oversized)} file(s) are over this hub's limit for files outside of git lfs:",
        *listed,
        "Move them, in past commits too, with: git lfs migrate import --include=<file>",
    ]


def _missing_lines(missing: Mapping[bytes, str], names: Mapping[bytes, str]) -> list[str]:
    listed = [
        f"  {names.get(oid, oid.hex())} ({why})" for oid, why in list(missing.items())[:_SHOWN]
    ]
    first = next(iter(missing))
    return [
        f"the content of {names.get(first, first.hex())} was not uploaded to git lfs",
        f"{len(missing)} LFS pointer(s) lead to no file of this repo:",
        *listed,
        "Upload the files with: git lfs push --all <remote>",
    ]


def _missing_files(store: GitStore, pointers: Mapping[bytes, Pointer]) -> dict[bytes, str]:
    """Find pointers to files that nobody uploaded to this repo, or of another size."""
    sizes: dict[bytes, int] = {}
    for batch in batched({pointer.sha256 for pointer in pointers.values()}, BATCH):
        query = (
            select(stored_file.c.sha256, stored_file.c.size)
            .join(repo_file, repo_file.c.sha256 == stored_file.c.sha256)
            .where(
                repo_file.c.repo_id == store.repo_id,
                repo_file.c.sha256.in_([bytes.fromhex(sha256) for sha256 in batch]),
            )
        )
        sizes.update({row.sha256: row.size for row in store.conn.execute(query)})
    problems = {}
    for oid, pointer in pointers.items():
        size = sizes.get(bytes.fromhex(pointer.sha256))
        if size is None:
            problems[oid] = f"sha256 {pointer.sha256[:12]}… is missing"
        elif size != pointer.size:
            problems[oid] = f"the file has {size} bytes, the pointer says {pointer.size}"
    return problems


def _names(
    store: GitStore, repo: Repo, oids: set[bytes], tips: Sequence[bytes]
) -> dict[bytes, str]:
    """Find the paths of blobs, as far as they are still there at one of the new tips."""
    names: dict[bytes, str] = {}
    for tip in tips:
        if oids <= names.keys():
            break
        try:
            kind, commit = refs.peel(store, tip)
        except NotFound:
            continue
        if kind is not Kind.COMMIT:
            continue
        for path, _, now in trees.diff(store, *_trees(store, repo, None, commit)):
            if now is not None and now.oid in oids:
                names[now.oid] = path
    return names
