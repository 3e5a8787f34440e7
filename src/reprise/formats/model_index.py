"""`model-index`: the scores that a model's card reports, task by task."""

from collections.abc import Callable, Iterator, Mapping
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


TokenOf = Callable[[Mapping[str, Any], Mapping[str, Any]], str | None]
_OF_VERIFIERS = ("verified", "verifyToken")


def with_verdicts(value: Any, token_of: TokenOf = lambda *_: None) -> Any:
    """Return a copy in which a score is `verified` where a verdict says so, and nowhere else.

    Args:
        value: A `model-index`; it may have any form.
        token_of: Returns, for a result and one of its metrics, what proves it; None for nothing.
    """
    if not isinstance(value, list):
        return value
    return [_entry_with_verdicts(model, token_of) for model in value]


def _entry_with_verdicts(model: Any, token_of: TokenOf) -> Any:
    results = model.get("results") if isinstance(model, dict) else None
    if not isinstance(results, list):
        return model
    return {**model, "results": [_result_with_verdicts(it, token_of) for it in results]}


def _result_with_verdicts(result: Any, token_of: TokenOf) -> Any:
    metrics = result.get("metrics") if isinstance(result, dict) else None
    if not isinstance(metrics, list):
        return result
    return {**result, "metrics": [_metric_with_verdict(result, it, token_of) for it in metrics]}


def _metric_with_verdict(result: dict[str, Any], metric: Any, token_of: TokenOf) -> Any:
    if not isinstance(metric, dict):
        return metric
    said = {name: item for name, item in metric.items() if name not in _OF_VERIFIERS}
    token = token_of(result, said)
    return said if token is None else {**said, "verified": True, "verifyToken": token}
