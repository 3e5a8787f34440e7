"""XLM and XLNet beside the reference: memories, the query stream, losses, what callers may give."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.golden.make_models import VERSION, reference
from tests.model_cases import CASES, Case
from tests.parity.test_models_live import loaded
from tests.seeded_models import inputs

TOLERANCE = 1e-5
BY_NAME = {case.name: case for case in CASES if case.reference == VERSION}


def pair(name: str, head: str, folder: Path) -> tuple[Any, Any]:
    case = BY_NAME[name]
    return reference(case, head, folder), loaded(case, head, folder)


def given(case: Case, head: str) -> dict[str, torch.Tensor]:
    made = inputs(case, head)
    return {name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in made.items()}


def assert_equal(found: Any, expected: Any) -> None:
    """Compare every field that the reference gives, memories and pairs of streams too."""
    for field, value in expected.items():
        if isinstance(value, torch.Tensor) and not value.is_floating_point():
            assert torch.equal(found[field], value), field
            continue
        flat = [value] if isinstance(value, torch.Tensor) else list(value)
        ours = [found[field]] if isinstance(value, torch.Tensor) else list(found[field])
        torch.testing.assert_close(ours, flat, atol=TOLERANCE, rtol=0, msg=field)


@pytest.mark.parametrize("name", ["xlnet", "xlnet-uni", "xlnet-permuted"])
@torch.no_grad()
def test_a_second_segment_continues_the_first(name: str, tmp_path: Path) -> None:
    theirs, ours = pair(name, "Model", tmp_path)
    call = {"input_ids": given(BY_NAME[name], "Model")["input_ids"]}
    first, own_first = theirs(**call), ours(**call)
    second = {"input_ids": call["input_ids"].flip(1)[:, :5],
              "token_type_ids": torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 0]])}  # fmt: skip
    expected = theirs(**second, mems=first.mems, use_mems=True)
    assert_equal(ours(**second, mems=own_first.mems), expected)
    assert ours(**second, mems=own_first.mems, use_mems=False).mems is None


@torch.no_grad()
def test_the_query_stream_reads_the_memory_too(tmp_path: Path) -> None:
    theirs, ours = pair("xlnet-permuted", "LMHeadModel", tmp_path)
    call = given(BY_NAME["xlnet-permuted"], "LMHeadModel")
    mems = theirs(call["input_ids"]).mems
    asked = {"output_hidden_states": True, "output_attentions": True, "mems": mems}
    call["labels"] = torch.tensor([[7, -100], [12, 30]])
    assert_equal(ours(**call, **asked), theirs(**call, **asked))


@torch.no_grad()
def test_one_way_attention_takes_an_order_and_padding(tmp_path: Path) -> None:
    theirs, ours = pair("xlnet-uni", "Model", tmp_path)
    call = given(BY_NAME["xlnet-permuted"], "Model")
    rows = [{name: value[row : row + 1] for name, value in call.items()} for row in (0, 1)]
    for row in rows:  # the reference joins both masks for one row only
        row["input_mask"] = row["input_mask"].float()
        assert_equal(ours(**row), theirs(**row))


ANSWERED = {
    "start_positions": torch.tensor([1, 2]), "end_positions": torch.tensor([4, 3]),
    "cls_index": torch.tensor([6, 0]), "is_impossible": torch.tensor([0.0, 1.0]),
}  # fmt: skip
BARRED = {"p_mask": torch.tensor([[1.0, 0, 0, 0, 0, 0, 1], [0, 0, 0, 1, 1, 1, 1]])}
MEMBERS = [
    ("xlm", "ForQuestionAnswering", ANSWERED),
    ("xlm", "ForQuestionAnswering", ANSWERED | BARRED),
    ("xlm", "ForQuestionAnswering", BARRED | {"cls_index": torch.tensor([6, 0])}),
    ("xlnet", "ForQuestionAnswering", ANSWERED | BARRED),
    ("xlnet", "ForQuestionAnswering", BARRED),
    ("xlm", "ForQuestionAnsweringSimple", {k: ANSWERED[k] for k in list(ANSWERED)[:2]}),
    ("xlm", "WithLMHeadModel", {"labels": torch.arange(14).view(2, 7)}),
    ("xlm", "ForSequenceClassification", {"labels": torch.tensor([1, 0])}),
    ("xlnet", "LMHeadModel", {"labels": torch.arange(14).view(2, 7)}),
    ("xlnet", "ForSequenceClassification", {"labels": torch.tensor([1, 0])}),
    ("xlnet", "ForTokenClassification", {"labels": torch.ones(2, 7, dtype=torch.int64)}),
]


@pytest.mark.parametrize(("name", "head", "more"), MEMBERS)
@torch.no_grad()
def test_losses_and_barred_answers_are_the_references(
    name: str, head: str, more: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    theirs, ours = pair(name, head, tmp_path)
    call = given(BY_NAME[name], head) | more
    assert_equal(ours(**call), theirs(**call))


@pytest.mark.parametrize("more", [{}, {"lengths": torch.tensor([7, 3])}])
@torch.no_grad()
def test_xlm_counts_tokens_where_no_mask_is_given(
    more: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    theirs, ours = pair("xlm", "Model", tmp_path)
    call = given(BY_NAME["xlm"], "Model") | more
    del call["attention_mask"]
    assert_equal(ours(**call), theirs(**call))
