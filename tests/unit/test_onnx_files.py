"""Files under the onnx engine: used where they lie, converted once, refused when they lie."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprise.base.errors import InvalidFormat, InvalidInput, NotSupported
from reprise.models.config import Config
from reprise.models.onnx.load import load_onnx
from reprise.models.plan import make_plan
from reprise.models.weights import open_checkpoint, save_safetensors
from tests.model_cases import Case
from tests.onnx_models import case_named, loaded, stored
from tests.seeded_models import checkpoint, inputs

BERT = case_named("bert")


def plan_of(case: Case, head: str = "Model", **changes: Any) -> Any:
    return make_plan(Config({"model_type": case.model_type, **case.config, **changes}), head)


def halved(folder: Path, dtype: str) -> dict[str, np.ndarray]:
    """Write BERT in 16 bits; give the same numbers in 32."""
    wide, tensors = {}, []
    for name, values in checkpoint(BERT, "Model").items():
        if dtype == "F16":
            short = values.astype("<f2")
            wide[name], content = short.astype("<f4"), short.tobytes()
        else:
            bits = values.astype("<f4").view("<u4") & np.uint32(0xFFFF0000)
            wide[name], content = bits.view("<f4"), (bits >> np.uint32(16)).astype("<u2").tobytes()
        tensors.append((name, dtype, values.shape, content))
    save_safetensors(folder, tensors)
    return wide


def test_float32_weights_are_neither_copied_nor_converted(tmp_path: Path) -> None:
    model = loaded(BERT, "Model", tmp_path)
    model(**inputs(BERT, "Model"))
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".onnx"]
    spots = model.sessions.placed.spots.values()
    assert {spot.location for spot in spots} == {"model.safetensors"}


@pytest.mark.parametrize("dtype", ["F16", "BF16"])
def test_half_precision_is_converted_once_and_exactly(dtype: str, tmp_path: Path) -> None:
    wide = halved(tmp_path / "half", dtype)
    cache = tmp_path / "cache"
    model = load_onnx(plan_of(BERT), open_checkpoint(tmp_path / "half"), cache_dir=cache)
    tensors = [(n, "F32", v.shape, v.tobytes()) for n, v in wide.items()]
    save_safetensors(tmp_path / "wide", tensors)
    exact = load_onnx(plan_of(BERT), open_checkpoint(tmp_path / "wide"), cache_dir=cache)
    given = inputs(BERT, "Model")
    np.testing.assert_array_equal(
        model(**given).last_hidden_state, exact(**given).last_hidden_state
    )
    (converted,) = cache.glob("*.f32")
    written = converted.stat().st_mtime_ns
    load_onnx(plan_of(BERT), open_checkpoint(tmp_path / "half"), cache_dir=cache)
    assert converted.stat().st_mtime_ns == written


def test_files_behind_links_and_in_shards_are_read(tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshot"
    arrays = checkpoint(BERT, "Model").items()
    tensors = [(n, "F32", a.shape, np.ascontiguousarray(a, "<f4").tobytes()) for n, a in arrays]
    files = save_safetensors(blobs, tensors, max_shard_bytes=20_000)
    assert len(files) > 2
    snapshot.mkdir()
    for file in files:
        (snapshot / file.name).symlink_to(file)
    model = load_onnx(plan_of(BERT), open_checkpoint(snapshot), cache_dir=tmp_path / "cache")
    given = inputs(BERT, "Model")
    whole = loaded(BERT, "Model", tmp_path / "whole")(**given)
    np.testing.assert_array_equal(model(**given).last_hidden_state, whole.last_hidden_state)


def test_a_second_start_reads_the_graph_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = inputs(BERT, "Model")
    first = loaded(BERT, "Model", tmp_path)(**given)
    model = load_onnx(plan_of(BERT), open_checkpoint(tmp_path), cache_dir=tmp_path / "cache")
    monkeypatch.setattr("reprise.models.onnx.emit.emit", None)
    np.testing.assert_array_equal(model(**given).last_hidden_state, first.last_hidden_state)


def test_changed_weights_are_looked_at_again(tmp_path: Path) -> None:
    loaded(BERT, "Model", tmp_path)(**inputs(BERT, "Model"))
    arrays = checkpoint(BERT, "Model")
    arrays["encoder.layer.0.output.dense.weight"][3, 4] = np.nan
    tensors = [(n, "F32", a.shape, a.tobytes()) for n, a in arrays.items()]
    save_safetensors(tmp_path, tensors)
    model = load_onnx(plan_of(BERT), open_checkpoint(tmp_path), cache_dir=tmp_path / "cache")
    with pytest.raises(InvalidInput, match=r"not finite.*layers?\.0\.output\.dense\.weight"):
        model(**inputs(BERT, "Model"))


def test_a_header_that_lies_about_offsets_is_refused(tmp_path: Path) -> None:
    path = stored(BERT, "Model", tmp_path)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    name = max(header)
    header[name]["data_offsets"] = [0, 1 << 40]
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    with pytest.raises(InvalidFormat):
        open_checkpoint(tmp_path)


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = stored(BERT, "Model", tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InvalidFormat, match="Download it again"):
        open_checkpoint(tmp_path)


def test_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    stored(BERT, "Model", tmp_path)
    with pytest.raises(InvalidInput, match="of another shape"):
        load_onnx(plan_of(BERT, hidden_size=64), open_checkpoint(tmp_path))


def test_a_missing_head_is_refused_not_drawn(tmp_path: Path) -> None:
    stored(BERT, "Model", tmp_path)
    plan = plan_of(BERT, "ForTokenClassification")
    with pytest.raises(InvalidInput, match="has to be trained first"):
        load_onnx(plan, open_checkpoint(tmp_path))


def test_an_unknown_activation_is_named(tmp_path: Path) -> None:
    stored(BERT, "Model", tmp_path)
    plan = plan_of(BERT, hidden_act="xyz")
    with pytest.raises(InvalidInput, match="'xyz' is not known"):
        load_onnx(plan, open_checkpoint(tmp_path))


def test_what_no_graph_expresses_names_the_other_engine(tmp_path: Path) -> None:
    from dataclasses import replace

    plan = plan_of(BERT)
    plan = replace(plan, spec=replace(plan.spec, torch_only="two streams"))
    stored(BERT, "Model", tmp_path)
    with pytest.raises(NotSupported, match="bert model: two streams") as caught:
        load_onnx(plan, open_checkpoint(tmp_path))
    assert caught.value.hint == "Load it with engine='torch'."


def test_a_folder_that_cannot_be_written_only_costs_the_cache(tmp_path: Path) -> None:
    stored(BERT, "Model", tmp_path)
    (tmp_path / "file").write_text("in the way")
    model = load_onnx(plan_of(BERT), open_checkpoint(tmp_path), cache_dir=tmp_path / "file")
    assert model(**inputs(BERT, "Model")).last_hidden_state.shape == (2, 7, 32)


def test_converting_without_a_place_to_write_says_what_to_do(tmp_path: Path) -> None:
    halved(tmp_path / "half", "F16")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InvalidInput) as caught:
        load_onnx(plan_of(BERT), open_checkpoint(tmp_path / "half"), cache_dir=tmp_path / "file")
    assert "cache_dir" in caught.value.hint
