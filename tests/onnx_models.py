"""Tiny models of the matrix on the onnx engine."""

from pathlib import Path

import numpy as np

from reprise.models.config import Config
from reprise.models.onnx.load import load_onnx
from reprise.models.onnx.model import OnnxModel
from reprise.models.plan import make_plan
from reprise.models.weights import open_checkpoint, save_safetensors
from tests.model_cases import CASES, Case
from tests.seeded_models import checkpoint


def case_named(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


def stored(case: Case, head: str, folder: Path) -> Path:
    """Write a case's weights as one file."""
    arrays = checkpoint(case, head).items()
    tensors = [(n, "F32", a.shape, np.ascontiguousarray(a, "<f4").tobytes()) for n, a in arrays]
    return save_safetensors(folder, tensors)[0]


def loaded(case: Case, head: str, folder: Path, **options: object) -> OnnxModel:
    """Load a case over a file in a folder."""
    plan = make_plan(Config({"model_type": case.model_type, **case.config}), head)
    return load_onnx(
        plan, open_checkpoint(stored(case, head, folder)), cache_dir=folder / "cache", **options
    )
