"""safetensors and torch checkpoints: found, opened, saved; against the libraries themselves."""

import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from reprise.base.errors import InvalidFormat, InvalidInput, NotFound
from reprise.models.weights import (
    FileSpan,
    find_checkpoint,
    open_checkpoint,
    save_safetensors,
)
from reprise.models.weights.finite import not_finite
from reprise.models.weights.save import Bytes
from reprise.models.weights.to_torch import to_torch

FLOATS = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
SMALL = [torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz]
WHOLE = [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]
NEW = [torch.uint16, torch.uint32, torch.uint64]
COMPLEX = [torch.complex64, torch.complex128]


def tensors(dtypes: list[torch.dtype]) -> dict[str, torch.Tensor]:
    numbers = torch.arange(15).reshape(3, 5) % 7
    found = {f"t.{dtype}".replace("torch.", ""): numbers.to(dtype) for dtype in dtypes}
    return {**found, "empty": torch.zeros(0, 3), "scalar": torch.tensor(2.5), "é\n": torch.ones(1)}


def same(found: Any, expected: dict[str, torch.Tensor]) -> bool:
    return set(found) == set(expected) and all(
        to_torch(found[name]).dtype == value.dtype
        and to_torch(found[name]).shape == value.shape
        and raw(to_torch(found[name])) == raw(value) == found[name].buffer().tobytes()
        for name, value in expected.items()
    )


def raw(tensor: torch.Tensor) -> bytes:
    plain = tensor.detach().contiguous().reshape(-1)
    return plain.view(torch.uint8).numpy().tobytes() if plain.numel() else b""


def items(found: Any) -> list[tuple[str, str, tuple[int, ...], Bytes]]:
    return [(name, t.dtype, t.shape, t.buffer) for name, t in found.items()]


def test_importing_the_package_imports_no_tensor_library() -> None:
    code = "import sys, reprise.models.weights; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "torch", "onnxruntime", "zipfile", "pickle", "h5py"}
    assert heavy & set(out.stdout.split()) == set()


def test_safetensors_are_read_as_the_library_reads_them(tmp_path: Path) -> None:
    expected = tensors([*FLOATS, *SMALL, *WHOLE, *NEW, torch.complex64])
    save_file(expected, tmp_path / "model.safetensors", metadata={"format": "pt", "n": "1"})
    checkpoint = open_checkpoint(tmp_path)
    assert same(checkpoint, expected)
    assert list(checkpoint) == sorted(expected)
    assert checkpoint.metadata == {"format": "pt", "n": "1"}


def test_a_saved_file_is_the_librarys_byte_for_byte(tmp_path: Path) -> None:
    expected = tensors([*FLOATS, *SMALL, *WHOLE, *NEW, torch.complex64])
    save_file(expected, tmp_path / "theirs", metadata={"format": "pt"})
    (tmp_path / "theirs").rename(tmp_path / "theirs.safetensors")
    found = open_checkpoint(tmp_path / "theirs.safetensors")
    assert save_safetensors(tmp_path / "ours", items(found)) == [
        tmp_path / "ours" / "model.safetensors"
    ]
    ours = (tmp_path / "ours" / "model.safetensors").read_bytes()
    assert ours == (tmp_path / "theirs.safetensors").read_bytes()


def test_a_location_leads_to_the_bytes(tmp_path: Path) -> None:
    save_file({"a": torch.arange(4.0)}, tmp_path / "model.safetensors")
    span = open_checkpoint(tmp_path)["a"].location
    assert span is not None
    assert span == FileSpan(tmp_path / "model.safetensors", span.offset, 16)
    data = span.path.read_bytes()[span.offset :][: span.length]
    assert np.frombuffer(data, "<f4").tolist() == [0, 1, 2, 3]


