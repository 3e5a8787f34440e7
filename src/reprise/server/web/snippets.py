"""How to use a repo: lines to copy, for the tools that can."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reprise.base.ids import RepoType
from reprise.registry.access import Repo
from reprise.server.web import links


@dataclass(frozen=True)
class Snippet:
    """A few lines, and what they are for."""

    title: str
    language: str
    code: str


def snippets(repo: Repo, parts: Mapping[str, Any], host: str) -> list[Snippet]:
    """List the ways to use a repo, the shortest first.

    Args:
        repo: The repo.
        parts: Properties of its repo info.
        host: Base address of this hub.
    """
    return list(_snippets(repo, parts, host))


def _snippets(repo: Repo, parts: Mapping[str, Any], host: str) -> Iterator[Snippet]:
    name, library = str(repo.repo_id), parts.get("library_name")
    if repo.type is RepoType.MODEL:
        if library == "torch-hub":
            yield _reprise(name, host)
        if library == "transformers":
            yield _transformers(name, parts.get("pipeline_tag"), host)
        if library == "sentence-transformers":
            yield _sentence_transformers(name, host)
    if repo.type is RepoType.DATASET:
        yield _datasets(name, host)
    kind = "" if repo.type is RepoType.MODEL else f" --repo-type {repo.type}"
    if repo.type is not RepoType.METRIC:
        yield Snippet(
            "Download everything",
            "bash",
            f"export HF_ENDPOINT={host}\nhf download {name}{kind}",
        )
    yield Snippet("Clone with git", "bash", f"git clone {host}{links.repo_path(repo)}")


def _reprise(name: str, host: str) -> Snippet:
    return Snippet(
        "Load with reprise",
        "python",
        f'import reprise  # export HF_ENDPOINT={host}\n\nreprise.list("{name}")\n'
        f'model = reprise.load("{name}", "ENTRY_POINT")',
    )


def _transformers(name: str, task: str | None, host: str) -> Snippet:
    known = f'"{task}", ' if task else ""
    return Snippet(
        "Use with transformers",
        "python",
        f"from transformers import pipeline  # export HF_ENDPOINT={host}\n\n"
        f'pipe = pipeline({known}model="{name}")',
    )


def _sentence_transformers(name: str, host: str) -> Snippet:
    return Snippet(
        "Use with sentence-transformers",
        "python",
        "from sentence_transformers import SentenceTransformer"
        f"  # export HF_ENDPOINT={host}\n\n"
        f'model = SentenceTransformer("{name}")\nvectors = model.encode(["A sentence."])',
    )


def _datasets(name: str, host: str) -> Snippet:
    return Snippet(
        "Use with datasets",
        "python",
        f"from datasets import load_dataset  # export HF_ENDPOINT={host}\n\n"
        f'data = load_dataset("{name}")',
    )
