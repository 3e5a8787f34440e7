"""Weights of TensorFlow, Keras, Flax and llama.cpp, against files that the real ones wrote.

The files and what they hold: tests/golden/make_weights.py.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprise.base.errors import InvalidInput, NotSupported
from reprise.models.weights import Checkpoint, open_checkpoint
from reprise.models.weights.flax import save_flax
from reprise.models.weights.foreign_names import to_hf
from reprise.models.weights.tf1_export import to_tf1
from reprise.models.weights.tf_save import save_tf_bundle
from reprise.models.weights.to_torch import to_torch

GOLDEN = Path(__file__).parents[1] / "golden" / "weights"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text())
MODELS = [case for case, value in EXPECTED.items() if "model_type" in value]
# What the files hold beyond the parameters of the torch models.
BEYOND = {
    "h5/bart.h5": {"final_logits_bias"},
    "h5/albert.h5": {"predictions.decoder.bias"},
    "shards/tf": {"final_logits_bias"},
}


def digest(array: Any) -> list[Any]:
    plain = np.ascontiguousarray(array)
    return [list(array.shape), hashlib.sha256(plain.tobytes()).hexdigest()[:16]]


def opened(case: str) -> Checkpoint:
    path = GOLDEN / case.partition(" ")[0]
    if path.suffix == ".h5" or case == "shards/tf":
        pytest.importorskip("h5py")
    return open_checkpoint(path)


@pytest.mark.parametrize("case", MODELS)
def test_weights_get_the_names_and_numbers_that_transformers_gives_them(case: str) -> None:
    value = EXPECTED[case]
    found = to_hf(opened(case), value["model_type"], generator="generator" in case)
    numbers = {name: digest(tensor.numpy()) for name, tensor in found.items()}
    for name in BEYOND.get(case, set()):
        del numbers[name]
    assert numbers == value["tensors"]


@pytest.mark.parametrize("case", ["tf1/bert/model.ckpt.index", "flax/bert.msgpack", "h5/bert.h5"])
def test_transposed_weights_are_the_same_through_torch_numpy_and_bytes(case: str) -> None:
    for tensor in to_hf(opened(case), "bert").values():
        array = tensor.numpy()
        assert to_torch(tensor).numpy().tobytes() == array.tobytes() == tensor.buffer().tobytes()
        assert to_torch(tensor).shape == array.shape == tensor.shape


def test_what_torch_and_safetensors_hold_keeps_its_names(tmp_path: Path) -> None:
    import torch

    torch.save({"a.gamma": torch.ones(2)}, tmp_path / "pytorch_model.bin")
    assert list(to_hf(open_checkpoint(tmp_path), "bert")) == ["a.gamma"]


def test_an_unknown_family_of_tensorflow_1_is_named() -> None:
    with pytest.raises(NotSupported, match=r"'xlnet'.*known are bert"):
        to_hf(open_checkpoint(GOLDEN / "tf1/bert"), "xlnet")


@pytest.mark.parametrize("path", ["types/model.ckpt", "types/all.msgpack"])
def test_every_type_of_number_is_read_exactly(path: str) -> None:
    checkpoint = open_checkpoint(GOLDEN / path)
    names = {name.replace("/", "_"): name for name in checkpoint}
    types = {n: v for n, v in EXPECTED["types"].items() if n != "big"}
    for name, (_, shape, sha) in types.items():
        tensor = checkpoint[names[name.replace("/", "_")]]
        found = [list(tensor.shape), hashlib.sha256(tensor.buffer()).hexdigest()[:16]]
        assert found == [shape, sha], name


def test_a_bundle_lists_what_holds_no_numbers() -> None:
    checkpoint = open_checkpoint(GOLDEN / "types")
    assert checkpoint.metadata["skipped"] == ["text"]
    assert [c for c in checkpoint if c.startswith("many/")][:2] == [
        "many/layer_0/kernel",
        "many/layer_1/kernel",
    ]
    checkpoint.verify()


def test_bfloat16_is_widened_only_on_request() -> None:
    tensor = open_checkpoint(GOLDEN / "types/model.ckpt")["v/bfloat16"]
    whole = open_checkpoint(GOLDEN / "types/model.ckpt")["v/float32"].numpy()
    with pytest.raises(InvalidInput, match="widen=True"):
        tensor.numpy()
    wide = tensor.numpy(widen=True)
    assert wide.dtype == np.float32
    assert np.allclose(wide, whole, rtol=2**-8)


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2"])
def test_eight_bit_floats_are_widened_as_torch_does(name: str) -> None:
    tensor = open_checkpoint(GOLDEN / "types/all.msgpack")[f"v_{name}"]
    assert tensor.numpy(widen=True).tolist() == to_torch(tensor).float().tolist()


def test_an_array_that_flax_cut_is_joined() -> None:
    tensor = open_checkpoint(GOLDEN / "types/chunked.msgpack")["big"]
    assert ["float32", *digest(tensor.numpy())] == EXPECTED["types"]["big"]
    assert tensor.location is None


def test_flax_values_that_are_no_arrays_are_listed() -> None:
    checkpoint = open_checkpoint(GOLDEN / "types/all.msgpack")
    assert checkpoint.metadata["skipped"] == ["count"]
    assert checkpoint["list/0"].shape == (2, 3)


def test_gguf_tensors_are_dequantised_as_llama_cpp_does() -> None:
    checkpoint = open_checkpoint(GOLDEN / "types")  # TensorFlow comes first in a folder
    assert checkpoint.format == "tensorflow"
    checkpoint = open_checkpoint(GOLDEN / "types/model.gguf")
    for name in ("F32", "F16", "BF16", "Q8_0", "Q4_0"):
        found = checkpoint[name].numpy(widen=True).astype("float32")
        assert digest(found) == EXPECTED["gguf"][name], name
    with pytest.raises(InvalidInput, match="'Q5_0' is quantised as Q5_0"):
        checkpoint["Q5_0"].numpy(widen=True)


def test_gguf_metadata_is_read() -> None:
    metadata = open_checkpoint(GOLDEN / "types/model.gguf").metadata
    assert metadata == {
        "general.architecture": "llama",
        "llama.block_count": 3,
        "tokenizer.ggml.tokens": ["a", "b", "é"],
        "tokenizer.ggml.scores": [1.5, 2.0],
        "flag": True,
    }


def test_a_bundle_we_write_holds_what_tensorflow_wrote(tmp_path: Path) -> None:
    original = open_checkpoint(GOLDEN / "types/model.ckpt")
    triples = [(name, t.dtype, t.shape, t.buffer) for name, t in original.items()]
    written = save_tf_bundle(tmp_path / "out" / "model.ckpt", triples)
    assert [path.name for path in written] == [
        "model.ckpt.data-00000-of-00001",
        "model.ckpt.index",
        "checkpoint",
    ]
    again = open_checkpoint(tmp_path / "out")
    again.verify()
    assert list(again) == list(original)
    for name, tensor in original.items():
        assert (again[name].dtype, again[name].shape) == (tensor.dtype, tensor.shape)
        assert again[name].buffer() == tensor.buffer()


@pytest.mark.parametrize("family", ["albert", "bert", "electra", "gpt2", "t5"])
def test_a_bundle_we_write_is_tensorflows_byte_for_byte(family: str, tmp_path: Path) -> None:
    original = open_checkpoint(GOLDEN / "tf1" / family)
    save_tf_bundle(
        tmp_path / "model.ckpt", [(n, t.dtype, t.shape, t.buffer()) for n, t in original.items()]
    )
    for name in ("model.ckpt.index", "model.ckpt.data-00000-of-00001"):
        assert (tmp_path / name).read_bytes() == (GOLDEN / "tf1" / family / name).read_bytes()


ORIGINALS = [("bert", False), ("albert", False), ("electra", False), ("electra", True),
             ("gpt2", False), ("t5", False)]  # fmt: skip


@pytest.mark.parametrize(("family", "generator"), ORIGINALS)
def test_a_model_goes_back_to_the_names_of_tensorflow_1(family: str, generator: bool) -> None:
    original = open_checkpoint(GOLDEN / "tf1" / family)
    ours = to_hf(original, family, generator=generator)
    back = to_tf1(ours, family)
    for name, tensor in back.items():
        assert tensor.shape == original[name].shape
        assert tensor.buffer() == original[name].buffer()
    again = to_hf(back, family, generator=generator)
    assert {n: t.numpy().tolist() for n, t in again.items()} == {
        n: t.numpy().tolist() for n, t in ours.items()
    }


def test_tied_tensors_and_buffers_stay_out_of_tensorflow() -> None:
    ours = dict(to_hf(open_checkpoint(GOLDEN / "tf1/bert"), "bert"))
    words, bias = ours["bert.embeddings.word_embeddings.weight"], ours["cls.predictions.bias"]
    ours |= {"cls.predictions.decoder.weight": words, "cls.predictions.decoder.bias": bias}
    ours |= {"bert.embeddings.position_ids": bias}
    assert "cls/predictions/output_bias" in to_tf1(ours, "bert")
    assert len(to_tf1(ours, "bert")) == len(ours) - 3
    ours["cls.predictions.decoder.bias"] = ours["bert.pooler.dense.bias"]
    with pytest.raises(NotSupported, match=r"no place for 'cls\.predictions\.decoder\.bias'"):
        to_tf1(ours, "bert")


def test_what_the_original_code_never_had_is_refused() -> None:
    ours = to_hf(open_checkpoint(GOLDEN / "tf1/bert"), "bert")
    with pytest.raises(NotSupported, match="'llama' is not known here"):
        to_tf1(ours, "llama")


def test_a_bundle_with_many_names_is_read_back(tmp_path: Path) -> None:
    values = {f"layer_{n:05d}/kernel": n.to_bytes(4, "little") for n in range(12_000)}
    save_tf_bundle(tmp_path / "m", [(n, "I32", (), data) for n, data in values.items()])
    again = open_checkpoint(tmp_path / "m")
    assert {name: bytes(tensor.buffer()) for name, tensor in again.items()} == values


def test_flax_files_we_write_hold_what_flax_wrote(tmp_path: Path) -> None:
    original = open_checkpoint(GOLDEN / "flax/bert.msgpack")
    save_flax(
        tmp_path / "flax_model.msgpack",
        [(name, t.dtype, t.shape, t.buffer()) for name, t in original.items()],
    )
    again = open_checkpoint(tmp_path)
    assert {n: t.numpy().tolist() for n, t in again.items()} == {
        n: t.numpy().tolist() for n, t in original.items()
    }