def test_arrays_are_views_of_the_file_and_cannot_be_written(tmp_path: Path) -> None:
    save_file({"a": torch.arange(4.0)}, tmp_path / "model.safetensors")
    checkpoint = open_checkpoint(tmp_path)
    array = checkpoint["a"].numpy()
    checkpoint.close()
    assert len(checkpoint) == 0
    assert array.tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_writing_into_a_torch_tensor_leaves_the_file_alone(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(4)}, tmp_path / "model.safetensors")
    before = (tmp_path / "model.safetensors").read_bytes()
    checkpoint = open_checkpoint(tmp_path)
    one, other = to_torch(checkpoint["a"]), to_torch(checkpoint["a"])
    one.add_(1)
    assert other.tolist() == [1, 1, 1, 1]  # one memory, two names
    assert (tmp_path / "model.safetensors").read_bytes() == before


def test_shards_are_cut_indexed_and_read_by_transformers_rules(tmp_path: Path) -> None:
    values = {f"w{n}": torch.full((4,), float(n)) for n in range(5)}
    save_file(values, tmp_path / "model.safetensors")
    found = open_checkpoint(tmp_path)
    written = save_safetensors(tmp_path, items(found), max_shard_bytes=32)
    names = [f"model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)]
    assert [path.name for path in written] == [*names, "model.safetensors.index.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(p.name for p in written)
    assert load_file(tmp_path / names[1]).keys() == {"w2", "w3"}
    assert same(open_checkpoint(tmp_path), values)


def test_saving_again_leaves_nothing_of_before(tmp_path: Path) -> None:
    old = [(f"w{n}", "F32", (1,), bytes(4)) for n in range(9)]
    save_safetensors(tmp_path, old, max_shard_bytes=4)
    save_safetensors(tmp_path, old[:2], max_shard_bytes=4)
    assert len(list(tmp_path.iterdir())) == 3
    save_safetensors(tmp_path, old[:1])
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]
    assert list(open_checkpoint(tmp_path)) == ["w0"]


def test_a_save_that_fails_changes_nothing(tmp_path: Path) -> None:
    save_safetensors(tmp_path, [("a", "F32", (1,), bytes(4))])

    def broken() -> bytes:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        save_safetensors(tmp_path, [("a", "F32", (1,), bytes(4)), ("b", "F32", (1,), broken)])
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]
    assert list(open_checkpoint(tmp_path)) == ["a"]


@pytest.mark.parametrize(
    ("listed", "problem"),
    [
        ([("a", "F32", (1,), bytes(4))] * 2, "'a' comes twice"),
        ([("a", "F32", (2,), bytes(4))], "needs 8 bytes in a row, not 4"),
        ([("a", "C128", (1,), bytes(16))], r"cannot store 'a': C128 \[1\]"),
        ([("__metadata__", "F32", (1,), bytes(4))], "no name for a tensor"),
    ],
)
def test_what_cannot_be_saved_is_said(listed: Any, problem: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=problem):
        save_safetensors(tmp_path, listed)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before 1.6"])
def test_torch_files_are_read_as_torch_reads_them(old: bool, tmp_path: Path) -> None:
    base = torch.arange(24.0).reshape(4, 6)
    expected: dict[str, torch.Tensor] = OrderedDict(tensors([*FLOATS, *WHOLE, *COMPLEX]))
    expected |= {"row": base[2], "column": base[:, 1], "transposed": base.T, "base": base}
    expected |= {"parameter": torch.nn.Parameter(base), "last": base[-1:].expand((1, -1))}
    if not old:
        expected |= tensors([*SMALL, *NEW, torch.float8_e8m0fnu])
    torch.save(expected, tmp_path / "m.pt", _use_new_zipfile_serialization=not old)
    checkpoint = open_checkpoint(tmp_path / "m.pt")
    assert same(checkpoint, expected)
    assert checkpoint.tied() == [("base", "parameter")]
    checkpoint.verify()


