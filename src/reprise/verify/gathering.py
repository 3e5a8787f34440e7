"""All that a claim is about, fetched and held against its pins: files, rows, metric, lock."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reprise.base.errors import (
    Forbidden,
    InvalidFormat,
    NotFound,
    RepriseError,
    Unauthenticated,
)
from reprise.base.ids import RepoType
from reprise.formats import card, card_claims, claim, reprise_lock, trees
from reprise.formats.card_claims import Claims, Found
from reprise.formats.claim import Claim
from reprise.formats.verdict import Outcome
from reprise.hub import settings
from reprise.hub.address import Address, LocalFolder
from reprise.hub.snapshots import Options, Snapshot, find_address, open_snapshot
from reprise.verify.plan import NoAnswer
from reprise.verify.rows import Rows, read_split

_MAX_FILE = 4 << 20  # bytes of one file of claims
_MAX_FILES = 1_000
LOCKS = ".reprise/locks"


@dataclass(frozen=True)
class Model:
    """A model's repo, with the digest of what it is made of."""

    snapshot: Snapshot
    tree_sha256: str


@dataclass(frozen=True)
class Data:
    """A data set's repo, with the rows that count."""

    commit: str | None
    rows: Rows


def claims_of(snapshot: Snapshot) -> Claims:
    """Read all claims of a repo: its own files, its card, its evaluation results."""
    repo, root = repo_of(snapshot), snapshot.root
    found = Claims()
    for path in _files(root, claim.FOLDER, "*.toml"):
        name = path.relative_to(root).as_posix()
        found += card_claims.from_claim_file(path.read_text("utf-8", "replace"), name)
    data = read_card(root)
    found += card_claims.from_card(data, repo, snapshot.commit)
    for path in _files(root, card_claims.EVAL_RESULTS, "*.yaml"):
        text, name = path.read_text("utf-8", "replace"), path.relative_to(root).as_posix()
        found += card_claims.from_eval_results(text, repo, snapshot.commit, path=name)
    return found


def choose(claims: Claims, wanted: str | None) -> tuple[Found, ...]:
    """Select a claim by its id or by the beginning of its digest; None selects all.

    Raises:
        NotFound: There is none.
    """
    found = tuple(
        it for it in claims.found
        if wanted is None or it.id == wanted or it.claim.digest.startswith(wanted)
    )  # fmt: skip
    if found:
        return found
    known = ", ".join(it.id for it in claims.found)
    problems = "; ".join(claims.problems[:3])
    if wanted is not None and known:
        raise NotFound(f"The repo has no claim {wanted!r}.", hint=f"It has {known}.")
    raise NotFound(
        "The repo claims nothing that could be verified.",
        hint=problems
        or f"Claims stand in {claim.FOLDER}, in the card's model-index, "
        f"or in {card_claims.EVAL_RESULTS}; `reprise claim` writes one.",
    )


def model_of(claimed: Claim, options: Options) -> Model:
    """Fetch the claimed model and hold its files against the claim.

    Raises:
        NoAnswer: It is gone, gated, or not what was claimed.
    """
    snapshot = _open(claimed.model.repo, claimed.model.commit, options, "model")
    tree = trees.digest_of(trees.model_files(trees.files_of(snapshot.root)))
    if claimed.model.tree_sha256 not in {None, tree}:
        raise NoAnswer(
            Outcome.NOT_RUNNABLE,
            f"the model's files at {snapshot.commit} are not those claimed (model.tree-sha256)",
        )
    return Model(snapshot, tree)


def data_of(claimed: Claim, options: Options) -> Data:
    """Fetch the claimed data and hold its rows against the claim.

    Raises:
        NoAnswer: It is gone, gated, not what was claimed, or nobody says which split.
    """
    pin = claimed.data
    if pin.split is None:
        raise NoAnswer(Outcome.UNVERIFIABLE, "the claim does not say which split: data.split")
    snapshot = _open(pin.repo, pin.commit, replace(options, repo_type=RepoType.DATASET), "data")
    try:
        rows = read_split(snapshot.root, pin.split, pin.config)
    except (NotFound, InvalidFormat) as error:
        raise NoAnswer(Outcome.NOT_RUNNABLE, f"the data: {error.message}") from None
    if pin.content_sha256 not in {None, rows.content_sha256}:
        raise NoAnswer(
            Outcome.NOT_RUNNABLE, "the data's rows are not those of the claim (data.content-sha256)"
        )
    if pin.rows not in {None, len(rows)}:
        raise NoAnswer(
            Outcome.NOT_RUNNABLE, f"the data has {len(rows):,} rows, the claim says {pin.rows:,}"
        )
    return Data(snapshot.commit, rows.head(pin.limit))


def packages_of(claimed: Claim, root: Path) -> Path | None:
    """Find the `pylock.toml` of the lock that a claim names, in the model's repo.

    Raises:
        NoAnswer: The repo does not hold the lock, or not the packages that it names.
    """
    if claimed.run.lock is None:
        return None
    for path in [root / reprise_lock.NAME, *sorted(root.glob(f"{LOCKS}/*/{reprise_lock.NAME}"))]:
        found = _lock(path)
        if found is None or found.digest != claimed.run.lock:
            continue
        if found.python is None:
            return None
        packages = path.parent / found.python.lock
        if not packages.is_file() or trees.file_sha256(packages) != found.python.sha256:
            raise NoAnswer(Outcome.NOT_RUNNABLE, f"{packages.name} is not the one that was locked")
        return packages
    raise NoAnswer(
        Outcome.NOT_RUNNABLE, f"the repo does not hold the lock {claimed.run.lock[:12]}… (run.lock)"
    )


def repo_of(snapshot: Snapshot) -> str:
    """Return the id of a snapshot's repo; the name of a folder."""
    address = snapshot.address
    return str(address.repo_id) if isinstance(address, Address) else address.path.name


def read_card(root: Path) -> dict[str, Any]:
    """Return the metadata of a card; nothing where it cannot be read."""
    try:
        return card.parse((root / "README.md").read_text("utf-8", "replace")).data
    except (OSError, InvalidFormat):
        return {}


def _open(repo: str, commit: str | None, options: Options, what: str) -> Snapshot:
    _check_place(repo, options, what)
    address = f"{repo}@{commit}" if commit else repo
    try:
        return open_snapshot(address, options)
    except (Forbidden, Unauthenticated) as error:
        raise NoAnswer(
            Outcome.UNVERIFIABLE, f"the {what} {repo} may not be read: {error.message}"
        ) from None
    except NotFound as error:
        raise NoAnswer(
            Outcome.NOT_RUNNABLE, f"the {what} {repo} is not there: {error.message}"
        ) from None


def _check_place(repo: str, options: Options, what: str) -> None:
    """Refuse what a claim may not make this machine open: folders, and other hosts."""
    found = find_address(repo, options)
    endpoint = (options.endpoint or settings.endpoint()).rstrip("/")
    if isinstance(found, LocalFolder) or found.kind != "hub" or found.endpoint != endpoint:
        raise NoAnswer(
            Outcome.UNVERIFIABLE, f"the {what} {repo} is not on {endpoint}, which alone is asked"
        )


def _files(root: Path, folder: str, pattern: str) -> Iterator[Path]:
    for path in sorted((root / folder).glob(pattern))[:_MAX_FILES]:
        if path.is_file() and path.stat().st_size <= _MAX_FILE:
            yield path


def _lock(path: Path) -> reprise_lock.RepriseLock | None:
    try:
        return reprise_lock.read(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, RepriseError):
        return None
