"""Packet lines, deltas, filters, names: the small formats of git."""

from io import BytesIO

import pytest

from reprise.base.errors import InvalidFormat, InvalidId, InvalidInput
from reprise.registry.git.deltas import apply_delta, tree_delta
from reprise.registry.git.fetch_request import FetchRequest
from reprise.registry.git.filters import Filter, parse_filter
from reprise.registry.git.names import check_ref_name
from reprise.registry.git.pack_writer import entry_head
from reprise.registry.git.pktline import Bands, Mark, packet, read_lines, read_packet


def test_packets_come_back_as_they_were() -> None:
    source = BytesIO(packet("a\n") + packet(b"") + b"000000010002")
    assert [read_packet(source) for _ in range(6)] == [
        b"a\n",
        b"",
        Mark.FLUSH,
        Mark.DELIM,
        Mark.END,
        Mark.EOF,
    ]


@pytest.mark.parametrize(
    "data", [b"00", b"zzzz", b"0003", b"000", b"0009ab", b"ffff", b"+004", b"-001"]
)
def test_malformed_packets_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidFormat):
        read_packet(BytesIO(data))


def test_lines_end_at_a_flush() -> None:
    source = BytesIO(packet("a\n") + packet("b") + b"0000" + packet("c"))
    assert list(read_lines(source)) == [b"a", b"b"]
    assert source.read() == packet("c")


def test_bands_cut_data_to_the_size_a_client_takes() -> None:
    out = BytesIO()
    bands = Bands(out, 1000)
    bands.write(b"x" * 1500)
    bands.progress("hello\n")
    bands.finish()
    assert out.getvalue() == (
        b"03e8\x01" + b"x" * 995 + b"01fe\x01" + b"x" * 505 + b"000b\x02hello\n" + b"0000"
    )


def test_without_bands_only_data_is_sent() -> None:
    out = BytesIO()
    bands = Bands(out, 0)
    bands.progress("hello\n")
    bands.write(b"data")
    bands.finish()
    assert out.getvalue() == b"data"


def raws(**names: int) -> list[bytes]:
    return [b"100644 %s\0" % name.encode() + bytes([fill]) * 20 for name, fill in names.items()]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (raws(), raws()),
        (raws(), raws(a=1)),
        (raws(a=1), raws()),
        (raws(a=1, b=2, c=3), raws(a=1, b=9, c=3)),
        (raws(a=1, c=3), raws(a=1, b=2, c=3)),
        (raws(a=1, b=2, c=3), raws(b=2)),
        (
            raws(**{f"f{n:04}": n % 9 for n in range(3000)}),
            raws(**{f"f{n:04}": n % 8 for n in range(0, 4000, 3)}),
        ),
    ],
)
def test_a_tree_s_delta_rebuilds_it(old: list[bytes], new: list[bytes]) -> None:
    assert apply_delta(b"".join(old), tree_delta(old, new)) == b"".join(new)


def test_a_small_change_to_a_large_tree_makes_a_small_delta() -> None:
    old = raws(**{f"f{n:05}": 1 for n in range(20_000)})
    new = [*old[:7000], *raws(f06999x=2), *old[7000:15_000], *old[15_001:]]
    assert len(tree_delta(old, new)) < 70


BASE = b"0123456789"


@pytest.mark.parametrize(
    "delta",
    [
        b"",
        b"\x0a",
        b"\x0a\x80",
        b"\x09\x01\x01x",  # for another base
        b"\x0a\x02\x01x",  # builds too little
        b"\x0a\x01\x02xy",  # builds too much
        b"\x0a\x05\x91\x08\x05",  # copies from beyond the end
        b"\x0a\x05\x91\x08",  # ends inside a copy
        b"\x0a\x05\x05ab",  # ends inside an insertion
        b"\x0a\x05\x00",  # the reserved instruction
        b"\x0a" + b"\xff" * 12,
    ],
)
def test_malformed_deltas_are_refused(delta: bytes) -> None:
    with pytest.raises(InvalidFormat):
        apply_delta(BASE, delta)


def test_a_delta_copies_and_inserts() -> None:
    assert apply_delta(BASE, b"\x0a\x07\x91\x02\x03\x02xy\x90\x02") == b"234xy01"
    assert apply_delta(b"z" * 0x10000, b"\x80\x80\x04\x80\x80\x04\x80") == b"z" * 0x10000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("blob:none", Filter(blob_limit=0)),
        ("blob:limit=2m", Filter(blob_limit=2 << 20)),
        ("tree:0", Filter(tree_depth=0)),
    ],
)
def test_filters_are_read(text: str, expected: Filter) -> None:
    assert parse_filter(text) == expected


@pytest.mark.parametrize("text", ["", "blob:limit=-1", "sparse:oid=main", "tree:x", "combine:a+b"])
def test_unknown_filters_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="Unknown filter"):
        parse_filter(text)


@pytest.mark.parametrize(
    "name",
    [
        "refs/heads/main",
        "refs/heads/a/b.c",
        "refs/tags/v1.0",
        "refs/pr/1",
        "refs/heads/ünï",
        "refs/heads/@",
    ],
)
def test_ref_names_git_takes_are_taken(name: str) -> None:
    assert check_ref_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "main",
        "refs/heads",
        "refs/heads/",
        "refs/heads/.a",
        "refs/heads/a..b",
        "refs/heads/a.lock",
        "refs/heads/a.lock/b",
        "refs/heads/a b",
        "refs/heads/a~1",
        "refs/heads/a^",
        "refs/heads/a:b",
        "refs/heads/a?",
        "refs/heads/a*",
        "refs/heads/a[",
        "refs/heads/a\\b",
        "refs/heads/a@{1}",
        "refs/heads/a.",
        "refs/heads//a",
        "refs/heads/a\n",
        "refs/heads/-a",
        "refs/heads/HEAD",
        "refs/heads/" + "a" * 40,
        "refs/heads/" + "x" * 300,
        "../refs/heads/a",
    ],
)
def test_ref_names_git_would_stumble_over_are_refused(name: str) -> None:
    with pytest.raises(InvalidId, match="Invalid reference name"):
        check_ref_name(name)


@pytest.mark.parametrize(
    "line", ["want", "want 123", "have xyz", "deepen -1", "steal everything", "deepen-since now"]
)
def test_unknown_lines_of_a_fetch_are_refused(line: str) -> None:
    with pytest.raises(InvalidInput):
        FetchRequest().take(line)


@pytest.mark.parametrize(
    ("kind", "size", "head"),
    [(3, 0, b"\x30"), (1, 15, b"\x1f"), (2, 16, b"\xa0\x01"), (3, 5000, b"\xb8\xb8\x02")],
)
def test_pack_entries_begin_with_type_and_size(kind: int, size: int, head: bytes) -> None:
    assert entry_head(kind, size) == head
