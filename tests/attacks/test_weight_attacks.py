"""Hostile weights: a clear error, no code run, little memory, no long wait.

Every test runs under a limit of memory and time; see `bounded`.
"""

import io
import json
import pickle
import resource
import struct
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from reprise.base.errors import CorruptContent, InvalidFormat, NotFound, NotSupported
from reprise.models.weights import open_checkpoint
from reprise.models.weights.flax import save_flax
from reprise.models.weights.msgpack import put_extension_head, put_map, put_text
from reprise.models.weights.tf_save import save_tf_bundle

GOLDEN = Path(__file__).parents[1] / "golden" / "weights"
MEMORY = 300 << 20  # bytes that refusing a file may need beyond what was there
CPU_SECONDS = 5  # generous: machines are slow and shared; what is noticed is a bomb


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    peak, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < MEMORY >> 10
    assert time.process_time() - start < CPU_SECONDS


def refused(path: Path, problem: str, kind: type[Exception] = InvalidFormat) -> None:
    with pytest.raises(kind, match=problem):
        read_all(path)


def read_all(path: Path) -> None:
    for tensor in open_checkpoint(path).values():
        tensor.buffer()


def safetensors(path: Path, header: Any, data: bytes = b"", length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    size = len(text) if length is None else length
    path.write_bytes(size.to_bytes(8, "little") + text + data)
    return path


def entry(dtype: str, shape: list[int], start: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


@pytest.mark.parametrize(
    ("header", "data", "problem"),
    [
        ({"a": entry("F32", [2], 0, 4)}, 4, r"F32 \[2\], 8 bytes, but 4 are stored"),
        ({"a": entry("F32", [1], 0, 4)}, 3, "cut short or lies: tensor 'a' would end at byte"),
        ({"a": entry("F32", [1], 0, 4)}, 5, "is 74 bytes long, but its header describes 73"),
        ({"a": entry("F32", [1], 4, 8)}, 8, "starts at byte 4 behind the header, where 0 is due"),
        ({"a": entry("F32", [1], 0, 4), "b": entry("F32", [1], 2, 6)}, 6, "neither overlap"),
        ({"a": entry("F32", [1], 0, 4), "b": entry("F32", [1], 0, 4)}, 4, "neither overlap"),
        ({"a": entry("F33", [1], 0, 4)}, 4, "the type 'F33', which is unknown"),
        ({"a": entry("F32", [-1], 0, 4)}, 4, "describes 'a' wrongly"),
        ({"a": entry("F32", [1 << 40, 1 << 40], 0, 4)}, 4, "describes 'a' wrongly"),
        ({"a": entry("F32", [1 << 61], 0, 1 << 61)}, 4, "bytes, but"),
        ({"a": entry("U8", [1 << 50], 0, 1 << 50)}, 4, "cut short or lies"),
        ({"a": entry("F32", [True], 0, 4)}, 4, "describes 'a' wrongly"),
        ({"a": entry("F32", [1.0], 0, 4)}, 4, "describes 'a' wrongly"),  # type: ignore[list-item]
        ({"a": entry("F32", [0] * 99, 0, 0)}, 0, "describes 'a' wrongly"),
        ({"a": entry("F4", [1], 0, 1)}, 1, "None bytes, but 1 are stored"),
        ({"a": {"dtype": "F32"}}, 0, "describes 'a' wrongly"),
        ({"a": None}, 0, "describes 'a' wrongly"),
        ([], 0, "must be a JSON object"),
        ({"__metadata__": [1]}, 0, "metadata of a safetensors header must be"),
        (b"[" * 100_000, 0, "not valid JSON"),
        (b'{"a": ' + b"9" * 10_000 + b"}", 0, "not valid JSON"),
        (b"\xff\xfe", 0, "not valid JSON"),
    ],
)
def test_safetensors_that_lie(header: Any, data: int, problem: str, tmp_path: Path) -> None:
    refused(safetensors(tmp_path / "m.safetensors", header, bytes(data)), problem)


@pytest.mark.parametrize("length", [1 << 63, 33 << 20, 1000, 1, 0])
def test_a_header_of_another_length(length: int, tmp_path: Path) -> None:
    path = safetensors(tmp_path / "m.safetensors", {}, length=length)
    refused(path, "its first 8 bytes are no length|is cut short or lies: the header")


@pytest.mark.parametrize("size", [0, 7, 8])
def test_a_file_that_is_too_short(size: int, tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").write_bytes(bytes(size))
    refused(tmp_path / "m.safetensors", "its first 8 bytes are no length")


def test_a_pointer_instead_of_weights(tmp_path: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    (tmp_path / "model.safetensors").write_bytes(pointer)
    refused(tmp_path / "model.safetensors", "Git LFS pointer")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"weight_map": {"a": "../m.safetensors"}}', "no file beside it: '../m.safetensors'"),
        ('{"weight_map": {"a": "/etc/passwd"}}', "no file beside it"),
        ('{"weight_map": {"a": ".."}}', "no file beside it"),
        ('{"weight_map": {"a": "x\\u0000y"}}', "no file beside it"),
        ('{"weight_map": {"a": 1}}', "no file beside it"),
        ('{"weight_map": {"b": "m.safetensors"}}', "'b' is not in m.safetensors"),
        ('{"weight_map": {"a": "m.safetensors", "b": "n.safetensors"}}', "'a' is in two shards"),
        ('{"weight_map": {}}', "has no weight_map"),
        ("[]", "has no weight_map"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_an_index_that_lies(text: str, problem: str, tmp_path: Path) -> None:
    for name in ("m.safetensors", "n.safetensors"):
        (tmp_path / name).write_bytes(save({"a": torch.ones(1)}))
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(text)
    refused(index, problem)


def test_a_shard_that_is_absent(tmp_path: Path) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text('{"weight_map": {"a": "m.safetensors"}}')
    refused(index, "There is no file", NotFound)


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").symlink_to("/dev/zero")
    refused(tmp_path / "m.safetensors", "is not a file")


# torch


class Evil:
    """Unpickling it would leave a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def zipped(path: Path, content: bytes, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", content)
        for name, data in members.items():
            archive.writestr(f"m/data/{name.lstrip('_')}", data)
    return path


# ('storage', FloatStorage, key, 'cpu', count) as a persistent id
STORAGE = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0%bX\x03\0\0\0cpuJ%btQ"


def storage(key: bytes = b"0", count: int = 4) -> bytes:
    return STORAGE % (key, struct.pack("<i", count))


def tensor(shape: str, strides: str, offset: int = 0, *, count: int = 4) -> bytes:
    """Write a pickle of `{"w": tensor}` by hand."""
    sizes = "".join(f"L{n}L\n" for n in shape.split()).encode()
    steps = "".join(f"L{n}L\n" for n in strides.split()).encode()
    number = f"L{offset}L\n".encode()
    arguments = b"(" + storage(count=count) + number + b"(" + sizes + b"t(" + steps + b"t\x89Nt"
    return b"\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"Rs."


def test_a_tensor_written_by_hand_is_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.pt", tensor("2 2", "2 1"), _0=bytes(16))
    assert open_checkpoint(path)["w"].numpy().tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before 1.6"])
def test_no_code_in_a_pickle_runs(old: bool, tmp_path: Path) -> None:
    content = {"w": torch.ones(1), "evil": Evil(tmp_path / "ran")}
    torch.save(content, tmp_path / "m.pt", _use_new_zipfile_serialization=not old)
    refused(tmp_path / "m.pt", "wants to import 'pathlib.Path.touch'|wants to import 'getattr'|"
            "wants to import '.*getattr'|wants to import 'pathlib")  # fmt: skip
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "name", ["posix\nsystem", "builtins\neval", "torch\nload", "torch._utils\n_rebuild_qtensor",
             "torch.storage\nFloatStorage.__new__", "collections\nCounter", "numpy\narray"],
)  # fmt: skip
def test_names_beyond_weights_are_named(name: str, tmp_path: Path) -> None:
    content = b"\x80\x02c" + name.encode() + b"\n(tR."
    path = zipped(tmp_path / "m.pt", content)
    refused(path, f"wants to import '{name.replace(chr(10), '.')}'")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (tensor("5", "1"), r"shape \[5\] does not fit into its storage of 4 numbers"),
        (tensor("2 2", "2 2"), "does not fit"),
        (tensor("2", "1", 3), "does not fit"),
        (tensor("2", "1", -1), "from something that is no storage"),
        (tensor("2", "-1"), "from something that is no storage"),
        (tensor("1099511627776", "0"), "does not fit"),
        (tensor("4611686018427387904", "1"), "from something that is no storage"),
        (tensor("2 2", "1"), "more strides than sizes"),
        (tensor(" ".join("1" * 99), " ".join("1" * 99)), "does not fit"),
        (tensor("4", "1", count=5), "5 numbers of F32, 20 bytes, but 16 are stored"),
        (tensor("4", "1", count=2**31 - 1), "but 16 are stored"),
        (tensor("4", "1", count=-1), "Storage '0' is a view of another|no storage"),
    ],
)
def test_tensors_that_leave_their_storage(content: bytes, problem: str, tmp_path: Path) -> None:
    refused(zipped(tmp_path / "m.pt", content, _0=bytes(16)), problem)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\x80\x02}q\0X\x01\0\0\0ah\0s.", "no dictionary of tensors, but: 'a'"),
        (b"\x80\x02]q\0h\0a.", "no dictionary of tensors, but: list"),
        (b"\x80\x02](q\0h\0t.", "is damaged"),
        (b"\x80\x02" + b"(" * 400_000 + b"t" * 400_000 + b".", "no dictionary of tensors"),
        (b"\x80\x02" + b")" + b"\x85" * 900_000 + b".", "no dictionary of tensors"),
        (b"\x80\x02})" + b"\x85" * 100_000 + b"Ns.", "as a key that is no text or number"),
        (b"\x80\x02}\x80\x02}s.", "is damaged"),
        (b"\x80\x02Nr\xff\xff\xff\xff.", "no dictionary of tensors, but: NoneType"),
        (b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc.", "is damaged"),
        (b"\x80\x04\x8b\xff\xff\xff\x7fabc.", "is damaged"),
        (b"\x80\x02I" + b"9" * 100_000 + b"\n.", "is damaged"),
        (b"\x80\x02N" + b"N0" * 1_100_000 + b".", "has over 1000000 steps"),
        (b"\x80\x02h\x05.", "is damaged"),
        (b"\x80\x02RRR.", "is damaged"),
        (b"\x80\x02N)R.", "calls something that is no function"),
        (b"\x80\x02ctorch\nFloatStorage\n)R.", "calls something that is no function"),
        (b"\x80\x02ctorch\nSize\nNR.", "calls something that is no function"),
        (b"\x80\x02ctorch\nSize\nK\x05\x85R.", "is damaged"),
        (b"\x80\x02ccollections\nOrderedDict\nX\x02\0\0\0ab\x85R.", "is damaged"),
        (b"\x80\x02K\x01N\x86b.", "is damaged|sets the state"),
        (b"\x80\x02Nb.", "is damaged"),
        (b"\x80\x02X\x01\0\0\0aQ.", "refers to something that is no storage"),
        (b"\x80\x02X\x01\0\0\0aX\x01\0\0\0b\x93.", "wants to import 'a.b'"),
        (b"\x80\x02\x82\x01.", "the pickle uses EXT1|uses EXT1"),
        (b"\x80\x05\x97.", "uses NEXT_BUFFER"),
        (b"\x80\x02", "is damaged"),
        (b"", "is damaged"),
        (b"not a pickle", "is damaged"),
    ],
)
def test_pickles_made_to_hurt(content: bytes, problem: str, tmp_path: Path) -> None:
    refused(zipped(tmp_path / "m.pt", content), problem)


def test_a_zip_bomb(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/data.pkl", tensor("4", "1"), zipfile.ZIP_STORED)
        archive.writestr("m/data/0", bytes(64 << 20))
    refused(path, "'m/data/0' is compressed or encrypted")


def test_a_pickle_that_is_a_bomb(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/data.pkl", bytes(65 << 20))
    refused(path, "has a pickle of over")


def test_members_with_the_same_name(tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.pt", tensor("4", "1"), _0=bytes(16))
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("m/data/0", b"x" * 16)
    refused(path, "one name twice")


def test_two_pickles_in_one_archive(tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.pt", tensor("4", "1"), _0=bytes(16))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("n/data.pkl", b"")
    refused(path, "none that torch wrote")


def test_a_storage_that_is_absent(tmp_path: Path) -> None:
    refused(zipped(tmp_path / "m.pt", tensor("4", "1")), "lacks the storage '0'")


def test_big_endian_numbers(tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.pt", tensor("4", "1"), _0=bytes(16))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("m/byteorder", "big")
    refused(path, "byte order b'big'", NotSupported)


def test_a_flipped_bit_is_found_on_request(tmp_path: Path) -> None:
    torch.save({"w": torch.arange(64.0)}, tmp_path / "m.pt")
    data = bytearray((tmp_path / "m.pt").read_bytes())
    span = open_checkpoint(tmp_path / "m.pt")["w"].location
    assert span is not None
    data[span.offset + 5] ^= 1
    (tmp_path / "m.pt").write_bytes(data)
    checkpoint = open_checkpoint(tmp_path / "m.pt")
    with pytest.raises(CorruptContent, match=r"checksum of .*data/0' is wrong"):
        checkpoint.verify()


# Every format, cut and damaged


def torch_file(old: bool) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        values = {"w": torch.arange(6.0).reshape(2, 3), "b": torch.ones(3)}
        torch.save(values, path, _use_new_zipfile_serialization=not old)

    return write


GGUF = (GOLDEN / "types" / "model.gguf").read_bytes()
WRITERS: dict[str, Callable[[Path], None]] = {
    "m.safetensors": lambda path: path.write_bytes(save({"w": torch.ones(3)})) and None,
    "m.pt": torch_file(old=False),
    "old.pt": torch_file(old=True),
    "m.msgpack": lambda path: save_flax(path, [("a/w", "F32", (3,), bytes(12))]),
    "m.gguf": lambda path: path.write_bytes(GGUF[:-16]) and None,  # without the padding
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_cut_anywhere_is_refused(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / name)
    data = (tmp_path / name).read_bytes()
    for end in sorted({*range(0, len(data), max(1, len(data) // 97)), len(data) - 1}):
        (tmp_path / name).write_bytes(data[:end])
        with pytest.raises((InvalidFormat, NotSupported)):
            read_all(tmp_path / name)


@pytest.mark.parametrize("name", WRITERS)
def test_any_changed_byte_gives_an_answer_or_an_error_of_ours(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / name)
    data = bytearray((tmp_path / name).read_bytes())
    for place in range(0, len(data), max(1, len(data) // 211)):
        before, data[place] = data[place], data[place] ^ 0xFF
        (tmp_path / name).write_bytes(data)
        data[place] = before
        try:
            read_all(tmp_path / name)
        except (InvalidFormat, NotSupported, CorruptContent):
            continue


# TensorFlow


def bundle(folder: Path) -> Path:
    save_tf_bundle(folder / "m", [("w", "F32", (2,), bytes(8)), ("v", "I64", (), bytes(8))])
    return folder / "m.index"


def test_every_changed_byte_of_a_tensorflow_checkpoint_is_noticed(tmp_path: Path) -> None:
    for path in (bundle(tmp_path), tmp_path / "m.data-00000-of-00001"):
        data = bytearray(path.read_bytes())
        padding = range(len(data) - 44, len(data) - 8) if path.suffix == ".index" else range(0)
        for place in sorted({*range(len(data))} - {*padding}):
            data[place] ^= 0x10
            path.write_bytes(data)
            data[place] ^= 0x10
            with pytest.raises((InvalidFormat, CorruptContent, NotSupported, NotFound)):
                read_all(tmp_path / "m.index")
        path.write_bytes(data)
    read_all(tmp_path / "m.index")


@pytest.mark.parametrize("end", [0, 7, 47, 48, 60, -1])
def test_a_tensorflow_index_that_is_cut(end: int, tmp_path: Path) -> None:
    path = bundle(tmp_path)
    path.write_bytes(path.read_bytes()[:end])
    refused(path, "ends in another way|cut short")


def test_tensorflow_numbers_that_are_cut_or_absent(tmp_path: Path) -> None:
    path = bundle(tmp_path)
    numbers = tmp_path / "m.data-00000-of-00001"
    numbers.write_bytes(numbers.read_bytes()[:-1])
    refused(path, "is cut short or lies: tensor 'w'")
    numbers.unlink()
    refused(path, "There is no file", NotFound)


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (b"\x08\x01\x12\x04\x12\x02\x08\x02\x28\x09", "8 bytes, but 9 are stored"),
        (b"\x08\x01\x12\x0c\x12\x0a\x08" + b"\xff" * 8 + b"\x7f", "impossible shape|cut short"),
        (b"\x08\x01\x18\x07", "in a file that the checkpoint does not have"),
        (b"\x08\x01\x0a\x00", "describes 'w' wrongly"),
        (b"\x08", "cut short"),
        (b"\x08" + b"\xff" * 20, "too long"),
        (b"\x12\xff\x7f", "cut short"),
        (b"\x0b", "unknown kind"),
    ],
)
def test_tensorflow_entries_that_lie(message: bytes, problem: str, tmp_path: Path) -> None:
    from reprise.models.weights.tf_table import table

    bundle(tmp_path)
    (tmp_path / "m.index").write_bytes(table([(b"", b"\x08\x01"), (b"w", message)]))
    refused(tmp_path / "m.index", problem)


def test_a_sliced_or_big_endian_checkpoint_is_named(tmp_path: Path) -> None:
    from reprise.models.weights.tf_table import table

    bundle(tmp_path)
    (tmp_path / "m.index").write_bytes(table([(b"", b"\x08\x01"), (b"w", b"\x3a\x00")]))
    refused(tmp_path / "m.index", "'w' is cut into slices", NotSupported)
    (tmp_path / "m.index").write_bytes(table([(b"", b"\x08\x01\x10\x01")]))
    refused(tmp_path / "m.index", "big-endian", NotSupported)
    (tmp_path / "m.index").write_bytes(table([(b"", b"\x08\xff\xff\x7f")]))
    refused(tmp_path / "m.index", "says that it has 2097151 files")


# Flax


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\x91" * 100_000, "nested too deeply"),
        (b"\xdd\xff\xff\xff\xff", "cut short"),
        (b"\xdf\xff\xff\xff\xff", "cut short"),
        (b"\xc6\xff\xff\xff\xff", "cut short"),
        (b"\xdd\x00\x20\x00\x00" + bytes(0x200000), "too many parts"),
        (b"\x81\x01\x01", "a key that is no text"),
        (put_map(2) + put_text("a") + b"\x01" + put_text("a") + b"\x01", "or twice"),
        (b"\xc1", "MessagePack never uses"),
        (b"\x80\x80", "bytes behind its end"),
        (b"\x93\x01\x02\x03", "no file of Flax"),
        (b"", "cut short"),
    ],
)
def test_messagepack_made_to_hurt(content: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / "m.msgpack").write_bytes(content)
    refused(tmp_path / "m.msgpack", problem)


@pytest.mark.parametrize(
    ("array", "problem"),
    [
        (b"\x93\x91\x02\xa7float32\xc4\x04abcd", r"F32 \[2\], 8 bytes, but 4 are stored"),
        (b"\x93\x91\xff\xa7float32\xc4\x04abcd", "impossible shape"),
        (b"\x93\x91\xcf" + b"\xff" * 8 + b"\xa7float32\xc4\x04abcd", "impossible shape"),
        (b"\x93\x91\x01\xa7float99\xc4\x04abcd", "has the type 'float99'"),
        (b"\x93\x91\x01\xa6object\xc4\x04abcd", "has the type 'object'"),
        (b"\x92\x91\x01\xa7float32", "is damaged"),
        (b"\x93\x91\x01\xa7float32\xc4\x09abcd", "cut short"),
    ],
)
def test_flax_arrays_that_lie(array: bytes, problem: str, tmp_path: Path) -> None:
    content = put_map(1) + put_text("w") + put_extension_head(1, len(array)) + array
    (tmp_path / "m.msgpack").write_bytes(content)
    refused(tmp_path / "m.msgpack", problem, (InvalidFormat, NotSupported))  # type: ignore[arg-type]


# GGUF


def gguf(path: Path, *, tensors: int = 0, pairs: int = 0, rest: bytes = b"") -> Path:
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, tensors, pairs) + rest)
    return path


def gguf_tensor(shape: tuple[int, ...], kind: int, offset: int = 0) -> bytes:
    sizes = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    return struct.pack("<Q", 1) + b"w" + sizes + struct.pack("<IQ", kind, offset)


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        ({"tensors": 1 << 60}, "announces 1152921504606846976 items"),
        ({"pairs": 1 << 60}, "announces"),
        ({"pairs": 1, "rest": struct.pack("<Q", 1 << 60)}, "is cut short or lies: the header"),
        ({"pairs": 1, "rest": struct.pack("<QI", 0, 77) + bytes(8)}, "unknown type 77"),
        ({"pairs": 1, "rest": struct.pack("<QI", 0, 9) + struct.pack("<IQ", 9, 1) * 99}, "type 9"),
        (
            {"pairs": 1, "rest": struct.pack("<QIIQ", 0, 9, 0, 5 << 20) + bytes(5 << 20)},
            "announces",
        ),
        ({"tensors": 1, "rest": gguf_tensor((1 << 40,), 0)}, "cut short or lies: tensor 'w'"),
        ({"tensors": 1, "rest": gguf_tensor((1 << 63, 1 << 63), 0)}, "cut short or lies: tensor"),
        ({"tensors": 1, "rest": gguf_tensor((33,), 8) + bytes(99)}, "no whole number of blocks"),
        ({"tensors": 1, "rest": gguf_tensor((1,), 0, 1 << 60)}, "cut short or lies: tensor 'w'"),
        ({"tensors": 1, "rest": gguf_tensor((1,) * 9, 0)}, "too many dimensions"),
        ({"tensors": 2, "rest": gguf_tensor((0,), 0) * 2 + bytes(64)}, "two tensors of one name"),
    ],
)
def test_gguf_headers_that_lie(made: Any, problem: str, tmp_path: Path) -> None:
    refused(gguf(tmp_path / "m.gguf", **made), problem)


def test_gguf_of_unknown_versions_and_types_is_named(tmp_path: Path) -> None:
    path = gguf(tmp_path / "m.gguf", tensors=1, rest=gguf_tensor((32,), 99) + bytes(99))
    refused(path, "'w' has the unknown type 99", NotSupported)
    path.write_bytes(b"GGUF" + struct.pack(">IQQ", 3, 0, 0))
    refused(path, "is version 0x3000000 of GGUF", NotSupported)


# H5


def h5(path: Path, make: Callable[[Any], None]) -> Path:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        make(file)
    return path


def test_an_h5_file_that_unpacks_to_far_more(tmp_path: Path) -> None:
    path = h5(tmp_path / "m.h5", lambda file: file.create_dataset(
        "w", (1 << 40,), "f4", chunks=(1 << 20,), compression="gzip"))  # fmt: skip
    refused(path, "would unpack to 4398046511104 bytes")


def test_an_h5_file_that_points_into_others(tmp_path: Path) -> None:
    path = h5(tmp_path / "m.h5", lambda file: file.create_dataset(
        "w", (3,), "u1", external=[("/etc/passwd", 0, 3)]))  # fmt: skip
    refused(path, "'w' lies in another file", NotSupported)


def test_an_h5_file_with_links_to_elsewhere_and_in_circles(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")

    def make(file: Any) -> None:
        file["a/w"] = [1.0]
        file["a/circle"] = file["a"]
        file["soft"] = h5py.SoftLink("/a")
        file["out"] = h5py.ExternalLink("/etc/passwd", "/")

    assert list(open_checkpoint(h5(tmp_path / "m.h5", make))) == ["a/w"]


def test_an_h5_file_that_is_damaged(tmp_path: Path) -> None:
    path = h5(tmp_path / "m.h5", lambda file: file.create_dataset("w", data=[1.0] * 99))
    data = path.read_bytes()
    for end in range(0, len(data), 97):
        path.write_bytes(data[:end])
        with pytest.raises(InvalidFormat):
            read_all(path)


def test_pickle_itself_would_have_run_it(tmp_path: Path) -> None:
    pickle.load(io.BytesIO(pickle.dumps(Evil(tmp_path / "ran"))))
    assert (tmp_path / "ran").exists()
