"""Which verdicts are to be made again: old ones, those before a new lock, those of bad packages."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version
from sqlalchemy import Connection, and_, delete, func, or_, select

from reprise.base.errors import InvalidInput, NotFound, RepriseError
from reprise.base.ids import RepoType
from reprise.registry import claims, listing, verdicts
from reprise.registry.access import Caller
from reprise.registry.claims import StatedClaim
from reprise.registry.db.batches import batched
from reprise.registry.db.claim_tables import claim, verdict, verifier_key
from reprise.registry.db.leaderboard_tables import rebuild
from reprise.registry.db.schema import entry, git_commit, repo
from reprise.registry.db.upsert import insert
from reprise.registry.verdicts import PostedVerdict

DAY = 86_400_000_000  # microseconds
DAYS = 180  # after which a verdict is old
MAX_LISTED = 1_000
_MAX_TEXT = 300
_BATCH = 500
_LOCKS = ("reprise.lock", "pylock.toml")
_LOCK_FOLDER = ".reprise/locks/"
_MICROS = 1_000_000


class Cause(StrEnum):
    """Why a verdict is to be made again; the first one is the most urgent."""

    REBUILD = "rebuild"  # it ran with a package that was rebuilt since
    NEW_LOCK = "new-lock"  # the repo has another lock since
    OLD = "old"


@dataclass(frozen=True)
class Reason:
    """One reason, in a sentence."""

    cause: Cause
    text: str


@dataclass(frozen=True)
class Due:
    """A claim to verify again: its last verdict, and why."""

    claim: StatedClaim
    last: PostedVerdict
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Rebuild:
    """Versions of a package whose results are to be computed again."""

    id: int
    package: str
    versions: str
    reason: str
    created_at: int


def due(
    conn: Connection, caller: Caller, *, now: int, days: int = DAYS, limit: int = MAX_LISTED
) -> list[Due]:
    """List the claims that are to be verified again, the most urgent first.

    Args:
        conn: An open connection.
        caller: Whoever asks; claims of repos that the caller may not see are left out.
        now: Microseconds since 1970.
        days: From this age on a verdict is old.
        limit: At most so many.
    """
    rebuilt, before = _by_package(rebuilds(conn)), now - days * DAY
    last_at, found = _last_verdicts(conn, caller), []
    for batch in batched(last_at, _BATCH):
        locked_at = _locked_at(conn, batch)
        maybe = [
            it
            for it in batch
            if rebuilt or last_at[it] < before or locked_at.get(it, 0) > last_at[it]
        ]
        stated, posted = claims.by_ids(conn, maybe), verdicts.of_claims(conn, maybe)
        for number in maybe:
            last = next((it for it in posted.get(number, []) if it.counts), None)
            if last is None or number not in stated:
                continue
            reasons = tuple(_reasons(last, locked_at.get(number, 0), rebuilt, before=before))
            found += [Due(stated[number], last, reasons)] if reasons else []
    order = list(Cause)
    found.sort(key=lambda it: (order.index(it.reasons[0].cause), it.last.posted_at, it.claim.id))
    return found[:limit]


def reasons_of(
    conn: Connection, stated: StatedClaim, last: PostedVerdict, *, now: int, days: int = DAYS
) -> tuple[Reason, ...]:
    """Say why one verdict is to be made again; nothing when it is not."""
    locks = _locked_at(conn, [stated.id]).get(stated.id, 0)
    rebuilt = _by_package(rebuilds(conn))
    return tuple(_reasons(last, locks, rebuilt, before=now - days * DAY))


def rebuilds(conn: Connection) -> list[Rebuild]:
    """List the packages that were rebuilt, newest first."""
    rows = conn.execute(select(rebuild).order_by(rebuild.c.id.desc()).limit(MAX_LISTED))
    return [Rebuild(it.id, it.package, it.versions, it.reason, it.created_at) for it in rows]


def add_rebuild(conn: Connection, package: str, versions: str, reason: str, *, now: int) -> Rebuild:
    """Ask for all verdicts again that were made with some versions of a package.

    Args:
        conn: An open transaction.
        package: Its name on the package index.
        versions: Which, as requirements say it: `<2.1.3`.
        reason: For people.
        now: Verdicts that came before this moment are meant.

    Raises:
        InvalidInput: No package name, or no versions.
    """
    try:
        name = canonicalize_name(package, validate=True)
        chosen = SpecifierSet(versions)
    except (InvalidName, InvalidSpecifier) as error:
        raise InvalidInput(
            f"{package[:80]!r} {versions[:80]!r} names no versions of a package: {error}",
            hint='Write them as in requirements: reprise reverify rebuilt numpy "<2.1.3"',
        ) from None
    if not str(chosen):
        raise InvalidInput("Which versions? Give a specifier such as '<2.1.3'.")
    values = {
        "package": str(name), "versions": str(chosen), "reason": reason.strip()[:_MAX_TEXT],
        "created_at": now,
    }  # fmt: skip
    made = conn.execute(insert(conn, rebuild).values(values).returning(rebuild.c.id)).scalar_one()
    return Rebuild(made, str(name), str(chosen), reason.strip()[:_MAX_TEXT], now)


def remove_rebuild(conn: Connection, number: int) -> None:
    """Take back what `add_rebuild` asked for.

    Raises:
        NotFound: There is none by this number.
    """
    if not conn.execute(delete(rebuild).where(rebuild.c.id == number)).rowcount:
        raise NotFound(
            f"There is no rebuild number {number}; reprise reverify rebuilds lists them."
        )


def _last_verdicts(conn: Connection, caller: Caller) -> dict[int, int]:
    """Find when each claim that stands was verified last, the longest ago first."""
    last = func.max(verdict.c.posted_at)
    rows = conn.execute(
        select(claim.c.id, last)
        .join(repo, repo.c.id == claim.c.repo_id)
        .join(verdict, verdict.c.claim_id == claim.c.id)
        .join(verifier_key, verifier_key.c.id == verdict.c.key_id)
        .where(
            claim.c.withdrawn_at.is_(None),
            verifier_key.c.revoked_at.is_(None),
            listing.visible(caller, RepoType.MODEL),
        )
        .group_by(claim.c.id)
        .order_by(last, claim.c.id)
    )
    return {row[0]: row[1] for row in rows}


def _locked_at(conn: Connection, claim_ids: Sequence[int]) -> dict[int, int]:
    """Find when the locks beside claims last changed, microseconds; those without are left out."""
    own = claim.c.name
    beside = or_(entry.c.folder == "", entry.c.folder == _LOCK_FOLDER + own)
    rows = conn.execute(
        select(claim.c.id, func.max(git_commit.c.seconds).label("seconds"))
        .join(entry, entry.c.repo_id == claim.c.repo_id)
        .join(
            git_commit,
            and_(git_commit.c.repo_id == entry.c.repo_id, git_commit.c.oid == entry.c.commit_oid),
        )
        .where(claim.c.id.in_(claim_ids), entry.c.name.in_(_LOCKS), beside)
        .group_by(claim.c.id)
    )
    # Git counts whole seconds: what came in the same one as a verdict came after it, to be safe.
    return {row.id: (row.seconds + 1) * _MICROS for row in rows}


def _reasons(
    last: PostedVerdict, locked_at: int, rebuilt: Mapping[str, Sequence[Rebuild]], *, before: int
) -> Iterator[Reason]:
    for it in _affecting(last, rebuilt) if rebuilt else []:
        because = f": {it.reason}" if it.reason else ""
        yield Reason(Cause.REBUILD, f"made with {it.package} {it.versions}{because}")
    if locked_at > last.posted_at:
        yield Reason(Cause.NEW_LOCK, "the repo has another lock since")
    if last.posted_at < before:
        yield Reason(Cause.OLD, "the last verdict is old")


def _affecting(last: PostedVerdict, rebuilt: Mapping[str, Sequence[Rebuild]]) -> Iterator[Rebuild]:
    """Find rebuilds after a verdict of packages that it was made with."""
    try:
        packages = last.verdict.environment.get("packages")
    except RepriseError:
        return
    for name, version in packages.items() if isinstance(packages, Mapping) else ():
        for it in rebuilt.get(canonicalize_name(str(name)), ()):
            if last.posted_at < it.created_at and _is_among(str(version), it.versions):
                yield it


def _is_among(version: str, versions: str) -> bool:
    try:
        return SpecifierSet(versions).contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False


def _by_package(found: Sequence[Rebuild]) -> dict[str, list[Rebuild]]:
    grouped: dict[str, list[Rebuild]] = {}
    for it in found:
        grouped.setdefault(it.package, []).append(it)
    return grouped
