"""Fingerprints: equal for equal values, and able to say what differs."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from reprise.hub.trials.fingerprints import differences
from reprise.isolate.inside.prints import digest_of, form_of, print_of


@dataclass
class Output:
    logits: Any
    label: str = "a"


def drift(old: Any, new: Any) -> list[str]:
    parts = [{"entries": {"value": print_of(value)}} for value in (old, new)]
    return differences(*parts)


@pytest.mark.parametrize(("one", "other"), [
    (1.0, 1), ([1, 2], [2, 1]), ("a", b"a"), ({"a": 1}, {"b": 1}), (None, False),
    (np.zeros(2, np.float32), np.zeros(2, np.float64)), (np.zeros((1, 2)), np.zeros((2, 1))),
    (Output(1.0), Output(1.0, "b")), (np.float32(0.0), np.float32(-0.0)),
])  # fmt: skip
def test_different_values_have_different_digests(one: Any, other: Any) -> None:
    assert digest_of(one) != digest_of(other)


def test_sets_have_no_order_and_objects_are_told_by_their_class() -> None:
    words = [f"word {n}" for n in range(50)]
    assert digest_of(set(words)) == digest_of(frozenset(words[::-1]))
    assert digest_of([object()]) == digest_of([object()])


def test_a_form_says_types_and_shapes() -> None:
    value = OrderedDict(scores=np.zeros((1, 77), np.float32), labels=["a", "b"], more=(1, ()))
    told = "OrderedDict of 3: scores: float32[1, 77], labels: list of 2: str, more: tuple of 2: int"
    assert form_of(value) == told


def test_a_sample_is_taken_evenly() -> None:
    assert print_of(np.arange(1600.0))["sample"] == [100.0 * n for n in range(16)]
    assert print_of([np.zeros(0), float("nan"), "x", True, 2])["sample"] == [None, 2.0]
    assert len(print_of([1.5] * 1000)["sample"]) == 64


@pytest.mark.parametrize(("old", "new", "said"), [
    ([1.0, 2.0], [1.0, 2.0], []),
    ([1.0, 2.0], [1.0, 2.0005], []),
    ([1.0, 2.0], [1.0, 2.5], ["gives numbers that differ by 0.2 of the largest"]),
    ([1.0, 2.0], [1.0], ["gives list of 1: float instead of list of 2: float"]),
    (["a", 1.0], ["b", 1.0], ["gives another value"]),
    ([1.0, 3], [1.0, 4], ["gives another value"]),
    (np.array([5000, 1]), np.array([5001, 1]), ["gives another value"]),
    ([1.0], [float("nan")], ["gives numbers that differ by inf of the largest"]),
    ({1, 2}, {1, 3}, ["gives another value"]),
])  # fmt: skip
def test_drift_is_named(old: Any, new: Any, said: list[str]) -> None:
    assert drift(old, new) == [f"entries {text}" for text in said]


def test_other_weights_are_named_even_when_outputs_agree() -> None:
    value = print_of(1.0)
    old, new = ({"state": {"sha256": it}, "calls": [value, value]} for it in "ab")
    assert differences({"net": old, "gone": old}, {"net": new, "new": new}) == [
        "net has other weights"
    ]


def test_tensors_are_printed_like_arrays_of_their_own() -> None:
    torch = pytest.importorskip("torch")
    made = print_of(torch.arange(4, dtype=torch.bfloat16).reshape(2, 2).t())
    assert (made["form"], made["sample"]) == ("bfloat16[2, 2]", [0.0, 2.0, 1.0, 3.0])
    assert digest_of(torch.zeros(2)) != digest_of(np.zeros(2, np.float32))
