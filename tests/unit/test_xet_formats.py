import struct

import pytest

from reprise.base.errors import CorruptContent, InvalidFormat, TooLarge
from reprise.formats.xet import chunks, hashes, shards, xorbs
from reprise.formats.xet.chunks import Scheme
from reprise.formats.xet.shards import Expiry, FileInfo, Term
from reprise.formats.xet.xorbs import ChunkTable

PARTS = [b"first chunk " * 50, b"second", bytes(range(256)) * 40]


def xorb(scheme: Scheme = Scheme.LZ4) -> tuple[bytes, bytes, ChunkTable]:
    data, table = xorbs.build(PARTS, scheme)
    return hashes.tree_hash(table.nodes(0, table.count)), data, table


def footer(body: bytes) -> bytes:
    info = b"XETBLOB\x01" + bytes(100)
    return body + info + struct.pack("<I", len(info))


@pytest.mark.parametrize("scheme", list(Scheme))
def test_a_xorb_verifies_and_decodes_whatever_the_compression(scheme: Scheme) -> None:
    expected, data, table = xorb(scheme)
    assert xorbs.verify(data, expected) == table
    assert [bytes(chunk) for chunk in xorbs.chunks(data)] == PARTS


def test_a_footer_is_left_out_of_the_table() -> None:
    expected, data, table = xorb()
    assert xorbs.verify(footer(data), expected) == table
    assert table.size == len(data)


def test_a_table_finds_byte_ranges_and_lengths() -> None:
    _, data, table = xorb(Scheme.NONE)
    lengths = [len(part) for part in PARTS]
    assert table.span(1, 2) == (lengths[0] + 8, lengths[0] + lengths[1] + 16)
    assert table.span(0, 3) == (0, len(data))
    assert table.plain_length(1, 3) == lengths[1] + lengths[2]
    assert list(table.nodes(1, 2)) == [(hashes.chunk_hash(PARTS[1]), lengths[1])]


def test_a_table_survives_packing() -> None:
    _, _, table = xorb()
    assert ChunkTable.unpack(table.packed) == table


def test_a_frame_may_be_larger_than_its_chunk() -> None:
    plain = b"\x01\x02\x03"
    packed = chunks.encode(plain, Scheme.NONE)
    assert chunks.encode(plain, Scheme.LZ4) == packed
    assert chunks.read_header(packed, 0) == chunks.ChunkHeader(Scheme.NONE, 3, 3)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (struct.pack("<II", 1 | 4 << 8, 0 | 4 << 8), "version 1"),
        (struct.pack("<II", 0 | 4 << 8, 3 | 4 << 8), "unknown compression 3"),
        (struct.pack("<II", 0 | 4 << 8, 0), "announces 0 bytes"),
        (struct.pack("<II", 0, 4 << 8), "announces 4 bytes in 0"),
        (struct.pack("<II", 0 | 4 << 8, (chunks.MAX_CHUNK + 1) << 8), "announces 131073"),
        (b"\0\0\0", "ends inside the chunk header"),
    ],
)
def test_a_bad_chunk_header_is_named(header: bytes, reason: str) -> None:
    with pytest.raises(InvalidFormat, match=reason):
        chunks.read_header(header, 0)


def test_an_uncompressed_chunk_must_have_its_announced_length() -> None:
    header = chunks.ChunkHeader(Scheme.NONE, packed=3, length=4)
    with pytest.raises(InvalidFormat, match="announces 4 bytes but holds 3"):
        chunks.decode(header, b"abc")


@pytest.mark.parametrize("step", [1, 7, 8, 100, 5000])
def test_a_xorb_may_arrive_in_pieces(step: int) -> None:
    expected, data, table = xorb()
    for whole in (data, footer(data)):
        verifier = xorbs.Verifier()
        for at in range(0, len(whole), step):
            verifier.update(memoryview(whole)[at : at + step])
        assert verifier.finish(expected) == table


def test_an_endless_footer_is_refused() -> None:
    _, data, _ = xorb()
    verifier = xorbs.Verifier()
    verifier.update(data + b"XETBLOB")
    with pytest.raises(TooLarge, match="footer of a xorb"):
        verifier.update(bytes(1 << 20))


def test_another_hash_is_refused() -> None:
    _, data, _ = xorb()
    with pytest.raises(CorruptContent, match="announced as 0000"):
        xorbs.verify(data, bytes(32))


def test_bytes_after_the_chunks_are_refused() -> None:
    expected, data, _ = xorb()
    with pytest.raises(InvalidFormat, match="Neither a chunk nor a footer"):
        xorbs.verify(data + b"XETBLOC", expected)
    with pytest.raises(InvalidFormat, match=r"footer at byte \d+ of the xorb is damaged"):
        xorbs.verify(footer(data) + b"\0", expected)


def test_a_xorb_without_chunks_is_refused() -> None:
    with pytest.raises(InvalidFormat, match="no chunks"):
        xorbs.verify(b"", bytes(32))


def test_too_many_chunks_are_refused() -> None:
    one = chunks.encode(b"x", Scheme.NONE)
    with pytest.raises(TooLarge, match="8192 chunks"):
        xorbs.verify(one * (xorbs.MAX_CHUNKS + 1), bytes(32))


def file_info() -> FileInfo:
    expected, _, table = xorb()
    terms = (Term(expected, 0, 2, table.plain_length(0, 2)), Term(expected, 2, 3, 10240))
    ranges = (hashes.range_hash(table.slice_hashes(0, 2)), hashes.range_hash(table.hash(2)))
    return FileInfo(hashes.file_hash(table.nodes(0, 3)), terms, ranges, bytes(range(32)))


def test_a_shard_comes_back_as_it_was_written() -> None:
    expected, _, table = xorb()
    written = shards.build([file_info(), FileInfo(bytes(32), ())], [(expected, table)])
    read = shards.parse(written)
    assert read.files == (file_info(), FileInfo(bytes(32), ()))
    assert read.xorbs == (expected,)


@pytest.mark.parametrize("cut", [0, 10, 47, 48, 95, 96, 200, -1, -48])
def test_a_shard_that_is_cut_off_is_refused(cut: int) -> None:
    expected, _, table = xorb()
    data = shards.build([file_info()], [(expected, table)])
    with pytest.raises(InvalidFormat, match=r"cut off|shorter"):
        shards.parse(data[:cut])


def test_a_shard_of_another_version_is_refused() -> None:
    data = bytearray(shards.build([], []))
    data[32] = 3
    with pytest.raises(InvalidFormat, match="version 2"):
        shards.parse(bytes(data))


def test_an_announced_number_of_records_beyond_the_end_is_refused() -> None:
    data = bytearray(shards.build([file_info()], []))
    data[84:88] = b"\xff\xff\xff\xff"
    with pytest.raises(InvalidFormat, match="cut off"):
        shards.parse(bytes(data))


def test_an_answer_hides_chunk_hashes_behind_its_key() -> None:
    expected, _, table = xorb()
    key = bytes(range(32))
    data = shards.answer([(expected, table)], key=key, expiry=Expiry(1000, 2000))
    assert table.hash(0) not in data
    assert hashes.keyed(table.hash(0), key) in data
    assert shards.parse(data) == shards.Shard((), (expected,))
    end = len(data) - 200
    assert struct.unpack("<QQQQQ", data[end : end + 40]) == (1, 48, 96, end, 0)
    assert data[end + 72 : end + 104] == key
    assert struct.unpack("<QQ", data[end + 104 : end + 120]) == (1000, 2000)
    assert struct.unpack("<Q", data[-8:]) == (end,)
