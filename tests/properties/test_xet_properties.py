from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reprise.base.errors import InvalidFormat, TooLarge
from reprise.formats.xet import chunks, hashes, shards, xorbs
from reprise.formats.xet.chunks import Scheme
from reprise.formats.xet.shards import FileInfo, Term
from reprise.formats.xet.xorbs import ChunkTable
from reprise.registry.xet.reading import plan
from reprise.registry.xet.rows import pack_terms, unpack_terms

PLAIN = st.binary(min_size=1, max_size=2000)
HASH = st.binary(min_size=32, max_size=32)
U32 = st.integers(0, 2**32 - 1)
# A hash of 32 times 0xff would read as the end of a section.
REAL_HASH = HASH.filter(lambda value: value != b"\xff" * 32)
TERM = st.builds(Term, REAL_HASH, U32, U32, U32)


@given(HASH)
def test_hashes_survive_as_text(value: bytes) -> None:
    assert hashes.from_text(hashes.to_text(value)) == value


@given(PLAIN)
def test_grouped_bytes_come_back(plain: bytes) -> None:
    assert bytes(chunks.ungroup(chunks.group(plain))) == plain


@given(PLAIN, st.sampled_from(Scheme))
def test_chunks_come_back(plain: bytes, scheme: Scheme) -> None:
    encoded = chunks.encode(plain, scheme)
    header = chunks.read_header(encoded, 0)
    assert bytes(chunks.decode(header, encoded[chunks.HEADER_SIZE :])) == plain


@given(st.lists(PLAIN, min_size=1, max_size=40), st.sampled_from(Scheme))
def test_xorbs_come_back(parts: list[bytes], scheme: Scheme) -> None:
    data, table = xorbs.build(parts, scheme)
    assert xorbs.verify(data, hashes.tree_hash(table.nodes(0, table.count))) == table
    assert ChunkTable.unpack(table.packed) == table
    assert [bytes(part) for part in xorbs.chunks(data)] == parts


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_never_a_crash(data: bytes) -> None:
    try:
        xorbs.verify(data, bytes(32))
    except (InvalidFormat, TooLarge, xorbs.CorruptContent):
        return
    raise AssertionError("random bytes have no such hash")


@given(st.lists(st.builds(FileInfo, REAL_HASH, st.lists(TERM, max_size=5).map(tuple))))
def test_shards_come_back(files: list[FileInfo]) -> None:
    assert shards.parse(shards.build(files, [])).files == tuple(files)


@given(st.lists(TERM, max_size=5).map(tuple))
def test_terms_come_back(terms: tuple[Term, ...]) -> None:
    assert unpack_terms(pack_terms(terms)) == terms


@given(st.data())
def test_a_plan_covers_exactly_the_chunks_of_a_range(data: st.DataObject) -> None:
    parts = data.draw(st.lists(PLAIN, min_size=1, max_size=12))
    _, table = xorbs.build(parts, Scheme.NONE)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(parts)), max_size=4)) | {0, len(parts)})
    terms = tuple(
        Term(b"", start, end, table.plain_length(start, end)) for start, end in pairwise(cuts)
    )
    start = data.draw(st.integers(0, table.length - 1))
    end = data.draw(st.integers(start + 1, table.length))
    runs = list(plan(terms, lambda _: table, start, end))
    got = b"".join(b"".join(parts[run.start : run.end])[run.skip :] for run in runs)
    assert got[: end - start] == b"".join(parts)[start:end]
    assert len(got) - (end - start) < len(parts[runs[-1].end - 1])
    assert runs[0].skip < len(parts[runs[0].start])
