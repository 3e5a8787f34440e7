"""Metrics that others publish: `metric.json` or `metric.yaml` in a repo of type metric.

A file composes built-in metrics, pinned to versions:

    {"schema": 1, "summary": "Accuracy and macro F1 over three classes",
     "metrics": [{"metric": "accuracy@1.0"},
                 {"metric": "f1@1.0", "options": {"average": "macro", "labels": [0, 1, 2]},
                  "names": {"f1": "macro_f1"}}],
     "mean": ["accuracy", "macro_f1"]}

or says how the statistics that the repo's own code returns become numbers:

    {"schema": 1, "summary": "Share of letters in place", "unit": "fraction",
     "statistics": ["hits", "letters"], "values": {"placed": {"ratio": ["hits", "letters"]}}}

Nothing in it runs. The code, a function `score(predictions, references)` in `hubconf.py`, returns
one row of statistics per example; see `reprise.metrics.repos` for when it may.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidFormat, RepriseError
from reprise.metrics.options import resolve

FILES = ("metric.json", "metric.yaml", "metric.yml")
_SCHEMA = 1
_MAX_BYTES = 1 << 16
_MOST = 32  # parts, values, names: more is no honest metric
_UNITS = ("fraction", "percent", "raw")
_KEYS = frozenset(
    "schema summary metrics mean score statistics values unit higher_is_better".split()
)


@dataclass(frozen=True)
class PartOf:
    """A built-in metric as a part of another.

    Attributes:
        metric: `id@MAJOR.MINOR`.
        options: Its options, complete.
        names: Its name of a value -> what the whole calls it.
    """

    metric: str
    options: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Declaration:
    """What a metric file says.

    Attributes:
        summary: One line.
        parts: Built-in metrics that it composes; empty when it has code.
        mean: Values whose mean is the value `mean`; empty for none.
        statistics: Names of what the code returns per example.
        values: Name -> ("mean", statistic) or ("ratio", statistic, statistic).
        main: The value that stands for it.
        unit: Of all values, for metrics with code.
        higher_is_better: False for errors.
    """

    summary: str
    parts: tuple[PartOf, ...] = ()
    mean: tuple[str, ...] = ()
    statistics: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    main: str = ""
    unit: str = "fraction"
    higher_is_better: bool = True

    @property
    def has_code(self) -> bool:
        """Whether the repo's code scores the examples."""
        return not self.parts


def read_file(folder: Path) -> Declaration:
    """Read the metric file of a folder.

    Raises:
        InvalidFormat: There is none, several, or it does not follow the format.
    """
    found = [folder / name for name in FILES if (folder / name).is_file()]
    if len(found) != 1:
        raise InvalidFormat(
            f"A metric repo has one of {', '.join(FILES)}; this one has "
            f"{', '.join(path.name for path in found) or 'none'}."
        )
    path = found[0]
    if path.stat().st_size > _MAX_BYTES:
        raise InvalidFormat(f"{path.name} is larger than {_MAX_BYTES >> 10} kB.")
    try:
        return parse(_load(path))
    except RepriseError as error:
        raise InvalidFormat(f"{path.name}: {error.message}", hint=error.hint) from None
    except (ValueError, RecursionError) as error:
        raise InvalidFormat(f"{path.name} cannot be read: {error}") from None


