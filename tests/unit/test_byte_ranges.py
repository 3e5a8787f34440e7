"""Byte ranges follow RFC 9110."""

import pytest

from reprise.base.errors import RangeNotSatisfiable
from reprise.formats.byte_ranges import parse


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", "bytes 0-0/100"),
        ("bytes=10-", "bytes 10-99/100"),
        ("bytes=90-200", "bytes 90-99/100"),
        ("bytes=-5", "bytes 95-99/100"),
        ("bytes=-500", "bytes 0-99/100"),
        (" Bytes = 1 - 2 ", "bytes 1-2/100"),
    ],
)
def test_one_range(header: str, expected: str) -> None:
    found = parse(header, 100)
    assert found is not None
    assert found.content_range == expected


@pytest.mark.parametrize(
    "header",
    ["", "bytes=", "bytes=-", "items=0-1", "bytes=5-1", "bytes=a-b", "bytes=0-1,4-5", "0-1",
     "bytes=0-99999999999999999999", "bytes=\u0661-\u0662"],
)  # fmt: skip
def test_what_is_malformed_or_multiple_is_ignored(header: str) -> None:
    assert parse(header, 100) is None


@pytest.mark.parametrize(
    ("header", "size"),
    [("bytes=100-", 100), ("bytes=500-600", 100), ("bytes=-0", 100), ("bytes=5-", 0)],
)
def test_ranges_outside_the_file_are_refused(header: str, size: int) -> None:
    with pytest.raises(RangeNotSatisfiable):
        parse(header, size)


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-5"])
def test_an_empty_file_is_sent_whole(header: str) -> None:
    assert parse(header, 0) is None
