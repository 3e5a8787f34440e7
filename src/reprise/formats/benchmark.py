"""Benchmarks: which rows, which protocol and which metric make one comparable number.

    .reprise/benchmark.toml in the repo of a data set, or a file of one's own

A file holds one benchmark, or several as `[[benchmark]]`. `eval.yaml`, where other hubs keep the
tasks of a benchmark, is read as far as it says enough.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reprise.base.errors import InvalidFormat
from reprise.formats import toml_text, yaml_json
from reprise.formats.claim import MetricPin
from reprise.formats.reading import Reader

SCHEMA = 1
PATH = ".reprise/benchmark.toml"
EVAL_YAML = "eval.yaml"
_WHAT = "This benchmark"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MAX_TASKS = 1_000
# What the scorers of eval.yaml are called there -> metric, and what of an answer is compared.
_SCORERS = {"match": "exact_match", "exact": "exact_match", "f1": "squad1"}


@dataclass(frozen=True)
class Source:
    """Which rows.

    Attributes:
        repo: Data set on a hub; None where the rows are files, or those of the benchmark's repo.
        commit: Of the repo.
        path: Files or a folder on this machine, relative to the benchmark's file.
        kind: Of the files where their names do not say it; `squad` for SQuAD's own JSON.
        config: Subset.
        split: Split.
        limit: Only the first so many rows.
        options: For reading the files, as `load_dataset` takes them.
    """

    repo: str | None = None
    commit: str | None = None
    path: str | None = None
    kind: str | None = None
    config: str | None = None
    split: str | None = None
    limit: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Benchmark:
    """A data set, a split, a metric and a protocol.

    Attributes:
        id: Its name, short.
        title: One line for people.
        task: Kind of work.
        evaluator: Name of a built-in evaluator, with or without its version.
        data: Which rows.
        metric: Which number; None for the evaluator's usual one.
        protocol: Arguments of the evaluator.
        batch: Examples in one call; None for the evaluator's own choice.
    """

    id: str
    evaluator: str
    data: Source
    title: str = ""
    task: str | None = None
    metric: MetricPin | None = None
    protocol: Mapping[str, Any] = field(default_factory=dict)
    batch: int | None = None


def read(text: str) -> tuple[Benchmark, ...]:
    """Read a file of benchmarks.

    Raises:
        InvalidFormat: It is none; the message names the key.
    """
    reader = Reader(toml_text.read(text, _WHAT), what=_WHAT)
    if (schema := reader.whole("schema")) != SCHEMA:
        raise reader.wrong("schema", f"is {schema}; this reads schema {SCHEMA}")
    if reader.has("benchmark"):
        found = tuple(_benchmark(item) for item in reader.tables("benchmark"))
        reader.end()
    else:
        found = (_benchmark(reader),)
    names = [item.id for item in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise reader.wrong("benchmark", f"names {twice[0]!r} twice")
    return found


def read_eval_yaml(text: str) -> tuple[Benchmark, ...]:
    """Read the tasks of an `eval.yaml`: each asks a model to write, and compares what it wrote.

    Raises:
        InvalidFormat: It is no such file, or a task needs a scorer that is not known here.
    """
    value = yaml_json.load(text)
    tasks = value.get("tasks") if isinstance(value, dict) else None
    if not isinstance(tasks, list) or len(tasks) > _MAX_TASKS:
        raise InvalidFormat(f"{EVAL_YAML} must have a list of tasks.")
    return tuple(_task(Reader(task, f"tasks[{n}]", EVAL_YAML)) for n, task in enumerate(tasks))


def choose(found: tuple[Benchmark, ...], wanted: str | None, place: str) -> Benchmark:
    """Select a benchmark by its id; None means the only one.

    Raises:
        InvalidFormat: There is none of that name, or there are several.
    """
    chosen = [item for item in found if wanted in {None, item.id}]
    if len(chosen) == 1:
        return chosen[0]
    known = ", ".join(item.id for item in found)
    said = f"no benchmark {wanted!r}" if wanted else "several benchmarks"
    raise InvalidFormat(f"{place} has {said}.", hint=f"Name one behind a #: {known}.")


def of_repo(found: Benchmark, repo: str, commit: str | None) -> Benchmark:
    """Return a benchmark of a data set's repo with that repo as its data, unless it names one."""
    if found.data.repo is not None:
        return found
    if found.data.path is not None:
        raise InvalidFormat(f"{PATH} of {repo} must not name files of this machine: data.path.")
    return replace(found, data=replace(found.data, repo=repo, commit=commit))


def _benchmark(reader: Reader) -> Benchmark:
    found = Benchmark(
        id=_id(reader),
        evaluator=reader.text("evaluator"),
        data=_source(reader.table("data")),
        title=reader.maybe_text("title") or "",
        task=reader.maybe_text("task"),
        metric=_metric(reader.table("metric")) if reader.has("metric") else None,
        protocol=reader.plain("protocol"),
        batch=reader.whole("batch") or None,
    )
    reader.end()
    return found


def _id(reader: Reader) -> str:
    found = reader.text("id")
    if not _ID.fullmatch(found):
        raise reader.wrong("id", "must be letters, digits, '.', '_' and '-'")
    return found


def _source(reader: Reader) -> Source:
    found = Source(
        repo=reader.maybe_text("repo"),
        commit=reader.commit("commit"),
        path=reader.maybe_text("path"),
        kind=reader.maybe_text("kind"),
        config=reader.maybe_text("config"),
        split=reader.maybe_text("split"),
        limit=reader.whole("limit"),
        options=reader.plain("options"),
    )
    if found.repo is not None and found.path is not None:
        raise reader.wrong("path", "and repo are both there; the rows come from one of them")
    reader.end()
    return found


def _metric(reader: Reader) -> MetricPin:
    found = MetricPin(
        id=reader.text("id"), value=reader.maybe_text("value"), args=reader.plain("args")
    )
    reader.end()
    return found


def _task(reader: Reader) -> Benchmark:
    fields = reader.table("field_spec")
    asked, right = fields.maybe_text("input"), fields.maybe_text("target")
    scorers = [item.maybe_text("name") for item in reader.tables("scorers")]
    known = [_SCORERS[name] for name in scorers if name in _SCORERS]
    if not known:
        named = ", ".join(filter(None, scorers)) or "none"
        raise reader.wrong(
            "scorers",
            f"has {named}, and known are {', '.join(_SCORERS)}; a {PATH} beside it can say more",
        )
    protocol = {"prompt": f"{{{asked}}}" if asked else None, "label": right}
    return Benchmark(
        id=_id(reader),
        evaluator="generation",
        data=Source(config=reader.maybe_text("config"), split=reader.maybe_text("split")),
        metric=MetricPin(known[0]),
        protocol={name: value for name, value in protocol.items() if value is not None},
    )
