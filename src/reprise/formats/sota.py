"""Leaderboards in the interchange form of sota-extractor and Papers with Code.

A list of tasks, each with data sets, each with rows: a model's name, a paper, and values by metric.
Nothing in it says how a value was computed, so what is read from it is history and no more.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidFormat
from reprise.formats.urls import web_url

MAX_ROWS = 1_000_000
_MAX_TEXT = 300  # characters of a name
_MAX_DEPTH = 8  # subtasks in subtasks
# Control characters, marks that turn text around, and halves of characters.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?")


@dataclass(frozen=True)
class PastResult:
    """One value that somebody once reported.

    Attributes:
        task: Name of the task: "Question Answering".
        dataset: Name of the data set, as people called it.
        metric: Name of the metric.
        model: Name of the model.
        value: As it was written.
        paper: Title of the paper, or nothing.
        url: Where it stands, or nothing: http and https only.
        date: `2019`, `2019-07` or `2019-07-01`, or nothing.
    """

    task: str
    dataset: str
    metric: str
    model: str
    value: str
    paper: str = ""
    url: str = ""
    date: str = ""

    @property
    def number(self) -> float | None:
        """The value as a number, where it is one; a percent sign is left out."""
        text = self.value.strip().rstrip("%").strip()
        return float(text) if _NUMBER.fullmatch(text) else None


@dataclass(frozen=True)
class Row:
    """One row of a leaderboard to write."""

    model: str
    model_url: str
    value: str
    date: str


@dataclass(frozen=True)
class Table:
    """One leaderboard to write."""

    task: str
    dataset: str
    metric: str
    rows: Sequence[Row]


def read(text: str) -> list[PastResult]:
    """Read a file: a list of tasks, or one task.

    Raises:
        InvalidFormat: It has another form, or more rows than a hub takes.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidFormat(f"This is no JSON: {error}") from None
    tasks = value if isinstance(value, list) else [value]
    if not all(isinstance(task, dict) and "task" in task for task in tasks):
        raise InvalidFormat(
            "This is no leaderboard: it must be a list of tasks, each with 'task' and 'datasets', "
            "as sota-extractor writes it."
        )
    found = []
    for task in tasks:
        for row in _task(task, _MAX_DEPTH):
            found.append(row)
            if len(found) > MAX_ROWS:
                raise InvalidFormat(f"A hub takes at most {MAX_ROWS} values; split the file.")
    return list(dict.fromkeys(found))


def write(tables: Sequence[Table]) -> list[dict[str, Any]]:
    """Return leaderboards as plain data in this form."""
    tasks: dict[str, dict[str, list[Table]]] = {}
    for table in tables:
        tasks.setdefault(table.task, {}).setdefault(table.dataset, []).append(table)
    return [
        {
            "task": task, "description": "", "categories": [], "subtasks": [], "synonyms": [],
            "source_link": None,
            "datasets": [_written(name, group) for name, group in datasets.items()],
        }
        for task, datasets in tasks.items()
    ]  # fmt: skip


def plain_name(value: object) -> str:
    """Return a name that can be shown on one line: no control characters, not too long."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return ""
    return " ".join(_UNSEEN.sub(" ", str(value)).split())[:_MAX_TEXT]


def _task(task: Any, depth: int) -> Iterator[PastResult]:
    if not isinstance(task, dict) or depth == 0:
        return
    name = plain_name(task.get("task"))
    for dataset in _list(task.get("datasets")):
        yield from _dataset(name, dataset, depth - 1)
    for part in _list(task.get("subtasks")):
        yield from _task(part, depth - 1)


def _dataset(task: str, dataset: Any, depth: int) -> Iterator[PastResult]:
    if not isinstance(dataset, dict) or depth == 0:
        return
    name, sota = plain_name(dataset.get("dataset")), dataset.get("sota")
    for row in _list(sota.get("rows")) if isinstance(sota, dict) else []:
        yield from _row(task, name, row)
    for part in _list(dataset.get("subdatasets")):
        yield from _dataset(task, part, depth - 1)


def _row(task: str, dataset: str, row: Any) -> Iterator[PastResult]:
    metrics = row.get("metrics") if isinstance(row, dict) else None
    model = plain_name(row.get("model_name")) if isinstance(metrics, dict) else ""
    if not (task and dataset and model):
        return
    assert isinstance(metrics, dict)
    for metric, value in metrics.items():
        name, text = plain_name(metric), plain_name(value)
        if name and text:
            yield PastResult(task, dataset, name, model, text, *_paper(row))


def _paper(row: Mapping[str, Any]) -> tuple[str, str, str]:
    date = plain_name(row.get("paper_date"))[:10]
    return (
        plain_name(row.get("paper_title")),
        web_url(row.get("paper_url")),
        date if _DATE.fullmatch(date) else "",
    )


def _written(dataset: str, tables: Sequence[Table]) -> dict[str, Any]:
    models: dict[tuple[str, str], dict[str, Any]] = {}
    for table in tables:
        for row in table.rows:
            entry = models.setdefault((row.model, row.model_url), {
                "model_name": row.model, "paper_title": "", "paper_url": "", "code_links": [],
                "paper_date": row.date,
                "model_links": [{"title": row.model, "url": row.model_url}],
                "uses_additional_data": False, "metrics": {},
            })  # fmt: skip
            entry["metrics"][table.metric] = row.value
    return {
        "dataset": dataset, "description": "", "dataset_links": [], "dataset_citations": [],
        "subdatasets": [],
        "sota": {"metrics": [table.metric for table in tables], "rows": list(models.values())},
    }  # fmt: skip


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
