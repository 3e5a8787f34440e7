"""What a commit says about its repo: metadata, tags, task, library, as listings show them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import dropwhile
from math import isfinite
from typing import Any

import msgspec

from reprise.base.errors import InvalidFormat
from reprise.base.ids import RepoType
from reprise.formats import card as cards
from reprise.formats.card_fields import MAX_TAG, MAX_TAGS, RESERVED_KEYS
from reprise.formats.model_index import model_index_problems
from reprise.formats.papers import papers_of
from reprise.registry.model_kind import (
    Clues,
    architectures_of,
    frameworks,
    library_of,
    model_type_of,
    task_of,
)

_SAFE_DIGITS = 18  # every integer this long fits 64 bits
_NOT_TAG = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_MAX_SUMMARY = 300  # characters
_MAX_PARAGRAPH = 5 * _MAX_SUMMARY
_FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"\s*(#|$)")
_NOT_PROSE = re.compile(r"\s*(<|\||!\[|\[!\[|```|---|>|[-*+] )")
_MARKUP = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|[*`]|(?<!\w)_|_(?!\w)|<[^>]*>")
# Above the limit on a card's own tags: licence, languages and base models come after those.
_MAX_ALL_TAGS = 2 * MAX_TAGS

# Card fields that become tags of the form `field:value`, by repo type.
_MODEL_FIELDS = (("datasets", "dataset"), ("license", "license"))
_DATASET_FIELDS = tuple(
    (name, name)
    for name in (
        "task_categories task_ids annotations_creators language_creators multilinguality "
        "source_datasets language license size_categories".split()
    )
)


@dataclass(frozen=True)
class Files:
    """The parts of a commit that describe it."""

    names: Sequence[str]  # every path
    readme: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Description:
    """The result."""

    card: dict[str, Any]  # card data that no client trips over
    tags: list[str]
    pipeline_tag: str | None = None
    library_name: str | None = None
    summary: str = ""  # the first words of the card


def describe(repo_type: RepoType, files: Files) -> Description:
    """Describe a repo by the files of one commit. A broken card counts as an empty one."""
    try:
        card = cards.parse(files.readme)
    except InvalidFormat:
        card = cards.Card({}, files.readme)
    data = safe_for_clients(card.data)
    if repo_type is not RepoType.MODEL:
        tags = _unique(_plain_tags(repo_type, data, card.body))
        return Description(data, tags, summary=summary(card.body))
    clues = Clues(data, files.config, files.names)
    library = _tag(library_of(clues))
    task = _tag(task_of(clues, library))
    tags = _unique(_model_tags(clues, library, task, card.body))
    return Description(data, tags, task, library, summary(card.body))


def summary(body: str) -> str:
    """Return the first paragraph of prose in a Markdown text, shortened."""
    start = _FENCED.sub("", body[: 10 * _MAX_PARAGRAPH])
    for paragraph in re.split(r"\n\s*\n", start):
        lines = list(dropwhile(_HEADING.match, paragraph[:_MAX_PARAGRAPH].splitlines()))
        if lines and not _NOT_PROSE.match(lines[0]):
            text = _NOT_TAG.sub(" ", _MARKUP.sub(r"\1", "\n".join(lines)))
            return " ".join(text.split())[:_MAX_SUMMARY]
    return ""


def safe_for_clients(data: Mapping[str, Any]) -> dict[str, Any]:
    """Drop what makes clients fail: they pass each key on as an argument and iterate over tags."""
    kept = {
        key: value
        for key, value in data.items()
        if key not in RESERVED_KEYS and not key.startswith("__")
    }
    if "tags" in kept:
        kept["tags"] = _texts(kept["tags"])
    if "model-index" in kept and next(model_index_problems(kept["model-index"]), None):
        del kept["model-index"]
    return kept


def read_json(body: bytes) -> dict[str, Any]:
    """Parse a small JSON object from a repo; anything else counts as empty.

    Python's own additions to JSON are mended, since they occur in real configurations: `NaN` and
    `Infinity` become null, integers beyond 64 bits become floats.
    """
    try:
        value = json.loads(body, parse_constant=lambda _: None, parse_int=_bounded_int)
        msgspec.json.encode(value)  # lone surrogates could not be sent on
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _bounded_int(digits: str) -> int | float | None:
    if len(digits) <= _SAFE_DIGITS:
        return int(digits)
    number = float(digits)
    return number if isfinite(number) else None


def _model_tags(clues: Clues, library: str | None, task: str | None, body: str) -> Iterator[str]:
    data, config = clues.card, clues.config
    yield from (tag for tag in (library,) if tag)
    yield from frameworks(clues.names)
    yield from (tag for tag in (model_type_of(config), task) if tag)
    yield from _texts(data.get("tags"))
    if "model-index" in data:
        yield "model-index"
    if architectures_of(config) and "auto_map" in config:
        yield "custom_code"
    yield from _texts(data.get("language"))
    for key, prefix in _MODEL_FIELDS:
        yield from (f"{prefix}:{value}" for value in _texts(data.get(key)))
    yield from _base_models(clues, library)
    yield from (paper.tag for paper in papers_of(data, body))


def _plain_tags(repo_type: RepoType, data: Mapping[str, Any], body: str) -> Iterator[str]:
    if repo_type is RepoType.DATASET:
        for key, prefix in _DATASET_FIELDS:
            yield from (f"{prefix}:{value}" for value in _texts(data.get(key)))
    else:
        yield from _texts(data.get("sdk"))
        yield from (f"license:{value}" for value in _texts(data.get("license")))
    yield from _texts(data.get("tags"))
    yield from (paper.tag for paper in papers_of(data, body))


def _base_models(clues: Clues, library: str | None) -> Iterator[str]:
    bases = _texts(clues.card.get("base_model"))
    relation = clues.card.get("base_model_relation")
    if not isinstance(relation, str) or not relation:
        relation = _relation(clues, library, len(bases))
    for base in bases:
        yield f"base_model:{base}"
        yield f"base_model:{relation}:{base}"


def _relation(clues: Clues, library: str | None, bases: int) -> str:
    if library == "peft" or "adapter_config.json" in clues.names:
        return "adapter"
    if "gguf" in frameworks(clues.names) or "quantization_config" in clues.config:
        return "quantized"
    return "merge" if bases > 1 else "finetune"


def _texts(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str) and item]


def _unique(tags: Iterator[str]) -> list[str]:
    kept = dict.fromkeys(tag for tag in map(_tag, tags) if tag is not None)
    return list(kept)[:_MAX_ALL_TAGS]


def _tag(text: str | None) -> str | None:
    """Return what may become a tag, or None."""
    plain = (text or "").strip()
    return plain if 0 < len(plain) <= MAX_TAG and not _NOT_TAG.search(plain) else None
