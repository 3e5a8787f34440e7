"""Pull requests: a branch `refs/pr/N` that anybody may propose and a writer may merge."""

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from reprise.base.errors import Forbidden, InvalidInput, NotFound, RevisionNotFound
from reprise.registry import branches, commits, discussions, merging
from reprise.registry.access import Action, Caller, Repo, check, check_speaks
from reprise.registry.commits import Author
from reprise.registry.db.database import lock_repo
from reprise.registry.discussions import MAX_TEXT, MAX_TITLE, Discussion, Status
from reprise.registry.drafts import Draft
from reprise.registry.git import history, refs
from reprise.registry.git.objects import Commit
from reprise.registry.git.store import GitStore
from reprise.registry.registry import Registry

REFS = "refs/pr/"


@dataclass(frozen=True)
class Changes:
    """What a pull request would do: trees to compare, its own commits, paths in conflict."""

    base_tree: bytes
    head_tree: bytes
    commits: list[tuple[bytes, Commit]]  # oldest first
    conflicts: list[str]


def open_with(
    conn: Connection, repo: Repo, revision: str, draft: Draft, *, author: Author
) -> tuple[Discussion, bytes]:
    """Open a pull request that holds one commit; returns it and the commit.

    Args:
        conn: An open write transaction.
        repo: The repo; the caller's right to propose was checked in this transaction.
        revision: The branch that it shall be merged into.
        draft: The commit. Its parent is the one it names, else the tip of the branch.
        author: Who proposes.

    Raises:
        RevisionNotFound: No such branch, or the named parent does not exist.
        InvalidInput, EntryNotFound: As `commits.commit`.
    """
    lock_repo(conn, repo.id)
    target = branches.branch_ref(revision)
    tip = refs.read(conn, repo.id, target)
    if tip is None:
        raise RevisionNotFound(f"Invalid rev id: {revision}")
    parent = draft.header.parent
    base = refs.resolve(conn, repo, parent) if parent is not None else tip
    new = commits.commit_onto(GitStore(conn, repo.id), base, draft, author)
    header = draft.header
    proposal = _proposal(header.summary, header.description, target, author)
    opened = discussions.open_new(conn, repo, proposal)
    refs.move(conn, repo.id, ref_of(opened.num), old=None, new=new)
    return opened, new


def open_empty(
    conn: Connection, repo: Repo, title: str, description: str, *, author: Author
) -> Discussion:
    """Open a pull request to the default branch that holds no commits yet, as a draft."""
    lock_repo(conn, repo.id)
    target = refs.HEADS + repo.default_branch
    tip = refs.resolve(conn, repo, repo.default_branch)
    proposal = _proposal(title, description, target, author)
    opened = discussions.open_new(conn, repo, replace(proposal, status=Status.DRAFT))
    refs.move(conn, repo.id, ref_of(opened.num), old=None, new=tip)
    return opened


def ref_of(num: int) -> str:
    """Return the ref of a pull request."""
    return f"{REFS}{num}"


def find_by_ref(conn: Connection, repo: Repo, ref: str) -> Discussion:
    """Find the pull request behind `refs/pr/N`.

    Raises:
        RevisionNotFound: There is none.
    """
    digits = ref.removeprefix(REFS)
    try:
        if digits.isascii() and digits.isdigit() and len(digits) <= len(str(1 << 31)):
            found = discussions.find(conn, repo, int(digits))
            if found.is_pull_request and ref == ref_of(found.num):
                return found
    except NotFound:
        pass
    raise RevisionNotFound(f"Invalid rev id: {ref}")


def check_may_push(conn: Connection, caller: Caller, repo: Repo, ref: str) -> None:
    """Let a caller commit to a branch, or to a pull request he opened.

    Raises:
        RevisionNotFound: There is no such pull request.
        Forbidden: Neither writer nor author, or the pull request is closed.
    """
    if not ref.startswith(REFS):
        check(caller, Action.WRITE, repo)
        return
    found = find_by_ref(conn, repo, ref)
    check_speaks(caller, repo)
    discussions.check_may_change(caller, repo, found)
    if found.status not in discussions.OPEN:
        raise Forbidden(f"Pull request {found.num} is {found.status}; open a new one.")


def changes(conn: Connection, repo: Repo, found: Discussion) -> Changes | None:
    """Work out what a pull request would do; None when its branches are gone."""
    store = GitStore(conn, repo.id)
    head = refs.read(conn, repo.id, ref_of(found.num))
    target = refs.read(conn, repo.id, found.target_branch or "")
    if found.merge_commit is not None:
        target = store.read_commit(found.merge_commit).parents[0]
    if head is None or target is None:
        return None
    base = merging.merge_base(store, target, head)
    trees = [store.read_commit(oid).tree for oid in (base or target, target, head)]
    conflicts = merging.conflicts(store, trees[0] if base else None, trees[1], trees[2])
    known = history.reachable(history.graph(store), [target])
    own = [oid for oid, _ in history.walk(store, head) if oid not in known]
    return Changes(
        base_tree=trees[0],
        head_tree=trees[2],
        commits=[(oid, store.read_commit(oid)) for oid in reversed(own)],
        conflicts=conflicts,
    )


def merge(
    conn: Connection, registry: Registry, repo: Repo, found: Discussion, *, author: Author
) -> bytes:
    """Merge a pull request into its branch and return the merge commit.

    Raises:
        InvalidInput: It is not open, has nothing to merge, or conflicts with the branch.
    """
    lock_repo(conn, repo.id)
    if not found.is_pull_request or found.status not in discussions.OPEN:
        raise InvalidInput(f"Discussion {found.num} is no open pull request.")
    store = GitStore(conn, repo.id)
    ref = found.target_branch or ""
    head, target = refs.read(conn, repo.id, ref_of(found.num)), refs.read(conn, repo.id, ref)
    if head is None or target is None:
        raise RevisionNotFound(f"The branches of pull request {found.num} are gone.")
    if history.is_ancestor(store, head, target):
        raise InvalidInput(f"Pull request {found.num} has nothing to merge.")
    tree = _merged_tree(store, found, target, head)
    message = f"{found.title} (#{found.num})"
    new = commits.write_commit(store, tree, (target, head), author, message)
    refs.move(conn, repo.id, ref, old=target, new=new)
    branches.moved(conn, registry, repo, ref, old=target, new=new, now=author.now, store=store)
    discussions.note_merge(conn, repo, found.num, new)
    discussions.note_status(conn, repo, found.num, author.account, Status.MERGED, now=author.now)
    return new


def _merged_tree(store: GitStore, found: Discussion, target: bytes, head: bytes) -> bytes:
    base = merging.merge_base(store, target, head)
    base_tree = store.read_commit(base).tree if base is not None else None
    ours, theirs = store.read_commit(target).tree, store.read_commit(head).tree
    merged = merging.merge(store, base_tree, ours, theirs)
    if merged.tree is None:
        raise InvalidInput(
            f"Pull request {found.num} conflicts with {found.target_branch} in: "
            + ", ".join(merged.conflicts[:20])
        )
    return merged.tree


def _proposal(title: str, description: str, target: str, author: Author) -> Discussion:
    return Discussion(
        num=0,
        title=title[:MAX_TITLE],
        description=description[:MAX_TEXT],
        author=author.account.name,
        author_id=author.account.id,
        status=Status.OPEN,
        is_pull_request=True,
        created_at=author.now,
        target_branch=target,
    )