def test_views_of_one_storage_stay_views(tmp_path: Path) -> None:
    base = torch.arange(24.0).reshape(4, 6)
    torch.save({"base": base, "t": base.T, "other": base.clone()}, tmp_path / "m.pt")
    found = open_checkpoint(tmp_path / "m.pt")
    assert found["t"].same_storage(found["base"])
    assert not found["t"].same_view(found["base"])
    assert not found["other"].same_storage(found["base"])
    assert (found["t"].location, found["base"].location is None) == (None, False)
    assert to_torch(found["t"]).data_ptr() == to_torch(found["base"]).data_ptr()
    assert to_torch(found["t"]).stride() == (1, 6)


@pytest.mark.parametrize("key", ["state_dict", "model", "module"])
def test_a_training_checkpoint_gives_its_model(key: str, tmp_path: Path) -> None:
    content = {"epoch": 3, "lr": 0.1, key: {"w": torch.ones(2)}, "optimizer": {"state": {0: {}}}}
    torch.save(content, tmp_path / "m.pt")
    assert list(open_checkpoint(tmp_path / "m.pt")) == ["w"]


def test_sharded_torch_files_are_read_through_their_index(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1)}, tmp_path / "pytorch_model-00001-of-00002.bin")
    torch.save({"b": torch.zeros(1)}, tmp_path / "pytorch_model-00002-of-00002.bin")
    index = tmp_path / "pytorch_model.bin.index.json"
    index.write_text(
        '{"weight_map": {"a": "pytorch_model-00001-of-00002.bin",'
        ' "b": "pytorch_model-00002-of-00002.bin"}}'
    )
    assert same(open_checkpoint(tmp_path), {"a": torch.ones(1), "b": torch.zeros(1)})
    assert same(open_checkpoint(index), {"a": torch.ones(1), "b": torch.zeros(1)})


def test_formats_are_found_in_a_fixed_order(tmp_path: Path) -> None:
    names = ["m.gguf", "model.ckpt.index", "flax_model.msgpack", "tf_model.h5",
             "consolidated.00.pth", "pytorch_model.bin.index.json", "pytorch_model.bin",
             "model.safetensors.index.json", "model.safetensors"]  # fmt: skip
    for name in names:
        (tmp_path / name).touch()
        assert find_checkpoint(tmp_path).path.name == name


def test_the_newest_tensorflow_checkpoint_is_found(tmp_path: Path) -> None:
    for name in ("model.ckpt-1.index", "model.ckpt-2.index"):
        (tmp_path / name).touch()
    with pytest.raises(
        InvalidFormat, match=r"several weights: model\.ckpt-1\.index, model\.ckpt-2"
    ):
        find_checkpoint(tmp_path)
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/where/it/was/model.ckpt-2"\n')
    assert find_checkpoint(tmp_path).path.name == "model.ckpt-2.index"


def test_a_folder_without_weights_is_said(tmp_path: Path) -> None:
    (tmp_path / "config.json").touch()
    with pytest.raises(NotFound, match=r"(?s)Looked for: model\.safetensors.*It has: config\.json"):
        find_checkpoint(tmp_path)


def test_weights_cut_for_several_processes_are_refused(tmp_path: Path) -> None:
    for name in ("consolidated.00.pth", "consolidated.01.pth"):
        (tmp_path / name).touch()
    with pytest.raises(InvalidFormat, match="cut for several processes"):
        find_checkpoint(tmp_path)


def test_tensors_with_nan_or_infinity_are_listed(tmp_path: Path) -> None:
    values = {f"good.{dtype}": torch.ones(9, dtype=dtype) for dtype in FLOATS}
    values |= {f"nan.{dtype}": torch.tensor([1, float("nan")], dtype=dtype) for dtype in FLOATS}
    values |= {"inf": torch.tensor([[float("-inf")]]), "count": torch.tensor([-1])}
    save_file(values, tmp_path / "model.safetensors")
    expected = sorted(name for name in values if name.startswith(("nan", "inf")))
    assert not_finite(open_checkpoint(tmp_path).values()) == expected
