"""Ranks are intervals: two models are told apart only where chance cannot have swapped them."""

import math
import random
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import pytest

from reprise import load_metric
from reprise.metrics import paired_difference
from reprise.registry.example_scores import read
from reprise.registry.paired_draws import MAX_EXAMPLES, REPLICATES, replicate_means
from reprise.registry.ranking import Measured, Place, places
from tests.boards import examples


def right_answers(n: int, wrong: int) -> dict[str, float]:
    return {str(number): float(number >= wrong) for number in range(n)}


def measured(scores: dict[str, float]) -> Measured:
    value = fmean(scores.values())
    parts = {key: (it, 1.0) for key, it in scores.items()}
    return Measured(value, math.sqrt(value * (1 - value) / len(scores)), parts)


@pytest.mark.parametrize("kind", ["right or wrong", "fractions", "no bounds"])
def test_replicates_spread_as_theory_says(kind: str) -> None:
    rng = random.Random(7)
    draw = {
        "right or wrong": lambda: float(rng.random() < 0.8),
        "fractions": rng.random,
        "no bounds": lambda: rng.gauss(-50, 20),
    }[kind]
    scores = [draw() for _ in range(500)]
    means = replicate_means([scores])[0]
    expected = float(np.std(scores)) / math.sqrt(len(scores))
    assert len(means) == REPLICATES
    assert abs(fmean(means) - fmean(scores)) < 4 * expected / math.sqrt(REPLICATES)
    assert stdev(means) == pytest.approx(expected, rel=0.1)


def test_all_systems_are_drawn_with_the_same_examples() -> None:
    rng = random.Random(8)
    scores = [rng.random() for _ in range(200)]
    shifted = [it + 1 for it in scores]
    first, second, again = replicate_means([scores, shifted, scores])
    assert first == again
    assert max(abs(b - a - 1) for a, b in zip(first, second, strict=True)) < 1e-4


def test_what_differs_on_few_examples_is_told_apart_only_when_paired() -> None:
    base = right_answers(1000, 100)
    better = {**base, **{str(number): 1.0 for number in range(12)}}
    pair = [measured(base), measured(better)]
    apart = [Measured(it.value, it.stderr) for it in pair]
    assert places(pair) == [Place(2, 2, True), Place(1, 1, True)]
    assert places(apart) == [Place(1, 2, False), Place(1, 2, False)]


def test_many_examples_take_the_normal_interval_with_the_same_result() -> None:
    n = MAX_EXAMPLES + 1
    base = right_answers(n, 500)
    better = {**base, **{str(number): 1.0 for number in range(12)}}
    same = {**base, "0": 1.0, "501": 0.0}
    found = places([measured(base), measured(better), measured(same)])
    assert [it.text for it in found] == ["2 to 3", "1", "2 to 3"]


@pytest.mark.parametrize("n", [600, MAX_EXAMPLES + 1])
def test_rates_of_errors_are_drawn_with_their_lengths(n: int) -> None:
    rng = random.Random(n)
    lengths = {str(k): float(rng.randrange(1, 40)) for k in range(n)}
    errors = {key: float(round(it * rng.random() / 4)) for key, it in lengths.items()}
    fewer = {key: max(0.0, it - (rng.random() < 0.15)) for key, it in errors.items()}
    other = {key: it if rng.random() < 0.98 else it + rng.choice((-1, 1))
             for key, it in errors.items()}  # fmt: skip
    systems = []
    for some in (errors, fewer, other):
        value = sum(some.values()) / sum(lengths.values())
        systems.append(Measured(value, 0.05, {key: (it, lengths[key]) for key, it in some.items()}))
    found = places(systems, higher_is_better=False)
    assert [(it.text, it.paired) for it in found] == [
        ("2 to 3", True), ("1", True), ("2 to 3", True),
    ]  # fmt: skip


def test_errors_rank_the_other_way_round() -> None:
    found = places([Measured(0.1, 0.001), Measured(0.2, 0.001)], higher_is_better=False)
    assert [it.text for it in found] == ["1", "2"]


def test_without_an_interval_nobody_is_told_apart() -> None:
    found = places([Measured(0.9, None), Measured(0.1, 0.01), Measured(0.5, 0.01)])
    assert [it.text for it in found] == ["1 to 3", "2 to 3", "1 to 2"]


def test_other_examples_are_not_paired() -> None:
    one, other = right_answers(100, 10), {f"x{k}": it for k, it in right_answers(100, 8).items()}
    assert [it.paired for it in places([measured(one), measured(other)])] == [False, False]


