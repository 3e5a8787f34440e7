"""Weights survive every round trip, whatever their names, types and shapes."""

import tempfile
from math import prod
from pathlib import Path
from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from reprise.base.errors import RepriseError
from reprise.models.weights import open_checkpoint, save_safetensors
from reprise.models.weights.crc32c import crc32c
from reprise.models.weights.dtypes import ORDER, TORCH, byte_count
from reprise.models.weights.flax import save_flax
from reprise.models.weights.stored import StoredTensor, rearranged
from reprise.models.weights.tf_save import save_tf_bundle
from reprise.models.weights.tf_table import entries, table
from reprise.models.weights.to_torch import to_torch

Stored = tuple[str, tuple[int, ...], bytes]
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/"), min_size=1)
SHAPES = st.lists(st.integers(0, 5), max_size=4).map(tuple)
TYPES = sorted(set(ORDER) & set(TORCH))
TENSORFLOW = sorted(set(TYPES) - {"F8_E4M3FNUZ", "F8_E5M2FNUZ", "F8_E8M0"})


@st.composite
def stored(draw: st.DrawFn, dtypes: list[str]) -> Stored:
    dtype, shape = draw(st.sampled_from(dtypes)), draw(SHAPES)
    size = byte_count(dtype, prod(shape)) or 0
    # Bytes of booleans are 0 or 1, or torch would be right to call two of them different.
    smallest = bytes([0, 1]) if dtype == "BOOL" else bytes(range(256))
    pool = draw(st.lists(st.sampled_from(smallest), min_size=size, max_size=size))
    return dtype, shape, bytes(pool)


def content(path: Path) -> dict[str, Stored]:
    return {
        name: (tensor.dtype, tensor.shape, bytes(tensor.buffer()))
        for name, tensor in open_checkpoint(path).items()
    }


def items(values: dict[str, Stored]) -> list[Any]:
    return [(name, *value) for name, value in values.items()]


@settings(deadline=None)
@given(st.dictionaries(NAMES, stored(TYPES)), st.integers(1, 200))
def test_safetensors_round_trip(values: dict[str, Stored], most: int) -> None:
    values.pop("__metadata__", None)
    with tempfile.TemporaryDirectory() as folder:
        save_safetensors(Path(folder), items(values), max_shard_bytes=most)
        assert content(Path(folder)) == values


@settings(deadline=None)
@given(st.dictionaries(NAMES, stored(TYPES), min_size=1))
def test_the_library_reads_and_writes_the_same_bytes(values: dict[str, Stored]) -> None:
    values.pop("__metadata__", None)
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder, "model.safetensors"), Path(folder, "theirs.safetensors")
        save_safetensors(Path(folder), items(values))
        save_file(load_file(ours), theirs, metadata={"format": "pt"})
        assert ours.read_bytes() == theirs.read_bytes()


@settings(deadline=None)
@given(st.dictionaries(NAMES, stored([t for t in TYPES if "8" not in t and t[0] != "U"])))
def test_torch_round_trip(values: dict[str, Stored]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        save_safetensors(Path(folder), items(values))
        tensors = {name: to_torch(t) for name, t in open_checkpoint(Path(folder)).items()}
        for old in (False, True):
            path = Path(folder, "m.pt")
            torch.save({**tensors, "": torch.ones(1)}, path, _use_new_zipfile_serialization=not old)
            found = content(path)
            assert {name: item for name, item in found.items() if name} == values


@settings(deadline=None)
@given(st.dictionaries(NAMES, stored(TENSORFLOW)))
def test_tensorflow_round_trip(values: dict[str, Stored]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        save_tf_bundle(Path(folder, "m"), items(values))
        assert content(Path(folder, "m")) == values


@settings(deadline=None)
@given(st.dictionaries(NAMES, stored(TYPES)))
def test_flax_round_trip(values: dict[str, Stored]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        save_flax(Path(folder, "m.msgpack"), items(values))
        assert content(Path(folder, "m.msgpack")) == values


@given(st.dictionaries(st.binary(max_size=9), st.binary(max_size=40)))
def test_tables_round_trip(values: dict[bytes, bytes]) -> None:
    ordered = sorted(values.items())
    assert list(entries(memoryview(table(ordered)))) == ordered


@given(st.binary(max_size=3000), st.binary(max_size=3000))
def test_checksums_agree_with_a_plain_loop(one: bytes, other: bytes) -> None:
    def plain(data: bytes) -> int:
        state = 0xFFFFFFFF
        for byte in data:
            state ^= byte
            for _ in range(8):
                state = (state >> 1) ^ (0x82F63B78 if state & 1 else 0)
        return state ^ 0xFFFFFFFF

    assert crc32c(one + other) == plain(one + other)


@settings(deadline=None)
@given(SHAPES, st.data())
def test_moving_axes_is_what_numpy_does(shape: tuple[int, ...], data: st.DataObject) -> None:
    axes = tuple(data.draw(st.permutations(range(len(shape)))))
    values = torch.arange(prod(shape), dtype=torch.int32).reshape(shape)
    view = memoryview(values.numpy().tobytes())
    tensor = StoredTensor("a", "I32", shape, produce=lambda: view)
    moved = rearranged(tensor, "b", axes)
    assert moved.numpy().tolist() == values.numpy().transpose(axes).tolist()
    with tempfile.TemporaryDirectory() as folder:
        save_safetensors(Path(folder), [("a", "I32", shape, view)])
        placed = rearranged(open_checkpoint(Path(folder))["a"], "b", axes)
        assert placed.shape == moved.shape
        assert bytes(placed.buffer()) == bytes(moved.buffer())
        assert torch.equal(to_torch(placed), values.permute(axes))


@settings(deadline=None)
@given(
    st.sampled_from(["m.safetensors", "m.pt", "m.msgpack", "m.gguf", "m.index"]),
    st.sampled_from([b"", b"PK\x03\x04", b"GGUF\x03\0\0\0", b"\x80\x02", b"\x82"]),
    st.binary(max_size=300),
)
def test_any_bytes_are_read_or_refused(name: str, first: bytes, rest: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, name).write_bytes(first + rest)
        try:
            for tensor in open_checkpoint(Path(folder, name)).values():
                tensor.buffer()
        except RepriseError:
            return
