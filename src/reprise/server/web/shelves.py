"""Lists of repos as pages show them: one line of facts each, filters with counts."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection

from reprise.formats.tasks import TASKS
from reprise.registry import listing, tag_catalogue
from reprise.registry.access import Caller, Repo
from reprise.registry.listing import Page, Query
from reprise.registry.tag_catalogue import GROUPS, TagCount
from reprise.server.web.state import Web

# Repos whose tags are counted for the filters beside a list.
_AMONG = 5000
_FRESH = 30  # seconds for which counts may be old
_SHOWN_TAGS = 4
# Said of nearly every model.
_COMMON = frozenset({"safetensors", "pytorch", "tf", "jax", "model-index"})
# Prefixes of tags that a line leaves out: the page has room for them, a line has not.
_HIDDEN = ("base_model:", "dataset:", "arxiv:", "doi:", "source_datasets:", "task_ids:")


@dataclass(frozen=True)
class Line:
    """One repo in a list."""

    repo: Repo
    task: str
    tags: list[str]


@dataclass(frozen=True)
class Facet:
    """One group of filters."""

    key: str
    title: str
    first: list[TagCount]
    more: list[TagCount]


def lines(page: Page) -> list[Line]:
    """Choose what each line of a list says."""
    return [_line(repo, page.tags.get(repo.id, [])) for repo in page.repos]


def facets(web: Web, conn: Connection, caller: Caller, query: Query, *, first: int) -> list[Facet]:
    """Count the tags beside a list, `first` of each group in sight.

    Counts for anonymous callers are kept for a moment.
    """
    key = ("facets", query, int(time.monotonic() // _FRESH))
    known = web.data.get(key) if caller.account is None else None
    if known is None:
        counts = listing.facet_counts(conn, caller, query, among=_AMONG)
        known = msgspec.json.encode(counts)
        if caller.account is None:
            web.data.put(key, known)
    counts = [(tag, times) for tag, times in msgspec.json.decode(known)]
    groups = tag_catalogue.grouped(query.repo_type, counts)
    titles = dict(GROUPS[query.repo_type])
    found = [_facet(it, titles[it], groups[it], query.tags, first) for it in groups]
    return [facet for facet in found if facet.first]


def _facet(
    key: str, title: str, tags: Sequence[TagCount], chosen: Sequence[str], first: int
) -> Facet:
    kept = [it for it in tags if it.tag not in chosen]
    return Facet(key, title, kept[:first], kept[first : 10 * first])


def _line(repo: Repo, tags: list[str]) -> Line:
    task = repo.pipeline_tag or next((it.partition(":")[2] for it in tags if _is_task(it)), "")
    said = {task, f"task_categories:{task}", repo.library_name or "", *_COMMON}
    shown = [it for it in tags if it not in said and not it.startswith(_HIDDEN)]
    return Line(repo, task if task in TASKS else "", _by_interest(shown)[:_SHOWN_TAGS])


def _is_task(tag: str) -> bool:
    return tag.startswith("task_categories:")


def _by_interest(tags: list[str]) -> list[str]:
    """Put licences, languages and sizes behind what only this repo says about itself."""
    order: dict[str, int] = {"license": 2, "language": 1, "size_categories": 0}
    return sorted(tags, key=lambda tag: order.get(tag.partition(":")[0], 0))
