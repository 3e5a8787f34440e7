"""Addresses of pages: built in one place, every part percent-encoded."""

from urllib.parse import quote, urlencode

from reprise.base.ids import RepoType
from reprise.registry.access import Repo


def repo_path(repo: Repo) -> str:
    """The repo's page: `/owner/name`, `/datasets/owner/name`."""
    return f"/{repo.type.url_prefix}{repo.repo_id}"


def at(repo: Repo, view: str, revision: str, path: str = "") -> str:
    """A view of a revision: `/owner/name/blob/main/config.json`."""
    tail = f"/{quote(path)}" if path else ""
    return f"{repo_path(repo)}/{view}/{quote(revision, safe='')}{tail}"


def commit_path(repo: Repo, commit: str) -> str:
    """The page of one commit."""
    return f"{repo_path(repo)}/commit/{commit}"


def account_path(name: str) -> str:
    """The page of a user or an organisation."""
    return f"/{quote(name)}"


def claim_path(digest: str) -> str:
    """The evidence page of a claim."""
    return f"/claims/{digest}"


def board_path(board: str) -> str:
    """The page of a leaderboard."""
    return f"/leaderboards/{board}"


def model_path(name: str) -> str:
    """The page of a model, by the name that a claim has of it."""
    return f"/{quote(name)}"


def data_path(name: str) -> str:
    """The page of a data set, by the name that a claim has of it; nothing for one elsewhere."""
    return "" if ":" in name else f"/datasets/{quote(name)}"


def list_path(repo_type: RepoType, **params: str | list[str] | None) -> str:
    """A list of repos with these conditions; empty ones are left out."""
    kept = {name: value for name, value in params.items() if value}
    query = urlencode(kept, doseq=True)
    return f"/{repo_type.plural}" + (f"?{query}" if query else "")
