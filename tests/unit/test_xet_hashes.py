import random
from itertools import pairwise
from pathlib import Path

import hf_xet
import pytest

from reprise.base.errors import InvalidFormat
from reprise.formats.xet import hashes

# How the real client (hf-xet 1.8) cuts these two million bytes, and what it calls the xorb.
BYTES = random.Random(11).randbytes(2_000_000)
LENGTHS = [
    51878, 20219, 30269, 131072, 38726, 51532, 52781, 17328, 131072, 79271, 47169, 17433, 68232,
    131072, 131072, 127254, 25999, 38083, 131072, 131072, 11864, 62426, 118892, 96142, 10181,
    11944, 93971, 24518, 21068, 89387, 7001,
]  # fmt: skip
XORB = "de1152c0b821a7fdf4a4d257f90939403b9dfa56b2f77bacbd9f75cac01c251a"


def nodes() -> list[hashes.Node]:
    cuts = [sum(LENGTHS[:count]) for count in range(len(LENGTHS) + 1)]
    parts = [BYTES[start:end] for start, end in pairwise(cuts)]
    return [(hashes.chunk_hash(part), len(part)) for part in parts]


def client_hash(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "file"
    path.write_bytes(data)
    [info] = hf_xet.hash_files([str(path)])
    return info.hash


def test_a_file_of_many_chunks_has_the_hash_the_client_computes(tmp_path: Path) -> None:
    assert hashes.to_text(hashes.file_hash(nodes())) == client_hash(tmp_path, BYTES)


def test_a_xorb_has_the_hash_the_client_gave_it() -> None:
    assert hashes.to_text(hashes.tree_hash(nodes())) == XORB


@pytest.mark.parametrize("size", [1, 100, 5000])
def test_a_file_of_one_chunk_has_the_hash_the_client_computes(tmp_path: Path, size: int) -> None:
    data = BYTES[:size]
    node = (hashes.chunk_hash(data), size)
    assert hashes.to_text(hashes.file_hash([node])) == client_hash(tmp_path, data)


def test_an_empty_file_has_the_hash_the_client_computes(tmp_path: Path) -> None:
    assert hashes.to_text(hashes.file_hash([])) == client_hash(tmp_path, b"")


def test_text_reverses_each_word_of_eight_bytes() -> None:
    text = "07060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918"
    assert hashes.to_text(bytes(range(32))) == text
    assert hashes.from_text(text) == bytes(range(32))


@pytest.mark.parametrize("text", ["", "0" * 63, "0" * 65, "g" * 64, "A" * 64, "0" * 63 + "\n"])
def test_text_that_is_no_hash_is_refused(text: str) -> None:
    with pytest.raises(InvalidFormat, match="is not a xet hash"):
        hashes.from_text(text)


def test_one_chunk_in_1024_is_asked_for() -> None:
    assert hashes.eligible(bytes(32))
    assert hashes.eligible(bytes(24) + (2048).to_bytes(8, "little"))
    assert not hashes.eligible(bytes(24) + (1023).to_bytes(8, "little"))
