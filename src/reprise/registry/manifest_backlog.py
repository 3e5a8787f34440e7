"""Repos whose manifest nobody read yet: those that are older than manifests, or than their form."""

from sqlalchemy import ColumnElement, Connection, and_, literal, select, true

from reprise.base.ids import RepoType
from reprise.hub.manifest.encoding import VERSION
from reprise.registry.db.schema import entry, git_ref, manifest, manifest_due, repo
from reprise.registry.db.upsert import insert
from reprise.registry.git.objects import FOLDER, SUBMODULE
from reprise.registry.git.refs import HEADS
from reprise.registry.manifests import HUBCONF

_READABLE = f'{{"version":{VERSION},%'  # how a manifest that this version reads begins


def note(conn: Connection, *, now: int, everything: bool = False) -> int:
    """Note that manifests are due, and return how many were not noted before.

    Due are repos with a `hubconf.py` at the tip of the default branch, and no manifest of that
    commit in the form that this version reads.

    Args:
        conn: Inside a transaction.
        now: Microseconds since 1970, UTC.
        everything: Manifests that are there are read again, too.
    """
    tip = and_(
        git_ref.c.repo_id == repo.c.id,
        git_ref.c.name == literal(HEADS) + repo.c.default_branch,
    )
    hubconf = and_(
        entry.c.repo_id == repo.c.id,
        entry.c.folder == "",
        entry.c.name == HUBCONF,
        entry.c.mode.not_in([FOLDER, SUBMODULE]),
    )
    kept = and_(
        manifest.c.repo_id == repo.c.id,
        manifest.c.commit_oid == git_ref.c.oid,
        manifest.c.body.like(_READABLE),
    )
    wanted: ColumnElement[bool] = true() if everything else manifest.c.repo_id.is_(None)
    found = (
        select(repo.c.id, literal(now))
        .join(git_ref, tip)
        .join(entry, hubconf)
        .outerjoin(manifest, kept)
        .outerjoin(manifest_due, manifest_due.c.repo_id == repo.c.id)
        .where(repo.c.type == RepoType.MODEL.value, manifest_due.c.repo_id.is_(None), wanted)
    )
    rows = insert(conn, manifest_due).from_select(["repo_id", "since"], found)
    noted = rows.on_conflict_do_nothing().returning(manifest_due.c.repo_id)
    return len(conn.execute(noted).all())
