"""What pickles would import, without loading them."""

import io
import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest

from reprise.base.errors import InvalidFormat
from reprise.formats.pickle_names import imported_names, is_safe, unsafe_names


class Evil:
    def __reduce__(self):
        return os.system, ("true",)


@pytest.mark.parametrize("protocol", range(6))
def test_calls_are_found_in_every_protocol(protocol: int) -> None:
    data = pickle.dumps({"a": 1, "b": Evil()}, protocol)
    assert imported_names(io.BytesIO(data)) == {"posix.system"}


@pytest.mark.parametrize("protocol", range(2, 6))
def test_plain_values_import_nothing_unsafe(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps(OrderedDict(a=[1.0], b="text"), protocol))
    assert unsafe_names(path) == []


def test_a_name_that_is_recalled_from_the_memo_is_found() -> None:
    data = pickle.dumps([Evil(), "posix", "system", Evil()], 4)
    assert imported_names(io.BytesIO(data)) == {"posix.system"}


def test_an_archive_is_read_inside(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", pickle.dumps(Evil(), 2))
        archive.writestr("net/data/0", b"\0" * 64)
    assert unsafe_names(path) == ["posix.system"]


@pytest.mark.parametrize("data", [b"", b"hello", b"\x80\x04", b"c" * 100, b"PK\x03\x04 cut"])
def test_what_is_no_pickle_is_said_to_be_none(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(data)
    with pytest.raises(InvalidFormat):
        unsafe_names(path)


def test_torch_names_of_plain_tensors_are_safe() -> None:
    names = ["torch._utils._rebuild_tensor_v2", "torch.FloatStorage", "collections.OrderedDict"]
    assert [is_safe(name) for name in names] == [True, True, True]
    assert not any(map(is_safe, ["?", "torch.hub.load", "builtins.eval", "os.system", "torch"]))


def test_a_name_hidden_below_a_harmless_one_is_not_certain() -> None:
    pushed = b"".join(b"\x8c" + bytes([len(it)]) + it
                      for it in (b"posix", b"system", b"collections", b"OrderedDict"))  # fmt: skip
    data = b"\x80\x04" + pushed + b"00\x93."
    assert pickle.loads(data) is os.system
    assert imported_names(io.BytesIO(data)) == {"?"}


def test_pickles_in_a_row_are_all_read() -> None:
    data = pickle.dumps(1, 2) + pickle.dumps(2, 2) + pickle.dumps(Evil(), 2) + b"\xff weights"
    assert imported_names(io.BytesIO(data)) == {"posix.system"}
