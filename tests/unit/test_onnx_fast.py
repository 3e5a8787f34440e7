"""Keys in buffers: the scores of the way with a cache, for every family that fits."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprise.models.config import Config
from reprise.models.generate.prompt import vocabulary
from reprise.models.generate.steps import CachedSteps
from reprise.models.onnx.fast import BufferedSteps, fits
from reprise.models.onnx.pages import on_large_pages
from reprise.models.plan import make_plan
from tests.model_cases import CASES, Case
from tests.onnx_models import case_named, loaded

TOLERANCE = 1e-5
WRITERS = ("LMHeadModel", "ForCausalLM")
OTHER_WAY = {"bloom", "phi3-longrope"}  # a bias on the scores; keys that change with the length


def fitting() -> list[Any]:
    found = []
    for case in CASES:
        config = Config({"model_type": case.model_type, **case.config})
        heads = [head for head in case.heads if head in WRITERS]
        if heads and fits(make_plan(config, heads[0])):
            found.append(pytest.param(case, heads[0], id=case.name))
    return found


FITTING = fitting()


def both(case: Case, head: str, folder: Path) -> tuple[CachedSteps, BufferedSteps, Any]:
    model = loaded(case, head, folder)
    draw = np.random.default_rng(3)

    def tokens(rows: int, count: int) -> np.ndarray:
        return draw.integers(3, vocabulary(model.plan), (rows, count))

    return CachedSteps(model.runner(), {}), BufferedSteps(model), tokens


def test_the_usual_families_decode_with_buffers() -> None:
    names = {param.id for param in FITTING}
    assert {"gpt2", "llama", "qwen2", "qwen2-window", "qwen3", "mistral", "gemma2", "phi3", "opt",
            "gpt_neox"} <= names  # fmt: skip
    assert not OTHER_WAY & names


@pytest.mark.parametrize(("case", "head"), FITTING)
def test_buffers_give_what_a_cache_gives(case: Case, head: str, tmp_path: Path) -> None:
    cached, buffered, tokens = both(case, head, tmp_path)

    def same(left: np.ndarray, right: np.ndarray) -> None:
        np.testing.assert_allclose(left, right, atol=TOLERANCE, rtol=TOLERANCE)

    rows = [tokens(1, count)[0] for count in (5, 2, 1)]
    same(buffered.start(rows), cached.start(rows))
    for steps in (cached, buffered):
        steps.reorder([2, 0, 0, 1])
    for _ in range(2):
        one = tokens(4, 1)
        same(buffered.feed(one), cached.feed(one))
    several = tokens(4, 3)
    several[0, 1:] = several[1, 1:] = several[2, 2:] = -1
    there = several >= 0
    same(buffered.feed(several)[there], cached.feed(several)[there])
    for steps in (cached, buffered):
        steps.rewind([3, 6, 6, 5])
    one = tokens(4, 1)
    same(buffered.feed(one), cached.feed(one))


def test_buffers_grow_and_keep_what_they_held(tmp_path: Path) -> None:
    cached, buffered, tokens = both(case_named("llama"), "ForCausalLM", tmp_path)
    rows = [tokens(1, 63)[0], tokens(1, 40)[0]]
    np.testing.assert_allclose(buffered.start(rows), cached.start(rows), atol=TOLERANCE)
    for _ in range(4):  # the first buffers end at 64
        one = tokens(2, 1)
        np.testing.assert_allclose(buffered.feed(one), cached.feed(one), atol=TOLERANCE)


def test_rows_that_join_are_as_if_they_were_alone(tmp_path: Path) -> None:
    _, first, tokens = both(case_named("qwen2"), "ForCausalLM", tmp_path)
    model_rows = [tokens(1, count)[0] for count in (6, 3, 4)]
    alone = [BufferedSteps(loaded(case_named("qwen2"), "ForCausalLM", tmp_path)) for _ in range(3)]
    for steps, row in zip(alone, model_rows, strict=True):
        steps.start([row])
    first.start(model_rows[:2])
    late = BufferedSteps(loaded(case_named("qwen2"), "ForCausalLM", tmp_path))
    late.start(model_rows[2:])
    first.join(late)
    first.trim()
    one = tokens(3, 1)
    found = first.feed(one)
    expected = [steps.feed(one[n : n + 1])[0] for n, steps in enumerate(alone)]
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_memory_on_large_pages_holds_what_it_held() -> None:
    with on_large_pages():
        taken = np.arange(3 << 20, dtype=np.int64)  # 24 MB, past what lies in a heap
        taken[::5] += 1
    assert int(taken[5]) == 6
    assert int(taken.sum()) == (3 << 20) * ((3 << 20) - 1) // 2 + len(taken[::5])


def test_what_a_call_may_write_decides_how_weights_lie(tmp_path: Path) -> None:
    model = loaded(case_named("qwen2"), "ForCausalLM", tmp_path)
    asked: dict[str, Any] = {"input_ids": [[11, 5, 23]], "eos_token_id": [], "pad_token_id": 0}
    short = model.generate(**asked, max_new_tokens=20)
    assert {request.packed for request in model.sessions.started} == {False}
    long = model.generate(**asked, max_new_tokens=64)
    assert {request.packed for request in model.sessions.started} == {False, True}
    np.testing.assert_array_equal(model.generate(**asked, max_new_tokens=20), short)
    np.testing.assert_array_equal(long[:, :23], short)
