"""Metrics take the columns that people have, and keep their float64."""

import copy
import pickle

import numpy as np
import pytest

from reprise import load_metric
from reprise.base.errors import InvalidInput

LABELS = {
    "list": list,
    "tuple": tuple,
    "generator": iter,
    "array": np.array,
    "uint8": lambda values: np.array(values, np.uint8),
    "objects": lambda values: np.array(values, object),
    "bools": lambda values: np.array(values, bool),
    "scalars": lambda values: [np.int64(value) for value in values],
    "floats": lambda values: [float(value) for value in values],
}


@pytest.mark.parametrize("make", LABELS.values(), ids=LABELS)
def test_labels_come_in_any_container(make) -> None:
    result = load_metric("accuracy").compute(make([1, 0, 1]), make([1, 1, 1]))
    assert result == {"accuracy": 2 / 3}


@pytest.mark.parametrize("constructor", ["torch.tensor", "pandas.Series", "pyarrow.array"])
def test_columns_of_other_libraries(constructor) -> None:
    library, _, name = constructor.partition(".")
    make = getattr(pytest.importorskip(library), name)
    labels = load_metric("accuracy").compute(make([1, 0, 1]), make([1, 1, 1]))
    numbers = load_metric("pearsonr").compute(make([0.5, 0.25, 1.0]), make([1.0, 2.0, 3.5]))
    assert (labels, round(numbers["pearsonr"], 12)) == ({"accuracy": 2 / 3}, 0.737043474096)


def test_columns_of_a_data_set() -> None:
    datasets = pytest.importorskip("datasets")
    rows = datasets.Dataset.from_dict({"said": [1, 0, 1], "true": [1, 1, 1]})
    assert load_metric("accuracy").compute(rows["said"], rows["true"]) == {"accuracy": 2 / 3}


def test_tensors_that_numpy_cannot_see_are_read_too() -> None:
    torch = pytest.importorskip("torch")
    said = [
        torch.tensor([0.5, 0.25, 1.0], requires_grad=True),
        torch.tensor([0.5, 0.25, 1.0]).bfloat16(),
    ]
    for tensor in said:
        result = load_metric("pearsonr").compute(tensor, [1.0, 2.0, 3.5])
        assert round(result["pearsonr"], 12) == 0.737043474096


def test_logits_are_not_labels() -> None:
    with pytest.raises(InvalidInput) as caught:
        load_metric("accuracy").compute(np.zeros((3, 2)), [1, 1, 1])
    assert (caught.value.message, caught.value.hint) == (
        "predictions must be one label per example, not shape (3, 2).",
        "From logits, take the best class first: logits.argmax(-1).",
    )


def test_float32_input_is_computed_in_float64() -> None:
    values = np.array([0.1, 0.7, 0.3, 0.2], np.float32)
    other = np.array([0.2, 0.5, 0.1, 0.4], np.float32)
    found = load_metric("pearsonr").compute(values, other)["pearsonr"]
    expected = np.corrcoef(values.astype(np.float64), other.astype(np.float64))[0, 1]
    assert found == pytest.approx(expected, abs=1e-15)


def test_results_can_be_copied_pickled_and_sent() -> None:
    result = load_metric("accuracy").compute([1, 0, 1], [1, 1, 1])
    assert result.score.value == 2 / 3
    for twin in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert (twin, twin.score) == (result, result.score)


def test_a_squad_file_and_a_prediction_file_are_taken_as_they_are() -> None:
    file = {"version": "v2.0", "data": [{"title": "T", "paragraphs": [{"context": "…", "qas": [
        {"id": "a", "question": "?", "answers": [{"text": "Paris", "answer_start": 3}]},
        {"id": "b", "question": "?", "answers": [], "is_impossible": True},
    ]}]}]}  # fmt: skip
    result = load_metric("squad_v2").compute({"a": "Paris", "b": ""}, file)
    assert (result["exact"], result["total"]) == (100.0, 2)


def test_answers_come_in_any_shape() -> None:
    shapes = [{"text": ["Paris"], "answer_start": [3]}, [{"text": "Paris"}], ["Paris"], "Paris"]
    for answers in shapes:
        rows = [{"id": 1, "answers": answers}]
        said = [{"id": 1, "prediction_text": "paris"}]
        assert load_metric("squad").compute(said, rows)["f1"] == 100.0
