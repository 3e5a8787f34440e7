"""The fields of a card's metadata: what each must look like, and what to write instead."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from reprise.base.errors import InvalidId
from reprise.base.ids import RepoId, RepoType
from reprise.formats import trial_plans
from reprise.formats.languages import is_language
from reprise.formats.licenses import LICENSES
from reprise.formats.model_index import model_index_problems
from reprise.formats.tasks import TASKS

# Keys that clients would take for their own: a card must not be able to break its readers.
RESERVED_KEYS = frozenset(
    "self ignore_metadata_errors eval_results get pop to_dict to_yaml".split()
)

SIZE_CATEGORIES = tuple(
    "n<1K 1K<n<10K 10K<n<100K 100K<n<1M 1M<n<10M 10M<n<100M 100M<n<1B 1B<n<10B 10B<n<100B "
    "100B<n<1T n>1T other".split()
)
SPACE_SDKS = ("gradio", "docker", "static", "streamlit")
SPACE_COLORS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
RELATIONS = ("adapter", "merge", "quantized", "finetune")

MAX_TAGS = 500
MAX_TAG = 256  # characters

_BCP47 = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})+")


@dataclass(frozen=True)
class Problem:
    """Something wrong with a card. Errors refuse it; warnings only tell."""

    severity: Literal["error", "warning"]
    message: str
    line: int | None = None


Check = Callable[[str, Any], Iterator[Problem]]


def validate(
    data: Mapping[str, Any], repo_type: RepoType, *, lines: Mapping[str, int] | None = None
) -> list[Problem]:
    """List what is wrong with a card's metadata.

    Args:
        data: JSON values, as `card.parse` returns them.
        repo_type: Some fields mean something on one type only.
        lines: Where each field stands in its file, for the problems' `line`.
    """
    checks = {**_COMMON, **_BY_TYPE.get(repo_type, {})}
    problems: list[Problem] = []
    for key, value in data.items():
        if key in RESERVED_KEYS or key.startswith("__"):
            problems.append(_warning(f'"{key}" is a name that programs keep; it is left out'))
        elif key in checks and value is not None:
            line = (lines or {}).get(key)
            problems += [replace(found, line=line) for found in checks[key](key, value)]
    return problems + list(_license_details(data))


def _error(message: str) -> Problem:
    return Problem("error", message)


def _warning(message: str) -> Problem:
    return Problem("warning", message)


def _texts(key: str, value: Any) -> tuple[list[str], list[Problem]]:
    """Split a value that is one text or a list of texts into those and complaints."""
    items = value if isinstance(value, list) else [value]
    texts = [item for item in items if isinstance(item, str) and item]
    if len(texts) == len(items):
        return texts, []
    return texts, [_error(f'"{key}" must be a string or an array of strings')]


def _text(key: str, value: Any) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield _error(f'"{key}" must be a string (put quotes around it)')


def _text_or_texts(key: str, value: Any) -> Iterator[Problem]:
    yield from _texts(key, value)[1]


def _boolean(key: str, value: Any) -> Iterator[Problem]:
    if not isinstance(value, bool):
        yield _error(f'"{key}" must be true or false')


def _one_of(allowed: tuple[str, ...], severity: Literal["error", "warning"]) -> Check:
    def check(key: str, value: Any) -> Iterator[Problem]:
        texts, problems = _texts(key, value)
        yield from problems
        for text in texts:
            if text not in allowed:
                shown = f'"{key}" must be one of [{", ".join(allowed)}], found {text[:80]!r}'
                yield Problem(severity, shown)

    return check


def _tags(key: str, value: Any) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield _error(f'"{key}" must be an array: write one "- tag" line for each')
        return
    if len(value) > MAX_TAGS:
        yield _error(f'"{key}" has {len(value)} entries; the limit is {MAX_TAGS}')
    for index, tag in enumerate(value[:MAX_TAGS]):
        if not isinstance(tag, str):
            yield _error(f'"{key}[{index}]" must be a string (put quotes around {tag!r:.80})')
        elif not 0 < len(tag) <= MAX_TAG:
            yield _error(f'"{key}[{index}]" must have 1 to {MAX_TAG} characters')


def _license(key: str, value: Any) -> Iterator[Problem]:
    texts, problems = _texts(key, value)
    yield from problems
    for text in texts:
        if text.lower() not in LICENSES:
            yield _error(
                f'"{key}" must be one of [{", ".join(LICENSES)}], found {text[:80]!r}. For any '
                "other licence write 'license: other' with license_name and license_link."
            )


def _license_details(data: Mapping[str, Any]) -> Iterator[Problem]:
    chosen = data.get("license")
    if chosen in ("other", ["other"]) and not data.get("license_name"):
        yield _warning('"license: other" needs "license_name", and "license_link" to its text')


def _language(key: str, value: Any) -> Iterator[Problem]:
    texts, problems = _texts(key, value)
    yield from problems
    for text in texts:
        if is_language(text):
            continue
        shown = (
            f'"{key}" with value "{text[:80]}" is not valid. It must be an ISO 639-1, 639-2 or '
            '639-3 code (two/three letters), or a special value like "code", "multilingual".'
        )
        if _BCP47.fullmatch(text):
            yield _warning(f'{shown} Write BCP-47 identifiers in "language_bcp47".')
        else:
            yield _error(shown)


def _task(key: str, value: Any) -> Iterator[Problem]:
    yield from _text(key, value)
    if isinstance(value, str) and value not in TASKS:
        yield _warning(f'"{key}" {value[:80]!r} is no known task; see /api/tasks for the list')


def _task_categories(key: str, value: Any) -> Iterator[Problem]:
    texts, problems = _texts(key, value)
    yield from problems
    for text in texts:
        if text not in TASKS:
            known = ", ".join(TASKS)
            yield _warning(f'The {key} "{text[:80]}" is not in the official list: {known}')


def _repo_ids(key: str, value: Any) -> Iterator[Problem]:
    texts, problems = _texts(key, value)
    yield from problems
    for text in texts:
        try:
            RepoId.parse(text)
        except InvalidId:
            yield _warning(f'"{key}" with value "{text[:120]}" is not a repo id like owner/name')


def _base_model(key: str, value: Any) -> Iterator[Problem]:
    for problem in _repo_ids(key, value):
        yield replace(problem, severity="error")


def _requirements(key: str, value: Any) -> Iterator[Problem]:
    from packaging.requirements import InvalidRequirement, Requirement

    texts, problems = _texts(key, value)
    yield from (replace(problem, severity="warning") for problem in problems)
    for text in texts:
        try:
            Requirement(text)
        except InvalidRequirement:
            yield _warning(f'"{key}" with value "{text[:120]}" is no requirement like numpy>=1.26')


def _plans(_key: str, value: Any) -> Iterator[Problem]:
    yield from map(_warning, trial_plans.problems(value))


def _configs(key: str, value: Any) -> Iterator[Problem]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        yield _error(f'"{key}" must be an array of mappings with config_name and data_files')
        return
    seen: set[str] = set()
    for index, config in enumerate(value):
        name = config.get("config_name", "default")
        if not isinstance(name, str) or not name:
            yield _error(f'"{key}[{index}].config_name" must be a string (put quotes around it)')
        elif name in seen:
            yield _error(f'"{key}[{index}].config_name" {name[:80]!r} occurs twice')
        else:
            seen.add(name)
        if not _are_data_files(config.get("data_files", [])):
            yield _error(
                f'"{key}[{index}].data_files" must be a path, an array of paths, or an array of '
                "mappings with split and path"
            )


def _are_data_files(value: Any) -> bool:
    if isinstance(value, dict):  # older cards: {train: path or paths}
        return all(_are_paths(paths) for paths in value.values())
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return all(
            isinstance(item, dict)
            and isinstance(item.get("split"), str)
            and _are_paths(item.get("path"))
            for item in value
        )
    return _are_paths(value)


def _are_paths(value: Any) -> bool:
    items = value if isinstance(value, list) else [value]
    return all(isinstance(item, str) for item in items)


def _dataset_info(key: str, value: Any) -> Iterator[Problem]:
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, dict) for item in items):
        yield _error(f'"{key}" must be a mapping or an array of mappings')


def _model_index(key: str, value: Any) -> Iterator[Problem]:
    for message in model_index_problems(value):
        yield _error(f'"{key}{message}')


_COMMON: dict[str, Check] = {
    "license": _license,
    "license_name": _text,
    "license_link": _text,
    "language": _language,
    "language_bcp47": _text_or_texts,
    "tags": _tags,
    "thumbnail": _text,
    "pretty_name": _text,
    "extra_gated_prompt": _text,
}
_BY_TYPE: dict[RepoType, dict[str, Check]] = {
    RepoType.MODEL: {
        "pipeline_tag": _task,
        "library_name": _text,
        "datasets": _repo_ids,
        "metrics": _text_or_texts,
        "base_model": _base_model,
        "base_model_relation": _one_of(RELATIONS, "error"),
        "new_version": _base_model,
        "model-index": _model_index,
        "model_name": _text,
        "requirements": _requirements,
        "checks": _plans,
    },
    RepoType.DATASET: {
        "task_categories": _task_categories,
        "task_ids": _text_or_texts,
        "size_categories": _one_of(SIZE_CATEGORIES, "warning"),
        "annotations_creators": _text_or_texts,
        "language_creators": _text_or_texts,
        "multilinguality": _text_or_texts,
        "source_datasets": _text_or_texts,
        "configs": _configs,
        "dataset_info": _dataset_info,
        "viewer": _boolean,
    },
    RepoType.SPACE: {
        "title": _text,
        "sdk": _one_of(SPACE_SDKS, "error"),
        "colorFrom": _one_of(SPACE_COLORS, "error"),
        "colorTo": _one_of(SPACE_COLORS, "error"),
        "app_file": _text,
        "pinned": _boolean,
        "models": _repo_ids,
        "datasets": _repo_ids,
    },
    RepoType.METRIC: {"title": _text, "datasets": _repo_ids},
}
