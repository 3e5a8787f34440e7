"""Rows that join and leave a running batch become what they become alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprise.base.errors import InvalidInput
from reprise.models.generate.call import make_call
from reprise.models.generate.continuous import Continuous, Member
from tests.generation_cases import both, writers
from tests.onnx_models import case_named
from tests.unit.test_generate_families import ONLY_TORCH, model_of

PROMPTS = [[28, 19, 8, 8, 35, 28, 29], [3, 12, 22, 49], [5], [9, 9, 4, 31, 7]]
LENGTHS = [3, 9, 6, 5]
JOINS = [0, 1, 1, 4]  # before which step each comes
SAMPLED = {"do_sample": True, "temperature": 1.5, "top_k": 20, "seed": 11}
ENGINES = ("torch", "onnx")
MATRIX = [
    pytest.param(case, head, engine, id=f"{case.name}-{engine}")
    for case, head in writers() for engine in ENGINES
    if not both(case) and (engine == "torch" or case.model_type not in ONLY_TORCH)
]  # fmt: skip


def given(number: int, **settings: Any) -> dict[str, Any]:
    plain = {"pad_token_id": 0, "eos_token_id": 2, "max_new_tokens": LENGTHS[number]}
    return plain | settings | {"input_ids": np.array([PROMPTS[number]])}


def alone(model: Any, **settings: Any) -> list[list[int]]:
    found = [np.asarray(model.generate(**given(n, **settings))) for n in range(len(PROMPTS))]
    return [rows[0, len(PROMPTS[n]) :].tolist() for n, rows in enumerate(found)]


def together(model: Any, **settings: Any) -> list[list[int]]:
    """Let each call join before its step, and run until all have ended."""
    batch, members, step = Continuous(), dict[int, list[Member]](), 0
    while len(members) < len(PROMPTS) or batch.busy:
        for number, join in enumerate(JOINS):
            if join == step:
                members[number] = batch.add(make_call(model.runner(), given(number, **settings)))
        batch.step()
        step += 1
    return [members[number][0].row.history.new.tolist() for number in range(len(PROMPTS))]


@pytest.fixture(params=ENGINES)
def gpt2(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return model_of(case_named("gpt2"), "LMHeadModel", request.param, tmp_path)


@pytest.mark.parametrize(("case", "head", "engine"), MATRIX)
def test_rows_of_every_family_join_and_leave(
    case: Any, head: str, engine: str, tmp_path: Path
) -> None:
    model = model_of(case, head, engine, tmp_path)
    assert together(model) == alone(model)


@pytest.mark.parametrize("more", [SAMPLED, {"repetition_penalty": 1.4, "min_new_tokens": 3}])
def test_luck_and_rules_are_those_of_single_calls(gpt2: Any, more: dict[str, Any]) -> None:
    assert together(gpt2, **more) == alone(gpt2, **more)


def test_answers_of_one_prompt_share_its_reading(gpt2: Any) -> None:
    more = SAMPLED | {"num_return_sequences": 3}
    batch = Continuous()
    batch.add(make_call(gpt2.runner(), given(1)))
    batch.step()
    members = batch.add(make_call(gpt2.runner(), given(0, **more)))
    while batch.busy:
        batch.step()
    expected = np.asarray(gpt2.generate(**given(0, **more)))[:, len(PROMPTS[0]) :].tolist()
    assert [member.row.history.new.tolist() for member in members] == expected


def test_who_leaves_early_changes_nothing_for_the_others(gpt2: Any) -> None:
    batch = Continuous()
    members = [batch.add(make_call(gpt2.runner(), given(n))) for n in range(3)]
    batch.step()
    batch.drop(members[0])
    while batch.busy:
        batch.step()
    found = [member.row.history.new.tolist() for (member,) in members]
    expected = alone(gpt2)
    assert found == [expected[0][:1], expected[1], expected[2]]


def test_rows_wait_while_there_is_no_room(gpt2: Any) -> None:
    batch = Continuous(rows=2)
    members = [batch.add(make_call(gpt2.runner(), given(n))) for n in range(4)]
    sizes = []
    while batch.busy:
        batch.step()
        sizes.append(len(batch))
    assert max(sizes) == 2
    assert [member.row.history.new.tolist() for (member,) in members] == alone(gpt2)


def test_a_row_that_fails_goes_alone(gpt2: Any) -> None:
    batch = Continuous()
    (good,) = batch.add(make_call(gpt2.runner(), given(0)))
    (bad,) = batch.add(make_call(gpt2.runner(), given(1)))

    def broken(scores: Any, history: Any) -> None:
        raise InvalidInput(f"broken after {len(history)} with {len(scores)}")

    bad.row.rules = [broken]
    taken = [one for _ in range(5) if batch.busy for one in batch.step()]
    assert [one.member is bad for one in taken if one.piece is None] == [True]
    assert (str(bad.error), bad.row.ended) == ("broken after 4 with 50", "error")
    assert good.row.history.new.tolist() == alone(gpt2)[0]


def test_what_can_never_run_together_is_refused(gpt2: Any) -> None:
    with pytest.raises(InvalidInput, match="1 rows of up to 10 tokens are too many"):
        Continuous(room=9).add(make_call(gpt2.runner(), given(0)))
    with pytest.raises(InvalidInput, match="Beams and models with an encoder"):
        Continuous().add(make_call(gpt2.runner(), given(0, num_beams=2)))
