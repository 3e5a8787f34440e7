"""`model-index`: the scores that a model's card reports, task by task."""

from collections.abc import Iterator
from typing import Any

# What readers need: part of a result -> its required keys.
_REQUIRED = {"task": ("type",), "dataset": ("type", "name")}


def model_index_problems(value: Any) -> Iterator[str]:
    """Say what is missing, each message starting at the place: `[0].results[1].task" is required`.

    The rules are those that readers rely on: whoever passes them can be read by every client.
    """
    if not isinstance(value, list):
        yield '" must be an array of models'
        return
    for index, model in enumerate(value):
        yield from _model(f"[{index}]", model)


def _model(place: str, model: Any) -> Iterator[str]:
    if not isinstance(model, dict):
        yield f'{place}" must be a mapping with name and results'
        return
    if not isinstance(model.get("name"), str):
        yield f'{place}.name" is required and must be a string'
    results = model.get("results")
    if not isinstance(results, list):
        yield f'{place}.results" is required and must be an array'
        return
    for index, result in enumerate(results):
        yield from _result(f"{place}.results[{index}]", result)


def _result(place: str, result: Any) -> Iterator[str]:
    if not isinstance(result, dict):
        yield f'{place}" must be a mapping with task, dataset and metrics'
        return
    for part, keys in _REQUIRED.items():
        value = result.get(part)
        if not isinstance(value, dict):
            yield f'{place}.{part}" is required and must be a mapping'
            continue
        for key in keys:
            if not isinstance(value.get(key), str):
                yield f'{place}.{part}.{key}" is required and must be a string'
    yield from _source(place, result.get("source"))
    yield from _metrics(place, result.get("metrics"))


def _source(place: str, source: Any) -> Iterator[str]:
    if source is None:
        return
    if not isinstance(source, dict) or not isinstance(source.get("url"), str):
        yield f'{place}.source.url" is required beside a source and must be a string'


def _metrics(place: str, metrics: Any) -> Iterator[str]:
    if not isinstance(metrics, list):
        yield f'{place}.metrics" is required and must be an array'
        return
    for index, metric in enumerate(metrics):
        if not isinstance(metric, dict) or not isinstance(metric.get("type"), str):
            yield f'{place}.metrics[{index}].type" is required and must be a string'
        elif "value" not in metric:
            yield f'{place}.metrics[{index}].value" is required'
