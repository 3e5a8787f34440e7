"""Tags in groups with labels, as filters show them."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from reprise.base.ids import RepoType
from reprise.formats.languages import NAMES, SPECIAL, language_name
from reprise.formats.tasks import TASKS, task_label
from reprise.registry import listing
from reprise.registry.access import Caller
from reprise.registry.listing import Query
from reprise.registry.model_kind import FRAMEWORK_TAGS, LIBRARIES

# Groups in the order filters show them: (key, title).
GROUPS: dict[RepoType, tuple[tuple[str, str], ...]] = {
    RepoType.MODEL: (
        ("pipeline_tag", "Tasks"),
        ("library", "Libraries"),
        ("language", "Languages"),
        ("license", "Licences"),
        ("dataset", "Trained on"),
        ("base_model", "Base models"),
        ("paper", "Papers"),
        ("other", "Other"),
    ),
    RepoType.DATASET: (
        ("task_categories", "Tasks"),
        ("size_categories", "Sizes"),
        ("language", "Languages"),
        ("license", "Licences"),
        ("task_ids", "Detailed tasks"),
        ("multilinguality", "Multilinguality"),
        ("source_datasets", "Sources"),
        ("annotations_creators", "Annotations"),
        ("language_creators", "Language creators"),
        ("paper", "Papers"),
        ("other", "Other"),
    ),
    RepoType.SPACE: (
        ("sdk", "SDK"),
        ("license", "Licences"),
        ("paper", "Papers"),
        ("other", "Other"),
    ),
    RepoType.METRIC: (("license", "Licences"), ("paper", "Papers"), ("other", "Other")),
}
_SDKS = frozenset({"gradio", "docker", "static", "streamlit"})
_PAPERS = {"arxiv": "arXiv", "doi": "DOI"}
_RELATIONS = ("base_model:adapter:", "base_model:finetune:", "base_model:merge:",
              "base_model:quantized:")  # fmt: skip


@dataclass(frozen=True)
class TagCount:
    """A tag, its name for people, and how many repos carry it."""

    tag: str
    label: str
    count: int


def catalogue(
    conn: Connection, caller: Caller, query: Query, *, among: int
) -> dict[str, list[TagCount]]:
    """Group the tags of what a query finds; most frequent first, empty groups left out."""
    counts = listing.facet_counts(conn, caller, query, among=among)
    return grouped(query.repo_type, counts)


def grouped(repo_type: RepoType, counts: Iterable[tuple[str, int]]) -> dict[str, list[TagCount]]:
    """Sort tags into their groups."""
    groups: dict[str, list[TagCount]] = {key: [] for key, _ in GROUPS[repo_type]}
    for tag, count in counts:
        group = group_of(repo_type, tag)
        if group in groups:
            groups[group].append(TagCount(tag, label_of(tag), count))
    return {key: found for key, found in groups.items() if found}


def group_of(repo_type: RepoType, tag: str) -> str:
    """Tell which group a tag belongs to; the empty string means none that is shown."""
    prefix, colon, _ = tag.partition(":")
    if tag.startswith(_RELATIONS):
        return ""
    if prefix in _PAPERS:
        return "paper"
    if colon and prefix in {key for key, _ in GROUPS[repo_type]}:
        return prefix
    if repo_type is RepoType.MODEL:
        return _group_of_model_tag(tag)
    return "sdk" if repo_type is RepoType.SPACE and tag in _SDKS else "other"


def label_of(tag: str) -> str:
    """Return a tag's name for people."""
    prefix, colon, value = tag.partition(":")
    if prefix == "language" or tag in NAMES or tag in SPECIAL:
        return language_name(value or tag)
    if not colon:
        return task_label(tag)
    if prefix in _PAPERS:
        return f"{_PAPERS[prefix]} {value}"
    return task_label(value) if prefix == "task_categories" else value


def _group_of_model_tag(tag: str) -> str:
    if tag in TASKS:
        return "pipeline_tag"
    if tag in LIBRARIES or tag in FRAMEWORK_TAGS:
        return "library"
    return "language" if tag in NAMES or tag in SPECIAL else "other"
