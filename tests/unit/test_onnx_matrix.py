"""Every model type, every head on the onnx engine: the reference's numbers, and the torch engine's.

Hidden states, attentions and caches are compared with the torch engine.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from reprise.base.errors import NotSupported
from reprise.models.torch.load import load
from tests.model_cases import CASES, Case
from tests.onnx_models import loaded
from tests.seeded_models import checkpoint, golden, inputs, sample

TOLERANCE = 1e-5
MATRIX = [
    pytest.param(case, head, id=f"{case.name}-{head}") for case in CASES for head in case.heads
]


def model_of(case: Case, head: str, folder: Path) -> Any:
    try:
        return loaded(case, head, folder)
    except NotSupported as error:
        pytest.skip(error.message)


def on_torch(case: Case, head: str, plan: Any, **more: Any) -> dict[str, Any]:
    weights = {name: torch.from_numpy(v) for name, v in checkpoint(case, head).items()}
    shapes = {name: tuple(v.shape) for name, v in weights.items()}
    model, _ = load(plan, shapes, weights.__getitem__)
    given = {n: torch.from_numpy(np.ascontiguousarray(v)) for n, v in inputs(case, head).items()}
    with torch.no_grad():
        return dict(model(**given, **more).items())


def assert_close(found: Any, expected: Any) -> None:
    if isinstance(expected, Mapping):
        assert list(found) == list(expected)
        found, expected = tuple(found.values()), tuple(expected.values())
    if isinstance(expected, tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_close(one, other)
        return
    np.testing.assert_allclose(found, np.asarray(expected), atol=TOLERANCE, rtol=TOLERANCE)


@pytest.mark.parametrize(("case", "head"), MATRIX)
def test_outputs_are_the_references(case: Case, head: str, tmp_path: Path) -> None:
    given = inputs(case, head)
    output = model_of(case, head, tmp_path)(**given)
    for field, (shape, numbers) in golden(case, head).items():
        assert output[field].shape == shape, field
        np.testing.assert_allclose(sample(output[field], given), numbers, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(("case", "head"), MATRIX)
def test_states_and_attentions_are_those_of_torch(case: Case, head: str, tmp_path: Path) -> None:
    wanted = {"output_hidden_states": True, "output_attentions": True}
    model = model_of(case, head, tmp_path)
    output = model(**inputs(case, head), **wanted)
    expected = on_torch(case, head, model.plan, **wanted)
    assert list(output) == list(expected)
    for field, values in expected.items():
        assert_close(output[field], values)
