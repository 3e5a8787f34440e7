"""8 bits: every way matrices are stored, measured, refused when too coarse."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprise.base.errors import InvalidInput
from reprise.models.config import Config
from reprise.models.quantizing import Accuracy, quantize
from tests.onnx_models import case_named, stored
from tests.seeded_models import inputs

# stored as it is, turned with columns, woven by head, rows of one
LAYOUTS = ("bert", "gpt2", "gpt_neox", "modernbert")


def prepared(name: str, folder: Path) -> tuple[Path, Any, list[dict[str, np.ndarray]]]:
    case = case_named(name)
    stored(case, "Model", folder)
    Config({"model_type": case.model_type, **case.config}).save(folder)
    return folder, case, [inputs(case, "Model")]


@pytest.mark.parametrize("name", LAYOUTS)
def test_answers_stay_close_however_matrices_are_stored(name: str, tmp_path: Path) -> None:
    folder, _, samples = prepared(name, tmp_path)
    accuracy = quantize(folder, samples, minimum=0.9, cache_dir=tmp_path / "cache")
    assert 0.9 < accuracy.cosine < 1
    assert accuracy.samples == 1


def test_what_is_too_coarse_is_not_kept(tmp_path: Path) -> None:
    folder, _, samples = prepared("bert", tmp_path)
    with pytest.raises(InvalidInput, match=r"cosine 0\.9\d+ to float32, and 1\.0 is asked"):
        quantize(folder, samples, minimum=1.0, cache_dir=tmp_path / "cache")
    assert {path.suffix for path in (tmp_path / "cache").iterdir()} == {".onnx"}


def test_what_was_kept_is_used(tmp_path: Path) -> None:
    from reprise.models import AutoModel

    folder, _, samples = prepared("bert", tmp_path)
    cache = tmp_path / "cache"
    accuracy = quantize(folder, samples, minimum=0.9, cache_dir=cache)
    exact = AutoModel.from_pretrained(folder, engine="onnx", cache_dir=cache)
    coarse = AutoModel.from_pretrained(folder, engine="onnx", cache_dir=cache, int8=True)
    one, other = (model(**samples[0]).last_hidden_state for model in (exact, coarse))
    assert 0 < np.abs(one - other).max() < 1
    assert isinstance(accuracy, Accuracy)
    assert len(list(cache.glob("*.int8"))) == 1


def test_no_samples_no_eight_bits(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="Give samples"):
        quantize(tmp_path, [])
