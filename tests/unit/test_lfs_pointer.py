import pytest

from reprise.base.errors import InvalidFormat
from reprise.formats.lfs_pointer import Pointer, parse, serialise

DIGEST = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
POINTER = Pointer(DIGEST, 12345)
TEXT = f"version https://git-lfs.github.com/spec/v1\noid sha256:{DIGEST}\nsize 12345\n".encode()


def test_the_specification_s_own_example_is_read_and_written() -> None:
    assert parse(TEXT) == POINTER
    assert serialise(POINTER) == TEXT


@pytest.mark.parametrize(
    "text",
    [
        TEXT.removesuffix(b"\n"),  # written so by a few tools
        TEXT.replace(b"oid", b"ext-0-foo sha256:" + DIGEST.encode() + b"\noid"),
        TEXT.replace(b"git-lfs.github.com", b"hawser.github.com"),
    ],
)
def test_variants_that_git_lfs_reads_are_read(text: bytes) -> None:
    assert parse(text) == POINTER


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"version 2 of my notes",
        TEXT + b"\n",
        TEXT + b"extra line\n",
        TEXT.replace(b"\n", b"\r\n"),
        TEXT.replace(b"12345", b"-1"),
        TEXT.replace(b"12345", b"012"),
        TEXT.replace(b"12345", b"1" * 20),
        TEXT.replace(DIGEST.encode(), DIGEST.upper().encode()),
        TEXT.replace(b"sha256:", b"sha1:"),
        b"\xef\xbb\xbf" + TEXT,
        TEXT.replace(b"size", b"size 1\nsize"),
        TEXT.ljust(2000),
    ],
)
def test_anything_else_is_an_ordinary_file(text: bytes) -> None:
    assert parse(text) is None


@pytest.mark.parametrize("pointer", [Pointer("abc", 1), Pointer(DIGEST, -1)])
def test_nonsense_is_not_written(pointer: Pointer) -> None:
    with pytest.raises(InvalidFormat):
        serialise(pointer)
