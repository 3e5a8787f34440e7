"""The texts of a repo that state claims: its own files, its card, its evaluation results."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from reprise.base.digests import canonical_json, sha256_hex
from reprise.base.errors import InvalidFormat
from reprise.formats import card, card_claims, claim, trees
from reprise.formats.card_claims import Claims
from reprise.registry.access import Repo
from reprise.registry.cards import MAX_README, README
from reprise.registry.git import entries
from reprise.registry.git.entries import Listed
from reprise.registry.git.store import GitStore

MAX_FILE = 1 << 20  # bytes of one file of claims
_MAX_FILES = 1_000
_ALL = 10_000_000  # more files than any repo has


@dataclass(frozen=True)
class Texts:
    """The files of a commit that claim something, and what all others come to.

    Attributes:
        card: README.md.
        claims: The files of `.reprise/claims`, by path.
        results: The files of `.eval_results`, by path.
        problems: What was not read, in sentences.
        files_digest: Stands for all files that can change a number.
    """

    card: str = ""
    claims: Mapping[str, str] = field(default_factory=dict)
    results: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    files_digest: str = ""


def read(conn: Connection, repo: Repo) -> Texts:
    """Read the files at the tip of the default branch that claim something, within limits."""
    listed = [it for it in entries.list_recursive(conn, repo.id, limit=_ALL) if not it.is_folder]
    wanted = {it.path: it for it in listed if _states(it.path)}
    files = [it for it in listed if not trees.is_words(it.path)]
    problems = [*_unreadable(wanted), *_too_many(wanted)]
    chosen = [it for it in sorted(wanted.values(), key=lambda it: it.path) if _is_readable(it)]
    store = GitStore(conn, repo.id)
    bodies = {it.path: _text(store, it) for it in chosen[:_MAX_FILES]}
    return Texts(
        bodies.get(README, ""),
        {path: text for path, text in bodies.items() if path.startswith(claim.FOLDER)},
        {path: text for path, text in bodies.items() if path.startswith(card_claims.EVAL_RESULTS)},
        tuple(problems),
        _digest_of(files),
    )


def _states(path: str) -> bool:
    """Tell whether a file may state claims."""
    folder, _, name = path.rpartition("/")
    if path == README:
        return True
    return (folder == claim.FOLDER and name.endswith(".toml")) or (
        folder == card_claims.EVAL_RESULTS and name.endswith(".yaml")
    )


def _is_readable(it: Listed) -> bool:
    limit = MAX_README if it.path == README else MAX_FILE
    return it.pointer is None and it.size <= limit


def _unreadable(wanted: dict[str, Listed]) -> Iterator[str]:
    for path, it in sorted(wanted.items()):
        if not _is_readable(it):
            yield f"{path}: is a large file; claims are texts of at most {MAX_FILE >> 20} MiB"


def _too_many(wanted: dict[str, Listed]) -> Iterator[str]:
    if len(wanted) > _MAX_FILES:
        yield f"only the first {_MAX_FILES} of {len(wanted)} files of claims are read"


def _text(store: GitStore, it: Listed) -> str:
    return store.read(it.oid).body.decode("utf-8", "replace")


def _digest_of(files: list[Listed]) -> str:
    """Return what stands for all files that can change a number."""
    return sha256_hex(canonical_json(sorted([it.path, it.oid.hex()] for it in files)))


def claims_in(texts: Texts, repo: Repo, tip: bytes) -> Claims:
    """Read claims in the order in which a verifier reads them. Hold no connection meanwhile."""
    name, commit, found = str(repo.repo_id), tip.hex(), Claims()
    for path, text in texts.claims.items():
        found += card_claims.from_claim_file(text, path)
    found += card_claims.from_card(_card(texts.card), name, commit)
    for path, text in texts.results.items():
        found += card_claims.from_eval_results(text, name, commit, path=path)
    return found


def _card(text: str) -> dict[str, Any]:
    try:
        return card.parse(text).data
    except InvalidFormat:
        return {}
