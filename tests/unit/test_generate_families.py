"""What tiny models of every family write, on both engines: the reference's tokens.

Two rows of different lengths go in at once; the reference wrote behind each of them alone.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from reprise.models.config import Config
from reprise.models.plan import make_plan
from reprise.models.torch.load import load
from tests.generation_cases import CALLS, answers, batch, settings, writers
from tests.model_cases import Case
from tests.onnx_models import loaded
from tests.seeded_models import GOLDEN, checkpoint

WRITTEN = json.loads((GOLDEN.parent / "generation.json").read_text())
ONLY_TORCH = {"xlnet"}
MATRIX = [
    pytest.param(case, head, engine, id=f"{case.name}-{engine}")
    for case, head in writers() for engine in ("torch", "onnx")
    if engine == "torch" or case.model_type not in ONLY_TORCH
]  # fmt: skip


def model_of(case: Case, head: str, engine: str, folder: Path) -> Any:
    if engine == "onnx":
        return loaded(case, head, folder)
    plan = make_plan(Config({"model_type": case.model_type, **case.config}), head)
    stored = {name: torch.from_numpy(v) for name, v in checkpoint(case, head).items()}
    model, _ = load(plan, {name: tuple(t.shape) for name, t in stored.items()}, stored.__getitem__)
    return model.eval()


@pytest.mark.parametrize(("case", "head", "engine"), MATRIX)
def test_a_batch_writes_what_the_reference_writes_behind_each_row(
    case: Case, head: str, engine: str, tmp_path: Path
) -> None:
    model, given = model_of(case, head, engine, tmp_path), batch(case)
    prompt = given["input_ids"].shape[1] if "input_ids" in given else 1
    for call in CALLS:
        sequences = model.generate(**given, **settings(case, call))
        found = answers(case, np.asarray(sequences), prompt)
        assert found == WRITTEN[f"{case.name} {head}"][call], call
