"""Commits arrive as lines of JSON, cut anywhere."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.base.errors import InvalidFormat, InvalidInput, TooLarge
from reprise.formats.commit_request import Delete, Header, Lines, Move, Parser, PutFile, PutLarge

OID = "ab" * 32


def line(key: str, **value: object) -> bytes:
    return json.dumps({"key": key, "value": value}).encode()


HEADER = line("header", summary="Add files", description="")


def parse(*lines: bytes) -> list[object]:
    return list(Parser(max_operations=10).parse(lines))


def test_every_operation_is_understood() -> None:
    content = base64.b64encode(b"hello").decode()
    assert parse(
        HEADER,
        line("file", path="a", content=content, encoding="base64"),
        line("file", path="b", content="plain ü"),
        line("lfsFile", path="c.bin", algo="sha256", oid=OID, size=3),
        line("lfsFile", path="copy.bin", algo="sha256", oid=OID),
        line("file", path="new", oldPath="old"),
        line("lfsFile", path="new.bin", oldPath="old.bin"),
        line("deletedFile", path="gone"),
        line("deletedFolder", path="dir/"),
    ) == [
        PutFile("a", b"hello"),
        PutFile("b", "plain ü".encode()),
        PutLarge("c.bin", OID, 3),
        PutLarge("copy.bin", OID, None),
        Move("new", "old"),
        Move("new.bin", "old.bin"),
        Delete("gone", folder=False),
        Delete("dir", folder=True),
    ]


def test_a_rename_with_new_content_removes_the_old_path() -> None:
    assert parse(HEADER, line("file", path="b", oldPath="a", content="x")) == [
        Delete("a", folder=False),
        PutFile("b", b"x"),
    ]


def test_the_header_becomes_a_git_message() -> None:
    parser = Parser(max_operations=1)
    assert list(parser.parse([line("header", summary=" One\ntwo ", description="why")])) == []
    assert parser.header() == Header("One two", "why", None)
    assert parser.header().message == "One two\n\nwhy"


@given(st.lists(st.binary().map(lambda b: b.replace(b"\n", b"")), max_size=8), st.data())
def test_lines_survive_any_cut(lines: list[bytes], data: st.DataObject) -> None:
    body = b"\n".join([*lines, b""])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    reader, found = Lines(max_line=1 << 20), []
    for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True):
        found += reader.feed(body[start:end])
    assert found + reader.close() == lines


def test_the_last_line_needs_no_end() -> None:
    reader = Lines(max_line=100)
    assert reader.feed(b"one\ntwo") == [b"one"]
    assert reader.close() == [b"two"]


@pytest.mark.parametrize("chunks", [[b"x" * 11], [b"x" * 6, b"x" * 6], [b"x" * 11 + b"\n"]])
def test_a_line_over_the_limit_is_refused(chunks: list[bytes]) -> None:
    reader = Lines(max_line=10)
    *before, last = chunks
    assert [reader.feed(chunk) for chunk in before] == [[] for _ in before]
    with pytest.raises(TooLarge, match="over 10 bytes"):
        reader.feed(last)


@pytest.mark.parametrize(
    "bad",
    [
        b"{",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"key":"file"}',
        b'{"key":"dance","value":{}}',
        b'{"key":"header","value":{"summary":"\xff"}}',
        line("header", summary=""),
        line("header", summary="x" * 10_000),
        line("header", summary="x", parentCommit="main"),
        line("file", path="a", content="!!!", encoding="base64"),
        line("file", path="a", content="x", encoding="rot13"),
        line("file", path="a", content=5),
        line("file", path="a"),
        line("file", path="a", content="\ud800"),
        line("lfsFile", path="a", algo="md5", oid=OID),
        line("lfsFile", path="a", oid="../../etc"),
        line("lfsFile", path="a", oid=OID, size=-1),
        line("lfsFile", path="a"),
        line("file", path="../a", content="x"),
        line("file", path="a/.git/config", content="x"),
        line("file", path="a/.GIT/config", content="x"),
        line("file", path="a", content="x", oldPath="/etc/passwd"),
        line("deletedFile", path=""),
        line("deletedFolder", path="../"),
    ],
)
def test_malformed_lines_are_refused(bad: bytes) -> None:
    lines = [bad] if b'"header"' in bad else [HEADER, bad]
    with pytest.raises(InvalidInput):
        parse(*lines)


def test_a_commit_starts_with_one_header() -> None:
    with pytest.raises(InvalidFormat, match="no header line"):
        parse(line("deletedFile", path="a"))
    with pytest.raises(InvalidFormat, match="a second header"):
        parse(HEADER, HEADER)


def test_the_number_of_operations_is_limited() -> None:
    with pytest.raises(TooLarge, match="at most 10"):
        parse(HEADER, *[line("deletedFile", path=f"{n}") for n in range(11)])
