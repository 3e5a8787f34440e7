"""The reference side by side: every output, hidden states and attentions, files both ways."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from reprise.models.auto import concrete_class
from reprise.models.families import family_of
from tests.golden.make_models import VERSION, reference
from tests.model_cases import CASES, Case
from tests.seeded_models import inputs

TOLERANCE = 1e-5
# What no answer depends on and we do not keep: the pooler of an image model that a decoder reads,
# and what stands for sound that training hides, which published files lack as well.
_ASIDE = re.compile(r"^encoder\.pooler\.|masked_spec_embed$")
RUN = [case for case in CASES if case.reference == VERSION]
MATRIX = [pytest.param(case, head, id=f"{case.name}-{head}") for case in RUN for head in case.heads]


def loaded(case: Case, head: str, folder: Path) -> Any:
    return concrete_class(family_of(case.model_type), head).from_pretrained(folder, engine="torch")


def given(case: Case, head: str) -> dict[str, torch.Tensor]:
    made = inputs(case, head)
    return {name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in made.items()}


def compare(found: torch.Tensor, expected: torch.Tensor, mask: torch.Tensor | None) -> None:
    """Compare where something stands: rows of padding mean nothing."""
    assert found.shape == expected.shape
    if mask is not None and found.shape[: mask.dim()] == mask.shape:
        shape = (*mask.shape, *(1,) * (found.dim() - mask.dim()))
        found, expected = found * mask.view(shape), expected * mask.view(shape)
    torch.testing.assert_close(found, expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(("case", "head"), MATRIX)
@torch.no_grad()
def test_every_output_is_the_references(case: Case, head: str, tmp_path: Path) -> None:
    expected_model = reference(case, head, tmp_path)
    model, call = loaded(case, head, tmp_path), given(case, head)
    expected, found = expected_model(**call), model(**call)
    compared = 0
    for field, value in expected.items():
        if isinstance(value, torch.Tensor):
            compare(found[field], value, call.get("attention_mask"))
            compared += 1
    assert compared


@pytest.mark.parametrize(
    ("case", "head"), [p for p in MATRIX if p.values[1] == "Model" and p.values[0].inputs != "clip"]
)
@torch.no_grad()
def test_hidden_states_and_attentions_are_the_references(
    case: Case, head: str, tmp_path: Path
) -> None:
    expected_model = reference(case, head, tmp_path)
    call = given(case, head)
    asked = {"output_hidden_states": True, "output_attentions": True}
    expected = expected_model(**call, **asked)
    found = loaded(case, head, tmp_path)(**call, **asked)
    mask = call.get("attention_mask")
    for field in ("hidden_states", "attentions", "encoder_hidden_states", "decoder_attentions",
                  "decoder_hidden_states", "cross_attentions"):  # fmt: skip
        values = expected.get(field)
        if not values or field not in found:
            continue
        assert len(found[field]) == len(values), field
        for ours, theirs in zip(found[field], values, strict=True):
            if field.endswith("hidden_states"):
                compare(ours, theirs, mask)
            elif mask is None:
                torch.testing.assert_close(ours, theirs, atol=TOLERANCE, rtol=0)
    assert found.get("hidden_states") or found.get("decoder_hidden_states")


@pytest.mark.parametrize(("case", "head"), MATRIX)
@torch.no_grad()
def test_files_we_save_load_in_the_reference_with_equal_answers(
    case: Case, head: str, tmp_path: Path
) -> None:
    expected_model = reference(case, head, tmp_path / "theirs")
    loaded(case, head, tmp_path / "theirs").save_pretrained(tmp_path / "ours")
    again = type(expected_model).from_pretrained(tmp_path / "ours", attn_implementation="eager")
    for name, tensor in expected_model.state_dict().items():
        if _ASIDE.search(name):
            continue
        assert torch.equal(again.state_dict()[name], tensor), name
