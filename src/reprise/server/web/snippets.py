"""How to use a repo: lines to copy, for the tools that can."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reprise.base.ids import RepoType
from reprise.registry.access import Repo
from reprise.server.web import links


@dataclass(frozen=True)
class Snippet:
    """A few lines, and what they are for."""

    title: str
    code: str


def snippets(
    repo: Repo, parts: Mapping[str, Any], entry_points: Sequence[str], host: str
) -> list[Snippet]:
    """List the ways to use a repo, the shortest first.

    Args:
        repo: The repo.
        parts: Properties of its repo info.
        entry_points: Names that `reprise.load` takes.
        host: Base address of this hub.
    """
    name, library = str(repo.repo_id), parts.get("library_name")
    found = []
    if repo.type is RepoType.MODEL and entry_points:
        found.append(_reprise(name, entry_points))
    if repo.type is RepoType.MODEL and library == "transformers":
        found.append(_transformers(name, parts.get("pipeline_tag")))
    if repo.type is RepoType.MODEL and library == "sentence-transformers":
        found.append(_sentence_transformers(name))
    if repo.type is RepoType.DATASET:
        found.append(_datasets(name))
    kind = "" if repo.type is RepoType.MODEL else f" --repo-type {repo.type}"
    if repo.type is not RepoType.METRIC:
        found.append(Snippet("Download everything", f"hf download {name}{kind}"))
    return [*found, Snippet("Clone with git", f"git clone {host}{links.repo_path(repo)}")]


def _reprise(name: str, entry_points: Sequence[str]) -> Snippet:
    lines = f'reprise.list("{name}")\nmodel = reprise.load("{name}", "{entry_points[0]}")'
    return Snippet("Load with reprise", f"import reprise\n\n{lines}")


def _transformers(name: str, task: str | None) -> Snippet:
    known = f'"{task}", ' if task else ""
    return Snippet(
        "Use with transformers",
        f'from transformers import pipeline\n\npipe = pipeline({known}model="{name}")',
    )


def _sentence_transformers(name: str) -> Snippet:
    return Snippet(
        "Use with sentence-transformers",
        "from sentence_transformers import SentenceTransformer\n\n"
        f'model = SentenceTransformer("{name}")\nvectors = model.encode(["A sentence."])',
    )


def _datasets(name: str) -> Snippet:
    return Snippet(
        "Use with datasets",
        f'from datasets import load_dataset\n\ndata = load_dataset("{name}")',
    )
