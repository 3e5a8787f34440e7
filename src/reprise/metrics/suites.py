"""The score of a whole benchmark: the mean over its tasks, each the mean of its metrics first.

Leaving a task out (WNLI, in tables in the style of BERT's) makes another number, so the tasks stand
in the signature. The interval draws every task's examples independently.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.metrics import bootstrap
from reprise.metrics.score import Result, Score
from reprise.metrics.signature import write
from reprise.metrics.table import Floats

_DIGEST = 8


@dataclass(frozen=True)
class Suite:
    """A benchmark.

    Attributes:
        name: `id@MAJOR.MINOR`.
        prefix: What the ids of its tasks start with.
        tasks: Task -> the metrics whose values are averaged for it, by id and value.
    """

    name: str
    prefix: str
    tasks: Mapping[str, tuple[tuple[str, str], ...]]


def _one(name: str, *values: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for value in values or ("accuracy",))


SUITES = {
    "glue": Suite(
        "glue-score@1.0",
        "glue-",
        {
            "cola": _one("cola", "matthews_correlation"),
            "sst2": _one("sst2"),
            "mrpc": _one("mrpc", "accuracy", "f1"),
            "stsb": _one("stsb", "pearson", "spearmanr"),
            "qqp": _one("qqp", "accuracy", "f1"),
            "mnli": _one("mnli_matched") + _one("mnli_mismatched"),
            "qnli": _one("qnli"),
            "rte": _one("rte"),
            "wnli": _one("wnli"),
        },
    ),
    "superglue": Suite(
        "superglue-score@1.0",
        "superglue-",
        {
            "boolq": _one("boolq"),
            "cb": _one("cb", "accuracy", "f1"),
            "copa": _one("copa"),
            "multirc": _one("multirc", "f1_a", "exact_match"),
            "record": _one("record", "f1", "exact_match"),
            "rte": _one("rte"),
            "wic": _one("wic"),
            "wsc": _one("wsc"),
        },
    ),
}


def suite_score(
    suite: str, results: Mapping[str, Result], *, tasks: Sequence[str] | None = None
) -> Score:
    """Average the results of a benchmark's tasks.

    Args:
        suite: "glue" or "superglue".
        results: Task -> what its metric's `compute` returned; "mnli_matched" and
            "mnli_mismatched" make the task "mnli".
        tasks: The tasks to average; by default all, and each must be there.

    Returns:
        A fraction. It is undefined when a task's value is.

    Raises:
        InvalidInput: A task is unknown or absent, or a result is of another metric.
    """
    if suite not in SUITES:
        raise InvalidInput(f"There is no suite {suite!r}; there are {', '.join(SUITES)}.")
    chosen = SUITES[suite]
    names = list(chosen.tasks) if tasks is None else _checked(chosen, tasks)
    used = {name: _result(chosen, results, name)
            for task in names for name, _ in chosen.tasks[task]}  # fmt: skip
    values = [_mean([used[name][value] for name, value in chosen.tasks[t]]) for t in names]
    replicates = _replicates(chosen, names, used)
    whole = _mean(values)
    spread = bootstrap.spread(replicates) if whole is not None else None
    n = sum(result.n for result in used.values())
    return Score(
        metric=chosen.name,
        name="score",
        value=whole,
        unit="fraction",
        n=n,
        stderr=spread.stderr if spread else None,
        ci=spread.ci if spread else None,
        signature=_signature(chosen, names, used, n),
    )


def _checked(suite: Suite, tasks: Sequence[str]) -> list[str]:
    if unknown := [task for task in tasks if task not in suite.tasks]:
        known = ", ".join(suite.tasks)
        raise InvalidInput(f"{suite.name} has no task {unknown[0]!r}; it has {known}.")
    return [task for task in suite.tasks if task in tasks]


def _result(suite: Suite, results: Mapping[str, Result], name: str) -> Result:
    found = results.get(name)
    if found is None:
        raise InvalidInput(
            f"The result of {name!r} is missing.",
            hint="Say which tasks the score is over: tasks=[…]; the signature will show it.",
        )
    expected = f"{suite.prefix}{name}"
    if not isinstance(found, Result) or found.computation.definition.id != expected:
        raise InvalidInput(f"The result of {name!r} must be one of the metric {expected}.")
    return found


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known and len(known) == len(values) else None


def _replicates(suite: Suite, tasks: Sequence[str], used: Mapping[str, Result]) -> Floats:
    lines = []
    for task in tasks:
        parts = [used[name].computation.replicates[value] for name, value in suite.tasks[task]]
        lines.append(np.mean(parts, axis=0))
    # Each task was drawn from the same seed: shuffle all but one, so that draws are independent.
    generator = np.random.Generator(np.random.PCG64(bootstrap.SEED))
    mean: Floats = np.mean([generator.permutation(line) for line in lines], axis=0)
    return mean


def _signature(suite: Suite, tasks: Sequence[str], used: Mapping[str, Result], n: int) -> str:
    import hashlib

    signatures = "\n".join(used[name].signature for name in sorted(used))
    digest = hashlib.sha256(signatures.encode()).hexdigest()[:_DIGEST]
    plan = next(iter(used.values())).computation.plan
    fields = [("n", n), ("tasks", tuple(tasks)), ("agg", "mean-of-means"), ("unit", "fraction")]
    fields += [("bs", plan.replicates), ("seed", plan.seed), ("def", digest)]
    return write(suite.name, fields)