def test_no_system_at_all_has_no_place() -> None:
    assert places([]) == []


# -- scores from evidence -------------------------------------------------------------------


def test_the_equality_of_two_columns_is_a_score_where_its_mean_is_the_value() -> None:
    text = examples([True, True, False, True])
    right, wrong = (1.0, 1.0), (0.0, 1.0)
    assert read(text, 0.75) == {"0": right, "1": right, "2": wrong, "3": right}
    assert read(text, 75.0) == {"0": (100.0, 1.0), "1": (100.0, 1.0), "2": wrong,
                                "3": (100.0, 1.0)}  # fmt: skip
    assert read(text, 0.8) is None  # a value that is no mean of examples


def test_a_column_is_a_score_where_its_mean_is_the_value() -> None:
    head = '{"format": "reprise-examples/1", "metric": "squad2@1.0"}\n'
    rows = "".join(
        f'{{"id": "{key}", "exact": {exact}, "f1": {f1}, "answers": []}}\n'
        for key, exact, f1 in (("a", 1, 1.0), ("b", 0, 0.5))
    )
    assert read(head + rows, 75.0) == {"a": (100.0, 1.0), "b": (50.0, 1.0)}
    assert read(head + rows, 50.0) == {"a": (100.0, 1.0), "b": (0.0, 1.0)}


def test_our_own_metrics_give_scores_where_they_are_means(tmp_path: Path) -> None:
    answers = [{"id": k, "prediction_text": t} for k, t in (("a", "the cat"), ("b", "a dog ran"))]
    golds = [{"id": k, "answers": {"text": [t], "answer_start": [0]}}
             for k, t in (("a", "cat"), ("b", "dog"))]  # fmt: skip
    cases = [("accuracy", [0, 1, 1], [0, 1, 0], "accuracy"), ("squad1", answers, golds, "f1"),
             ("wer", ["a b c", "d"], ["a b d", "d"], "wer"),
             ("f1", [0, 1, 1, 2], [0, 1, 0, 1], "f1")]  # fmt: skip
    found = {}
    for name, predictions, references, value in cases:
        options = {"average": "macro"} if name == "f1" else {}
        result = load_metric(name, **options).compute(predictions, references)
        result.examples.to_jsonl(tmp_path / name)
        measured_value = result.scores[value].value
        assert measured_value is not None
        found[name] = read((tmp_path / name).read_text(), measured_value)
    assert found == {
        "accuracy": {"0": (1.0, 1.0), "1": (1.0, 1.0), "2": (0.0, 1.0)},
        "squad1": {"a": (100.0, 1.0), "b": (pytest.approx(200 / 3), 1.0)},
        "wer": {"0": (1.0, 3.0), "1": (0.0, 1.0)},
        "f1": None,
    }


@pytest.mark.parametrize("text", [
    "", "null", "[]", '{"format": "other"}\n{"id": 1, "s": 1}', '{"format": "reprise-examples/1"}',
    '{"format": "reprise-examples/1"}\n{"id": 1, "s": NaN}',
    '{"format": "reprise-examples/1"}\n{"id": 1, "s": 1}\n{"id": 1, "s": 1}',
    '{"format": "reprise-examples/1"}\n{"id": 1, "s": 1}\n{"id": 2}',
    '{"format": "reprise-examples/1"}\n' + "[" * 100_000,
    '{"format": "reprise-examples/1"}\n{"id": 1, "s": 1e999}',
])  # fmt: skip
def test_evidence_that_is_something_else_gives_no_scores(text: str) -> None:
    assert read(text, 1.0) is None


@pytest.mark.parametrize("changed", [2, 5, 9, 40])
def test_pairs_are_judged_as_the_metrics_room_judges_them(changed: int) -> None:
    rng = random.Random(changed)
    truth = [1] * 300
    first = [int(rng.random() < 0.8) for _ in truth]
    second = [1 if k < changed else it for k, it in enumerate(first)]
    metric = load_metric("accuracy")
    found = paired_difference(metric.compute(first, truth), metric.compute(second, truth))
    assert found.ci is not None
    systems = [measured({str(k): float(it) for k, it in enumerate(line)})
               for line in (first, second)]  # fmt: skip
    text = [it.text for it in places(systems)]
    assert text == (["2", "1"] if found.ci[0] > 0 else ["1 to 2", "1 to 2"])
