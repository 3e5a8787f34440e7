"""Jobs for pipelines: what came while a batch ran becomes the next batch."""

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidInput, RepriseError
from reprise.tasks.base import Pipeline
from reprise.worker.inside.requests import Request

log = logging.getLogger("reprise.worker")
_MOST = 256  # items of jobs that run together: more would only let the first ones wait
_NUMBERED = re.compile(r"^Input \d+: ")
Answered = Callable[[str, Any], None]
Failed = Callable[[str, Exception], None]


@dataclass(frozen=True)
class _Waiting:
    job: str
    pipe: Pipeline
    request: Request

    @property
    def key(self) -> tuple[int, bool, str]:
        """What jobs have in common that can run together."""
        told = json.dumps(self.request.options, sort_keys=True, default=repr)
        return id(self.pipe), self.request.run is None, told


class Batches:
    """Jobs for pipelines.

    Args:
        answered: Is told the answer of a job.
        failed: Is told why there is none.
    """

    def __init__(self, answered: Answered, failed: Failed) -> None:
        self._answered, self._failed = answered, failed
        self._waiting: list[_Waiting] = []

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._waiting)

    def add(self, job: str, pipe: Pipeline, request: Request) -> None:
        """Let a job wait for the next batch of its kind."""
        self._waiting.append(_Waiting(job, pipe, request))

    def drop(self, job: str) -> bool:
        """Forget a job; tells whether it waited."""
        left = [waiting for waiting in self._waiting if waiting.job != job]
        found, self._waiting = len(left) < len(self._waiting), left
        return found

    def run(self) -> None:
        """Run the job that waited longest, and with it those that can run together with it."""
        first, items = self._waiting[0], 0
        group: list[_Waiting] = []
        for waiting in self._waiting:
            count = len(waiting.request.items)
            if waiting.key == first.key and (not group or items + count <= _MOST):
                group.append(waiting)
                items += count
        self._waiting = [waiting for waiting in self._waiting if waiting not in group]
        try:
            results = _results(group)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is one job's, or each's
            if len(group) == 1:
                self._fail(first, error)
                return
            for waiting in group:  # find out whose it was; the others are answered
                self._alone(waiting)
            return
        for waiting, own in zip(group, results, strict=True):
            self._show(waiting, own)

    def _alone(self, waiting: _Waiting) -> None:
        try:
            (results,) = _results([waiting])
        except Exception as error:  # noqa: BLE001 - told to the client
            self._fail(waiting, error)
        else:
            self._show(waiting, results)

    def _show(self, waiting: _Waiting, results: list[Any]) -> None:
        try:
            answer = waiting.request.show(results)
        except Exception as error:  # noqa: BLE001 - told to the client
            self._fail(waiting, error)
        else:
            self._answered(waiting.job, answer)

    def _fail(self, waiting: _Waiting, error: Exception) -> None:
        if len(waiting.request.items) == 1 and isinstance(error, RepriseError):
            error = _without_number(error)
        self._failed(waiting.job, error)


def _results(group: list[_Waiting]) -> list[list[Any]]:
    """Run jobs as one; gives the results of each."""
    first = group[0]
    items = [item for waiting in group for item in waiting.request.items]
    if first.request.run is not None:
        found = first.request.run(items, first.request.options)
    else:
        # Past what tasks do for people who call them: one result per item, in any case.
        found = Pipeline.__call__(first.pipe, items, **first.request.options)
    results, at = [], 0
    for waiting in group:
        results.append(found[at : at + len(waiting.request.items)])
        at += len(waiting.request.items)
    return results


def _without_number(error: RepriseError) -> RepriseError:
    """Leave out which input it was, where there was one."""
    plain = _NUMBERED.sub("", error.message)
    if plain == error.message or not isinstance(error, InvalidInput):
        return error
    return InvalidInput(plain, hint=error.hint)
