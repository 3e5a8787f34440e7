"""Whole models from files that TensorFlow and Flax wrote, family by family.

The files and what they hold: tests/golden/make_weight_families.py.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import reprise.models
from reprise.base.errors import InvalidInput

FOLDER = Path(__file__).parents[1] / "golden" / "weights" / "families"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
# Computed in transformers 4, computed here; whoever stores them stores what is computed.
SINUSOIDS = {f"model.{side}.embed_positions.weight" for side in ("encoder", "decoder")}
NAMES = {".h5": "tf_model.h5", ".msgpack": "flax_model.msgpack"}


def digest(array: Any) -> list[Any]:
    plain = np.ascontiguousarray(array)
    return [list(array.shape), hashlib.sha256(plain.tobytes()).hexdigest()[:16]]


def folder(case: str, into: Path) -> Path:
    file = FOLDER / case
    if file.suffix == ".h5":
        pytest.importorskip("h5py")
    shutil.copy(file, into / NAMES[file.suffix])
    (into / "config.json").write_text(json.dumps(EXPECTED[case]["config"]))
    return into


def loaded(case: str, into: Path) -> Any:
    cls = getattr(reprise.models, EXPECTED[case]["class"])
    return cls.from_pretrained(folder(case, into), engine="torch")


@pytest.mark.parametrize("case", EXPECTED)
def test_a_model_of_another_framework_is_loaded_whole(case: str, tmp_path: Path) -> None:
    model = loaded(case, tmp_path)
    wanted = EXPECTED[case]["tensors"]
    assert model.report.initialised == ()
    assert set(model.report.unused) <= POOLER
    found = {name: digest(t.detach().numpy()) for name, t in model.stored_state().items()}
    differing = {
        name for name in wanted if name not in SINUSOIDS and found.get(name) != wanted[name]
    }
    assert differing == set()
    assert set(found) - set(wanted) <= {"final_logits_bias"}


POOLER = {"mpnet.pooler.dense.bias", "mpnet.pooler.dense.weight"}  # there and never read


def test_a_file_of_another_family_is_refused(tmp_path: Path) -> None:
    config = folder("flax/vit.msgpack", tmp_path) / "config.json"
    config.write_text(json.dumps(EXPECTED["flax/bloom.msgpack"]["config"]))
    with pytest.raises(InvalidInput, match="do not fit BloomForCausalLM"):
        reprise.models.BloomForCausalLM.from_pretrained(tmp_path, engine="torch")
