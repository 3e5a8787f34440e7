"""A model in few bits as a folder: measured, refused when too coarse, loaded again."""

import json
from pathlib import Path

import numpy as np
import pytest

from reprise.base.errors import InvalidInput
from reprise.cli.main import run
from reprise.models import AutoModel, AutoModelForCausalLM, Config
from reprise.models.quantized_folder import quantize_folder
from reprise.models.weights import open_checkpoint, save_safetensors
from tests.pipeline_models import save

TEXT = "The card has not arrived yet, and nobody answers. What can I do about it? " * 12
SHAPE = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "initializer_range": 0.2}


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("writer")
    return save(folder, "GPT2LMHeadModel", model_type="gpt2", **SHAPE)


def made(writer: Path, folder: Path, dtype: str = "int4") -> Path:
    quantize_folder(writer, folder, dtype=dtype, text=TEXT, minimum=0.5, cache_dir=folder.parent)
    return folder


@pytest.mark.parametrize("dtype", ["int8", "int4"])
def test_a_folder_loads_again_and_says_what_it_cost(
    dtype: str, writer: Path, tmp_path: Path
) -> None:
    told: list[tuple[str, int, int]] = []
    found = quantize_folder(
        writer, tmp_path / "small", dtype=dtype, text=TEXT, minimum=0.5, cache_dir=tmp_path,
        progress=lambda *what: told.append(what),
    )  # fmt: skip
    loss = found.loss
    assert 0.5 < loss.lowest <= loss.cosine < 1
    assert loss.agreement is not None
    assert loss.before is not None
    assert abs(loss.after / loss.before - 1) < {"int8": 0.01, "int4": 0.5}[dtype]
    assert found.bytes_after < found.bytes_before
    assert {what: done == total for what, done, total in told} == {
        "making numbers": True, "measuring": True}  # fmt: skip
    again = AutoModelForCausalLM.from_pretrained(found.folder, cache_dir=tmp_path)
    straight = AutoModelForCausalLM.from_pretrained(writer, dtype=dtype, cache_dir=tmp_path)
    ids = [[5, 6, 7, 8]]
    np.testing.assert_array_equal(again(ids).logits, straight(ids).logits)
    body = AutoModel.from_pretrained(found.folder, cache_dir=tmp_path)
    assert body(ids).last_hidden_state.shape == (1, 4, 32)


def test_what_is_too_coarse_is_not_kept(writer: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"int4 is too coarse .* 0\.99999 is asked for"):
        quantize_folder(writer, tmp_path / "small", dtype="int4", text=TEXT, minimum=0.99999,
                        cache_dir=tmp_path / "cache")  # fmt: skip
    assert {path.name for path in tmp_path.iterdir()} == {"cache"}


def test_an_encoder_is_measured_by_its_states(tmp_path: Path) -> None:
    save(tmp_path / "bert", "BertModel")
    found = quantize_folder(tmp_path / "bert", tmp_path / "small", text=TEXT, cache_dir=tmp_path)
    assert (found.loss.agreement, found.loss.before) == (None, None)
    assert 0.99 < found.loss.cosine < 1


def test_what_cannot_be_is_said(writer: Path, tmp_path: Path) -> None:
    small = made(writer, tmp_path / "small")
    with pytest.raises(InvalidInput, match="is there already"):
        quantize_folder(writer, small)
    with pytest.raises(InvalidInput, match="in few bits already"):
        quantize_folder(small, tmp_path / "other")
    with pytest.raises(InvalidInput, match="There is no 'int2'"):
        quantize_folder(writer, tmp_path / "other", dtype="int2")
    for asked in ({"engine": "torch"}, {"dtype": "int8"}, {"dtype": "float32"}):
        with pytest.raises(InvalidInput, match="int4"):
            AutoModelForCausalLM.from_pretrained(small, **asked)


def test_a_folder_that_was_tampered_with_is_refused(writer: Path, tmp_path: Path) -> None:
    small = made(writer, tmp_path / "small")
    tensors = {n: t.numpy() for n, t in open_checkpoint(small / "packed.safetensors").items()}
    name = "packed.layers.0.ff.up.scales"
    kinds = {"uint8": "U8", "float32": "F32"}

    def write(scales: np.ndarray) -> None:
        listed = (tensors | {name: scales}).items()
        save_safetensors(small, [(n, kinds[str(a.dtype)], a.shape, a.tobytes()) for n, a in listed])
        (small / "model.safetensors").rename(small / "packed.safetensors")

    write(tensors[name][:1])
    with pytest.raises(InvalidInput, match=rf"{name} must be F32 \[128, 1\]"):
        AutoModelForCausalLM.from_pretrained(small)
    write(np.full_like(tensors[name], np.inf))
    with pytest.raises(InvalidInput, match="not finite"):
        AutoModelForCausalLM.from_pretrained(small, cache_dir=tmp_path)([[5, 6]])
    config = json.loads((small / "config.json").read_text())
    Config(config | {"quantization_config": {"quant_method": "reprise-blocks", "bits": 3}}).save(
        small
    )
    with pytest.raises(InvalidInput, match="int3"):
        AutoModelForCausalLM.from_pretrained(small)


def test_the_command_prints_what_it_costs(
    writer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    small = str(tmp_path / "small")
    assert run(["quantize", str(writer), "-o", small, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["folder"], found["dtype"], found["text"]) == (small, "int8", "sample")
    assert (
        run(["quantize", str(writer), "--dtype", "int4", "-o", f"{small}4", "--minimum", "1"]) == 1
    )
    assert "int4 is too coarse for this model" in capsys.readouterr().err
