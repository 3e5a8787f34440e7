"""Which rows meet, in which order results come, and what Ctrl-C leaves."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.base.errors import InvalidInput
from reprise.tasks import Pipeline, Stopped, pipeline
from reprise.tasks.rows import Pad, Row, stack, unstack
from reprise.tasks.schedule import Room, batches, windows
from tests.pipeline_models import save, texts


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = save(tmp_path_factory.mktemp("model"), "BertModel")
    return pipeline("feature-extraction", folder, return_tensors="np")


def test_batches_hold_the_longest_first_and_keep_to_the_budget() -> None:
    assert batches([3, 9, 4, 1], Room(budget=8, start=9)) == [[1], [2, 0], [3]]
    assert batches([], Room(8, 9)) == []


def test_rows_meet_where_padding_takes_less_than_another_start() -> None:
    costs = [100, 20, 20, 18, 3]
    assert batches(costs, Room(budget=500, start=10)) == [[0], [1, 2, 3], [4]]
    assert batches(costs, Room(budget=500, start=1_000)) == [[0, 1, 2, 3, 4]]
    assert batches([17, 31, 32], Room(budget=96, start=1, step=32)) == [[2, 1, 0]]


@given(st.lists(st.integers(1, 40), max_size=7), st.integers(1, 90), st.integers(0, 50))
def test_no_other_way_to_cut_takes_less(costs: list[int], budget: int, start: int) -> None:
    room, widths = Room(budget, start), sorted(costs, reverse=True)

    def least(begin: int) -> int:
        if begin == len(widths):
            return 0
        ends = [end for end in range(begin + 1, len(widths) + 1)
                if end == begin + 1 or widths[begin] * (end - begin) <= budget]  # fmt: skip
        return min(start + widths[begin] * (end - begin) + least(end) for end in ends)

    found = batches(costs, room)
    assert sorted(index for group in found for index in group) == list(range(len(costs)))
    assert sum(start + costs[group[0]] * len(group) for group in found) == least(0)


def test_a_number_of_rows_is_kept_to() -> None:
    assert batches([5, 1, 5, 1, 5], rows=2) == [[0, 2], [4, 1], [3]]


def test_rows_of_different_lengths_do_not_meet_without_padding() -> None:
    assert batches([2, 3, 2, 3, 3], rows=2, alike=True) == [[1, 3], [4], [0, 2]]


def test_nothing_is_looked_at_ahead_with_one_row_per_batch() -> None:
    source = iter(range(5))
    assert next(windows(source, 1)) == [0]
    assert list(source) == [1, 2, 3, 4]


@pytest.mark.parametrize("left", [False, True])
def test_padding_is_put_on_and_cut_off_again(left: bool) -> None:
    rows = [Row({"input_ids": np.array(ids)}, len(ids)) for ids in ([5, 6, 7], [8])]
    pad = Pad(9, left=left)
    made = stack(rows, pad)
    assert made["input_ids"].tolist() == [[5, 6, 7], [9, 9, 8] if left else [8, 9, 9]]
    assert made["attention_mask"].tolist() == [[1, 1, 1], [0, 0, 1] if left else [1, 0, 0]]
    cut = unstack({"logits": made["input_ids"][..., None]}, rows, pad, by_token=True)
    assert [each["logits"].ravel().tolist() for each in cut] == [[5, 6, 7], [8]]


def test_fields_without_a_side_for_tokens_stay_whole() -> None:
    rows = [Row({"input_ids": np.array(ids)}, len(ids)) for ids in ([5, 6], [8])]
    cut = unstack({"logits": np.array([[1, 2], [3, 4]])}, rows, Pad(), by_token=False)
    assert [each["logits"].tolist() for each in cut] == [[1, 2], [3, 4]]


def test_results_come_in_the_order_of_the_inputs(features: Pipeline) -> None:
    sentences = texts(30)
    widths = [len(features.tokenizer(sentence).input_ids) for sentence in sentences]
    assert [each.shape for each in features(sentences)] == [(1, n, 32) for n in widths]


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_results_do_not_depend_on_the_batch(features: Pipeline, engine: str) -> None:
    pipe = pipeline("feature-extraction", features.parts.name, engine=engine, return_tensors="np")
    alone = [pipe(sentence) for sentence in texts(20)]
    for batch in ("auto", 1, 7):
        for one, other in zip(alone, pipe(texts(20), batch=batch), strict=True):
            # Weights far from zero round by more than trained ones, which tests/parity looks at.
            np.testing.assert_allclose(other, one, atol=2e-6, rtol=2e-5)


def test_a_generator_gives_an_iterator(features: Pipeline) -> None:
    found = features(sentence for sentence in ["one", "two cards"])
    assert isinstance(found, Iterator)
    assert [each.shape[0] for each in found] == [1, 1]


def test_a_generator_that_never_ends_is_answered_with_one_row_per_batch(
    features: Pipeline,
) -> None:
    def forever() -> Iterator[str]:
        while True:
            yield "a card"

    found = features(forever(), batch=1)
    assert np.array_equal(next(found), next(found))


def test_a_dataset_gives_an_iterator(features: Pipeline) -> None:
    class Dataset:
        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> str:
            return texts(2)[index]

        def __iter__(self) -> Iterator[str]:
            return iter(texts(2))

    assert len(list(features(Dataset()))) == 2


def test_whatever_gives_inputs_gives_an_iterator(features: Pipeline) -> None:
    class ByNumber:
        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> str:
            return texts(2)[index]

    class Stream:
        def __iter__(self) -> Iterator[str]:
            return iter(texts(2))

    given = [ByNumber(), Stream(), dict(enumerate(texts(2))).values()]
    assert [len(list(features(each))) for each in given] == [2, 2, 2]
    with pytest.raises(InvalidInput, match="must be text, not set"):
        features(set(texts(2)))


def test_no_inputs_give_no_results(features: Pipeline) -> None:
    assert features([]) == []


def test_ctrl_c_keeps_what_was_done(features: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    run, calls = features.runner.run, []

    def interrupted(*rows: object, **options: object) -> object:
        calls.append(rows)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return run(*rows, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(features.runner, "run", interrupted)
    with pytest.raises(Stopped, match="Stopped after 2 of 3 inputs") as stopped:
        features(["a", "many words of a card", "two words"], batch=2)
    done = [result is not None for result in stopped.value.results]
    assert done == [False, True, True]
    assert isinstance(stopped.value, KeyboardInterrupt)


def test_ctrl_c_keeps_what_an_iterator_had_not_given(
    features: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, calls = features.runner.run, []

    def interrupted(*rows: object, **options: object) -> object:
        calls.append(rows)
        if len(calls) == 4:  # the second batch of the second window
            raise KeyboardInterrupt
        return run(*rows, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(features.runner, "run", interrupted)
    monkeypatch.setattr("reprise.tasks.schedule.WINDOW", 2)
    monkeypatch.setattr(features, "room", lambda: Room(budget=1, start=0))
    given = features(text for text in ["a", "b", "c", "two words", "d"])
    assert all(len(next(given)) for _ in range(2))
    with pytest.raises(Stopped, match="Stopped after 1 of 2 inputs") as stopped:
        next(given)
    assert [result is not None for result in stopped.value.results] == [False, True]


@pytest.mark.parametrize("batch", [0, -1, True, 1.5, "many"])
def test_a_batch_is_auto_or_a_number(features: Pipeline, batch: object) -> None:
    with pytest.raises(InvalidInput, match="batch is"):
        features("a", batch=batch)


def test_models_without_padding_run_rows_of_one_length(tmp_path: Path) -> None:
    folder = save(tmp_path, "BertModel")
    pipe = pipeline("feature-extraction", folder, return_tensors="np")
    pipe.tokenizer.pad_token = None
    pipe = pipeline("feature-extraction", pipe.model, tokenizer=pipe.tokenizer, return_tensors="np")
    assert pipe.runner.alike
    assert [each.shape for each in pipe(["one", "two cards"])] == [
        pipe("one").shape,
        pipe("two cards").shape,
    ]
