"""The facts beside a card, each with the list of repos that share it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidId
from reprise.base.ids import RepoId, RepoType
from reprise.formats.languages import language_name
from reprise.formats.tasks import task_label
from reprise.registry.access import Repo
from reprise.server.web import links, wording

_MAX_VALUES = 12
_MAX_SCORES = 60


@dataclass(frozen=True)
class Value:
    """One value, perhaps with a link."""

    text: str
    href: str = ""


@dataclass(frozen=True)
class Fact:
    """A label with its values."""

    label: str
    values: list[Value]


@dataclass(frozen=True)
class Score:
    """One number that the card claims."""

    task: str
    dataset: str
    metric: str
    value: str


@dataclass(frozen=True)
class Facts:
    """What stands beside a card."""

    facts: list[Fact]
    scores: list[Score]


def card_facts(repo: Repo, parts: Mapping[str, Any]) -> Facts:
    """Collect the facts of a commit; `parts` are properties of its repo info."""
    found = [Fact(label, values[:_MAX_VALUES]) for label, values in _facts(repo, parts) if values]
    return Facts(found, list(_scores(parts.get("model-index")))[:_MAX_SCORES])


def _facts(repo: Repo, parts: Mapping[str, Any]) -> Iterator[tuple[str, list[Value]]]:
    card = parts.get("cardData", {})
    kind, model = repo.type, repo.type is RepoType.MODEL

    def tag(value: str, prefix: str = "", text: str = "") -> Value:
        return Value(text or value, links.list_path(kind, filter=prefix + value))

    tasks = [parts["pipeline_tag"]] if "pipeline_tag" in parts else []
    tasks += _texts(card.get("task_categories"))
    prefix = "" if model else "task_categories:"
    yield "Task", [tag(it, prefix, task_label(it)) for it in tasks]
    if "library_name" in parts:
        yield "Library", [tag(parts["library_name"])]
    if "safetensors" in parts:
        yield "Parameters", [Value(_parameters(parts["safetensors"]))]
    spoken = "" if model else "language:"
    languages = _texts(card.get("language"))
    yield "Language", [tag(it, spoken, language_name(it)) for it in languages]
    yield "Licence", list(_licences(repo, card))
    yield "Base model", [_repo_link(RepoType.MODEL, it) for it in _texts(card.get("base_model"))]
    yield "Trained on", [_repo_link(RepoType.DATASET, it) for it in _texts(card.get("datasets"))]
    yield "Rows", [tag(it, "size_categories:") for it in _texts(card.get("size_categories"))]
    yield "Size of files", [Value(wording.file_size(parts.get("usedStorage", 0)))]


def _licences(repo: Repo, card: Mapping[str, Any]) -> Iterator[Value]:
    for licence in _texts(card.get("license")):
        name = card.get("license_name") if licence == "other" else None
        text = name if isinstance(name, str) else licence
        yield Value(text, links.list_path(repo.type, filter=f"license:{licence}"))


def _parameters(safetensors: Mapping[str, Any]) -> str:
    kinds = " · ".join(sorted(safetensors["parameters"]))
    return f"{wording.short_count(safetensors['total'])} ({kinds})"


def _repo_link(repo_type: RepoType, text: str) -> Value:
    try:
        repo_id = RepoId.parse(text)
    except InvalidId:
        return Value(text)
    return Value(text, f"/{repo_type.url_prefix}{repo_id}")


def _scores(index: Any) -> Iterator[Score]:
    for result in (it for model in index or [] for it in model["results"]):
        dataset = result["dataset"]
        split = dataset.get("split")
        where = f"{dataset['type']} ({split})" if isinstance(split, str) else dataset["type"]
        for metric in result["metrics"]:
            name = metric.get("name") or metric["type"]
            yield Score(task_label(result["task"]["type"]), where, str(name), _number(metric))


def _number(metric: Mapping[str, Any]) -> str:
    value = metric["value"]
    return f"{value:.4g}" if isinstance(value, int | float) else str(value)[:80]


def _texts(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str) and item]
