"""Claims as the hub keeps them: what repos state or once stated. `claim_reading` writes them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from reprise.base.errors import InvalidId, InvalidInput, NotFound
from reprise.base.ids import RepoId, RepoType
from reprise.formats import claim as claims_format
from reprise.formats.claim import Claim
from reprise.registry import access, repos
from reprise.registry.access import Action, Caller, Repo, allowed
from reprise.registry.db.claim_tables import claim
from reprise.registry.db.schema import account
from reprise.registry.db.schema import repo as repo_table

SHORTEST = 8  # hex digits that may stand for a digest
MAX_LISTED = 2_000


@dataclass(frozen=True)
class StatedClaim:
    """A claim and where it stands. Times are microseconds since 1970, UTC.

    Attributes:
        id: Number of the row.
        repo_id: Number of the repo; None when it was deleted.
        repo_type: Its type.
        repo_name: Its name now; the last one when it was deleted.
        hidden: The repo was private when it was deleted.
        commit: That it is about, hex.
        digest: SHA-256 of the canonical JSON, hex.
        name: Among the repo's claims: a file's name, `card-1`, `eval-name-1`.
        source: `claims`, `model-index` or `eval-results`.
        path: File in the repo.
        data_config, data_split, data_revision: None where the claim does not say.
        metric: `squad2@1.0`.
        metric_value: Which of the metric's values; None for the main one.
        signature, unit: Of the value; None where the claim does not say.
        value: As stated: decimal text, the digits count.
        n: Examples, where stated.
        pins: `full` or `partial`.
        body: Canonical JSON of the claim.
        withdrawn_at: When it was gone from the default branch.
    """

    id: int
    repo_id: int | None
    repo_type: RepoType
    repo_name: str
    hidden: bool
    commit: str
    digest: str
    name: str
    source: str
    path: str
    task: str
    data_repo: str
    data_config: str | None
    data_split: str | None
    data_revision: str | None
    metric: str
    metric_value: str | None
    signature: str | None
    unit: str | None
    value: str
    n: int | None
    pins: str
    body: str
    stated_at: int
    withdrawn_at: int | None = None

    @property
    def claim(self) -> Claim:
        """The whole claim."""
        return claims_format.from_dict(json.loads(self.body))


@dataclass(frozen=True)
class Benchmark:
    """Which claims are asked for together; None leaves a part open.

    Attributes:
        data: Id of the data set's repo.
        metric: With its version, `squad2@1.0`, or without: all versions.
    """

    data: str
    config: str | None = None
    split: str | None = None
    metric: str | None = None
    task: str | None = None


def of_repo(conn: Connection, repo_id: int, *, withdrawn: bool = True) -> list[StatedClaim]:
    """List the claims of a repo in their order; withdrawn ones come last.

    Who may see the repo may see these: check that first.
    """
    mine = _ALL.where(claim.c.repo_id == repo_id)
    if not withdrawn:
        mine = mine.where(claim.c.withdrawn_at.is_(None))
    order = (claim.c.withdrawn_at.is_not(None), claim.c.position, claim.c.id)
    return _stated(conn, mine.order_by(*order).limit(MAX_LISTED))


def by_id(conn: Connection, number: int) -> StatedClaim | None:
    """Find a claim by its number, whoever asks."""
    return next(iter(_stated(conn, _ALL.where(claim.c.id == number))), None)


def by_ids(conn: Connection, numbers: Iterable[int]) -> dict[int, StatedClaim]:
    """Find claims by their numbers, whoever asks."""
    wanted = sorted(set(numbers))
    return {it.id: it for it in _stated(conn, _ALL.where(claim.c.id.in_(wanted)))}


def by_digest(conn: Connection, digest: str) -> list[StatedClaim]:
    """Find every claim with a digest, or the beginning of one; those that stand come first.

    Whoever asks: give these to nobody before `visible` said so. `find` does both.

    Raises:
        InvalidInput: That can be no digest, or too little of one.
    """
    wanted = digest.lower()
    if not SHORTEST <= len(wanted) <= 64 or set(wanted) - set("0123456789abcdef"):  # noqa: PLR2004
        raise InvalidInput(
            f"A claim is named by its digest: 64 hex digits, or at least the first {SHORTEST}."
        )
    matches = claim.c.digest.between(wanted, wanted.ljust(64, "f"))
    order = (claim.c.withdrawn_at.is_not(None), claim.c.repo_id.is_(None), claim.c.id)
    return _stated(conn, _ALL.where(matches).order_by(*order).limit(MAX_LISTED))


def find(conn: Connection, caller: Caller, digest: str) -> StatedClaim:
    """Find the claim that a caller means by a digest, or by the beginning of one.

    Raises:
        NotFound: There is none that the caller may see.
        InvalidInput: No digest, or the beginning of several.
    """
    seen = [it for it in by_digest(conn, digest) if visible(conn, caller, it)]
    if not seen:
        raise NotFound(
            f"No claim has the digest {digest[:64]}.",
            hint="A new claim is known shortly after its commit; reprise verify --list shows them.",
        )
    if len({it.digest for it in seen}) > 1:
        raise InvalidInput(
            f"Several claims have digests that begin with {digest}; give more of it."
        )
    return seen[0]


def visible(conn: Connection, caller: Caller, stated: StatedClaim) -> bool:
    """Tell whether a caller may know of a claim: who may see its repo may."""
    if stated.repo_id is None:
        return not stated.hidden
    repo = repos.by_number(conn, stated.repo_id)
    return repo is not None and allowed(caller, repo) is not None


def writable(conn: Connection, caller: Caller, stated: StatedClaim) -> bool:
    """Tell whether a caller is among a claim's authors: who may write to its repo is."""
    repo = repos.by_number(conn, stated.repo_id) if stated.repo_id is not None else None
    if repo is None:
        return False
    level = allowed(caller, repo)
    return level is not None and level >= Action.WRITE


