"""Valid input with one thing wrong in it: every metric answers with a number or a named error."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reprise.base.errors import RepriseError
from reprise.metrics import catalogue
from reprise.metrics.definition import Definition
from reprise.metrics.metric import Metric
from reprise.metrics.vectors import vectors_of

WRONG = st.sampled_from(
    [None, True, "", "x", "B-X", "O", 0, -1, 3, 2**53, 10**30, 0.5, 1e308, -1e308, float("nan"),
     float("inf"), [], [1], ["a"], [[]], {}, {"a": 1}, {"id": 1}, {"text": 3}, b"x", (1, 2), {1, 2},
     object, 1j, [None], [{}], ({1}, 2), "\ud800", "\x00|n:3"]
)  # fmt: skip


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """Every place in nested lists and dicts."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) \
        if isinstance(value, list) else ()  # fmt: skip
    for key, child in children:
        yield from places(child, (*path, key))


def replaced(value: Any, path: tuple, wrong: Any) -> Any:
    if not path:
        return wrong
    changed = copy.deepcopy(value)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = wrong
    return changed


@pytest.mark.parametrize("definition", list(catalogue.definitions()), ids=lambda d: d.name)
def test_one_wrong_thing_gives_a_number_or_a_named_error(definition: Definition) -> None:
    if definition.requires:
        pytest.importorskip(definition.requires[0])
    vectors = vectors_of(definition)

    @settings(deadline=None, max_examples=50, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def check(data: st.DataObject) -> None:
        vector = data.draw(st.sampled_from(vectors))
        columns = {"predictions": vector["predictions"], "references": vector.get("references")}
        path = data.draw(st.sampled_from(list(places(columns))[1:]))
        changed = replaced(columns, path, data.draw(WRONG))
        metric = Metric(definition, vector.get("options", {}), replicates=3)
        try:
            result = metric.compute(changed["predictions"], changed["references"])
        except RepriseError:
            return
        assert "NaN" not in json.dumps(result)
        assert all(score.signature.count("|n:") == 1 for score in result.scores.values())

    check()
