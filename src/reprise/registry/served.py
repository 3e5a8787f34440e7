"""Single files for serving: from a revision and a path to bytes, in one query where possible."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    Connection,
    FromClause,
    Row,
    Select,
    and_,
    bindparam,
    select,
)

from reprise.base.errors import NotFound
from reprise.base.ids import is_commit
from reprise.formats.lfs_pointer import Pointer
from reprise.registry.access import Repo
from reprise.registry.db.prepared import Prepared
from reprise.registry.db.schema import (
    entry,
    git_object,
    git_pointer,
    git_ref,
    repo_file,
    stored_file,
)
from reprise.registry.git import refs, trees
from reprise.registry.git.objects import FOLDER, SUBMODULE
from reprise.registry.git.store import GitStore
from reprise.registry.revisions import Located, locate, tree_of
from reprise.registry.stored import StoredFile


@dataclass(frozen=True)
class File:
    """A file to be served. `oid` names the blob in git, `size` is the blob's, in bytes.

    With a pointer, the content is the large file it stands for; `stored` is None when that was
    never uploaded to this repo.
    """

    path: str
    mode: int
    oid: bytes
    size: int
    pointer: Pointer | None = None
    stored: StoredFile | None = None

    @property
    def real_size(self) -> int:
        """Bytes of the content."""
        return self.pointer.size if self.pointer is not None else self.size


_LARGE = (
    git_pointer.c.sha256,
    git_pointer.c.size.label("large_size"),
    stored_file.c.size.label("stored_size"),
    stored_file.c.whole,
    stored_file.c.xet_hash,
)
_REPO_ID: BindParameter[Any] = bindparam("repo_id")


def _with_large(source: FromClause, oid: Column[Any], *columns: Any) -> Select[*tuple[Any, ...]]:
    """Join a blob with the large file it points at, if the repo may refer to that."""
    pointer = and_(git_pointer.c.repo_id == _REPO_ID, git_pointer.c.oid == oid)
    link = and_(repo_file.c.repo_id == _REPO_ID, repo_file.c.sha256 == git_pointer.c.sha256)
    joined = (
        source.outerjoin(git_pointer, pointer)
        .outerjoin(repo_file, link)
        .outerjoin(stored_file, stored_file.c.sha256 == repo_file.c.sha256)
    )
    return select(*columns, *_LARGE).select_from(joined)


_BLOB = _with_large(
    git_object, git_object.c.oid, git_object.c.oid.label("blob"), git_object.c.size
).where(git_object.c.repo_id == _REPO_ID, git_object.c.oid == bindparam("oid"))

_branch = git_ref.alias("branch")
_AT_TIP = Prepared(
    _with_large(
        git_ref.outerjoin(
            _branch, and_(_branch.c.repo_id == _REPO_ID, _branch.c.name == bindparam("branch"))
        ).outerjoin(
            entry,
            and_(
                entry.c.repo_id == _REPO_ID,
                entry.c.folder == bindparam("folder"),
                entry.c.name == bindparam("name"),
            ),
        ),
        entry.c.oid,
        git_ref.c.oid.label("tip"),
        _branch.c.oid.label("branch"),
        entry.c.mode,
        entry.c.oid.label("blob"),
        entry.c.size,
    ).where(git_ref.c.repo_id == _REPO_ID, git_ref.c.name == bindparam("tip"))
)


def find(conn: Connection, repo: Repo, revision: str, path: str) -> tuple[Located, File | None]:
    """Find a commit and a file in it; None when the commit has no file at that path.

    Raises:
        RevisionNotFound: There is no such revision.
    """
    folder, _, name = path.rpartition("/")
    key = {
        "repo_id": repo.id,
        "tip": refs.HEADS + repo.default_branch,
        "branch": refs.HEADS + revision,
        "folder": folder,
        "name": name,
    }
    row = _AT_TIP.first(conn, **key)
    if row is not None and (
        revision == row.tip.hex() if is_commit(revision) else row.branch == row.tip
    ):
        return Located(row.tip, is_tip=True), _as_file(path, row.mode, row)
    at = locate(conn, repo, revision)
    return at, _find_in_tree(conn, repo, at, path)


def read_blob(conn: Connection, repo: Repo, file: File) -> bytes:
    """Read a file as git itself has it."""
    return GitStore(conn, repo.id).read(file.oid).body


def check_stored(file: File) -> None:
    """Make sure that the content behind a pointer is here.

    Raises:
        NotFound: It is not; clients must not remember that as an absent file.
    """
    if file.pointer is not None and file.stored is None:
        raise NotFound(
            f"{file.path!r} is a pointer to the large file {file.pointer.sha256}, which was never "
            "uploaded to this repo. Push it with git-lfs, or upload it again."
        )


def _find_in_tree(conn: Connection, repo: Repo, at: Located, path: str) -> File | None:
    tree = tree_of(conn, repo.id, at.commit)
    found = trees.find(GitStore(conn, repo.id), tree, path) if tree is not None else None
    if found is None:
        return None
    row = conn.execute(_BLOB, {"repo_id": repo.id, "oid": found.oid}).one_or_none()
    return _as_file(path, found.mode, row) if row is not None else None


def _as_file(path: str, mode: int | None, row: Row[*tuple[Any, ...]]) -> File | None:
    if mode in {None, FOLDER, SUBMODULE}:
        return None
    if row.sha256 is None:
        return File(path, mode, row.blob, row.size)
    pointer = Pointer(row.sha256.hex(), row.large_size)
    stored = None
    if row.stored_size is not None:
        stored = StoredFile(row.sha256, row.stored_size, row.whole, row.xet_hash)
    return File(path, mode, row.blob, row.size, pointer, stored)