def _load(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return json.loads(text)
    from reprise.formats.yaml_json import load

    return load(text)


def parse(value: Any) -> Declaration:
    """Check a metric file's content.

    Raises:
        InvalidFormat: It does not follow the format; the message says where.
    """
    if not isinstance(value, dict) or value.get("schema") != _SCHEMA:
        raise InvalidFormat(f'expected an object with "schema": {_SCHEMA}.')
    if unknown := sorted(map(str, value.keys() - _KEYS)):
        raise InvalidFormat(f"unknown key {unknown[0]!r}; known are {', '.join(sorted(_KEYS))}.")
    summary = _text(value.get("summary"), "summary")
    if "metrics" in value:
        return _composed(value, summary)
    return _scored_by_code(value, summary)


def _composed(value: dict[str, Any], summary: str) -> Declaration:
    parts = tuple(_part(item, index) for index, item in enumerate(_list(value, "metrics")))
    if wrong := sorted(value.keys() & {"statistics", "values", "unit", "higher_is_better"}):
        raise InvalidFormat(f'"{wrong[0]}" is for metrics with code; here the parts decide it.')
    mean = tuple(_text(item, "mean") for item in _list(value, "mean")) if "mean" in value else ()
    main = _text(value["score"], "score") if "score" in value else ""
    return Declaration(summary, parts, mean, main=main)


def _part(item: Any, index: int) -> PartOf:
    from reprise.metrics.catalogue import load
    from reprise.metrics.catalogue import resolve as named

    place = f'"metrics"[{index}]'
    if not isinstance(item, dict) or item.keys() - {"metric", "options", "names"}:
        raise InvalidFormat(f"{place} must be an object of metric, options and names.")
    text = _text(item.get("metric"), f"{place}.metric")
    if "@" not in text:
        raise InvalidFormat(f"{place}.metric must name a version: {text}@1.0.")
    name = named(text)
    definition = load(name.id, str(name.version))
    options, names = item.get("options", {}), item.get("names", {})
    if not isinstance(options, dict) or not isinstance(names, dict):
        raise InvalidFormat(f"{place}.options and .names must be objects.")
    plain = {_text(k, f"{place}.names"): _text(v, f"{place}.names") for k, v in names.items()}
    return PartOf(definition.name, resolve(definition.options, options, definition.name), plain)


def _scored_by_code(value: dict[str, Any], summary: str) -> Declaration:
    if "mean" in value:
        raise InvalidFormat('"mean" is for metrics that compose others.')
    statistics = tuple(_text(item, "statistics") for item in _list(value, "statistics"))
    if len(set(statistics)) != len(statistics):
        raise InvalidFormat('"statistics" names one twice.')
    values = value.get("values")
    if not isinstance(values, dict) or not 0 < len(values) <= _MOST:
        raise InvalidFormat('"values" must be an object of 1 to 32 values.')
    made = {_text(k, "values"): _formula(k, rule, statistics) for k, rule in values.items()}
    main = _text(value.get("score", next(iter(made))), "score")
    unit, better = value.get("unit", "fraction"), value.get("higher_is_better", True)
    if unit not in _UNITS or not isinstance(better, bool) or main not in made:
        raise InvalidFormat(
            f'"unit" is one of {", ".join(_UNITS)}, "higher_is_better" true or false, '
            '"score" one of the values.'
        )
    return Declaration(
        summary,
        statistics=statistics,
        values=made,
        main=main,
        unit=unit,
        higher_is_better=better,
    )


def _formula(name: str, rule: Any, statistics: tuple[str, ...]) -> tuple[str, ...]:
    match rule:
        case {"mean": str(column), **rest} if not rest:
            used: tuple[str, ...] = ("mean", column)
        case {"ratio": [str(above), str(below)], **rest} if not rest:
            used = ("ratio", above, below)
        case _:
            raise InvalidFormat(
                f'"values".{name} must be {{"mean": statistic}} or {{"ratio": [above, below]}}.'
            )
    if unknown := [column for column in used[1:] if column not in statistics]:
        raise InvalidFormat(f'"values".{name} uses {unknown[0]!r}, which is no statistic.')
    return used


def _list(value: dict[str, Any], key: str) -> list[Any]:
    found = value.get(key)
    if not isinstance(found, list) or not 0 < len(found) <= _MOST:
        raise InvalidFormat(f'"{key}" must be a list of 1 to {_MOST} items.')
    return found


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > 200:  # noqa: PLR2004
        raise InvalidFormat(f'"{place}" must be a text of 1 to 200 characters.')
    return value
