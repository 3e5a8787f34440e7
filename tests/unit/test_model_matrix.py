"""Every model type, every head: the reference's numbers, and its files byte for byte."""

from typing import Any

import numpy as np
import pytest
import torch

from reprise.models.config import Config
from reprise.models.plan import Plan, make_plan
from reprise.models.torch.load import load
from reprise.models.torch.model import Planned
from tests.model_cases import CASES, Case
from tests.seeded_models import checkpoint, golden, inputs, sample

TOLERANCE = 1e-5
MATRIX = [
    pytest.param(case, head, id=f"{case.name}-{head}") for case in CASES for head in case.heads
]


def planned(case: Case, head: str) -> Plan:
    return make_plan(Config({"model_type": case.model_type, **case.config}), head)


def built(case: Case, head: str) -> tuple[Planned, dict[str, torch.Tensor]]:
    stored = {name: torch.from_numpy(v) for name, v in checkpoint(case, head).items()}
    shapes = {name: tuple(t.shape) for name, t in stored.items()}
    model, report = load(planned(case, head), shapes, stored.__getitem__)
    assert report.initialised == ()
    return model, stored


def called(model: Planned, case: Case, head: str) -> Any:
    given = {
        name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in inputs(case, head).items()
    }
    with torch.no_grad():
        return model(**given)


@pytest.mark.parametrize(("case", "head"), MATRIX)
def test_outputs_are_the_references(case: Case, head: str) -> None:
    model, _ = built(case, head)
    output = called(model, case, head)
    expected = golden(case, head)
    assert expected
    for field, (shape, numbers) in expected.items():
        value = torch.stack(output[field]) if field == "mems" else output[field]
        assert tuple(value.shape) == shape, field
        found = sample(value.numpy(), inputs(case, head))
        np.testing.assert_allclose(found, numbers, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(("case", "head"), MATRIX)
def test_parameters_are_those_of_the_spec(case: Case, head: str) -> None:
    model, _ = built(case, head)
    found = {name: tuple(p.shape) for name, p in model.named_parameters()}
    assert found == model.plan.shapes


@pytest.mark.parametrize(("case", "head"), MATRIX)
def test_saving_gives_back_the_files_bytes(case: Case, head: str) -> None:
    model, stored = built(case, head)
    saved = model.stored_state()
    # Where the reference wrote a tied table under the name of the output layer, we do not.
    assert {name for name in set(saved) - set(stored) if "embed" not in name} == set()
    for name in set(saved) & set(stored):
        assert torch.equal(saved[name], stored[name]), name