def is_own(conn: Connection, caller: Caller, stated: StatedClaim) -> bool:
    """Tell whether a claim is the caller's own business; whoever else verifies is independent."""
    repo = repos.by_number(conn, stated.repo_id) if stated.repo_id is not None else None
    return repo is not None and access.is_own(caller, repo)


def sees_data(conn: Connection, caller: Caller, stated: StatedClaim) -> bool:
    """Tell whether a caller may read the rows that a claim is about; those elsewhere are public."""
    try:
        data = repos.lookup(conn, RepoType.DATASET, RepoId.parse(stated.data_repo))
    except InvalidId:
        return True
    level = allowed(caller, data) if data is not None else Action.FETCH
    return level is not None and level >= Action.FETCH


def of_benchmark(
    conn: Connection, benchmark: Benchmark, *, limit: int = MAX_LISTED
) -> list[StatedClaim]:
    """List the claims of public repos on a benchmark that stand now, the oldest first."""
    wanted = _ALL.where(
        claim.c.data_key == benchmark.data.lower(),
        claim.c.withdrawn_at.is_(None),
        repo_table.c.private.is_(False),
        repo_table.c.disabled.is_(False),
    )
    for column, value in (
        (claim.c.data_config, benchmark.config),
        (claim.c.data_split, benchmark.split),
        (claim.c.task, benchmark.task),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    if benchmark.metric is not None:
        wanted = wanted.where(_is_metric(benchmark.metric))
    return _stated(conn, wanted.order_by(claim.c.id).limit(limit))


def problems_of(conn: Connection, repo: Repo) -> tuple[str, ...]:
    """Return what could not be read of a repo's claims at the tip, in sentences."""
    query = select(repo_table.c.claim_problems).where(repo_table.c.id == repo.id)
    return tuple(json.loads(conn.execute(query).scalar() or "[]"))


def are_due(conn: Connection, repo: Repo) -> bool:
    """Tell whether a repo's claims are about to be read again."""
    query = select(repo_table.c.claims_due).where(repo_table.c.id == repo.id)
    return bool(conn.execute(query).scalar())


def _is_metric(metric: str) -> Any:
    if "@" in metric:
        return claim.c.metric == metric
    return (claim.c.metric == metric) | claim.c.metric.startswith(f"{metric}@", autoescape=True)


_ALL: Select[Any] = (
    select(
        claim,
        repo_table.c.name.label("name_now"),
        account.c.name.label("owner_now"),
    )
    .outerjoin(repo_table, repo_table.c.id == claim.c.repo_id)
    .outerjoin(account, account.c.id == repo_table.c.owner_id)
)


def _stated(conn: Connection, query: Select[Any]) -> list[StatedClaim]:
    return [_claim(row) for row in conn.execute(query)]


def _claim(row: Row[Any]) -> StatedClaim:
    name = row.repo_name
    if row.name_now is not None:
        name = str(RepoId(row.owner_now, row.name_now))
    return StatedClaim(
        row.id, row.repo_id, RepoType(row.repo_type), name, row.hidden, row.commit_oid.hex(),
        row.digest, row.name, row.source, row.path, row.task, row.data_repo, row.data_config,
        row.data_split, row.data_revision, row.metric, row.metric_value, row.signature, row.unit,
        row.value, row.n, row.pins, row.body, row.stated_at, row.withdrawn_at,
    )  # fmt: skip
