"""Whatever bytes arrive, git's services answer, and the repo stays whole."""

import hashlib
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reprise.registry.access import Repo
from reprise.registry.git import refs, upload_pack
from reprise.registry.git.check import check_repo
from reprise.registry.git.objects import Kind, object_id
from reprise.registry.git.pktline import packet
from reprise.registry.git.store import GitStore
from reprise.registry.registry import Registry
from tests.git_objects import bare_repo, commit
from tests.git_packs import MAIN, command, delta, file_entry, history, pack, send
from tests.git_packs import whole as whole_entry

OLD, NEW = b"line one\nline two\n", b"line one\nline 2\n"
PATCH = b"\x12\x10\x90\x0e\x02" + b"2\n"
TIP, _ENTRIES = history(
    b"40000 d\0" + object_id(Kind.TREE, file_entry(b"a", OLD)) + file_entry(b"e", NEW), OLD
)
GOOD = pack(
    *_ENTRIES,
    delta(object_id(Kind.BLOB, OLD), PATCH),
    whole_entry(Kind.TREE, file_entry(b"a", OLD)),
)
MUTATIONS = st.lists(st.tuples(st.integers(12, len(GOOD) - 21), st.integers(0, 255)), max_size=4)
FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def repo(registry: Registry) -> Repo:
    return bare_repo(registry)


def whole(registry: Registry, repo: Repo) -> bool:
    with registry.db.read() as conn:
        return check_repo(conn, repo.id) == []


@FUZZ
@given(MUTATIONS, st.booleans())
def test_a_mutated_pack_is_taken_or_refused(
    registry: Registry, repo: Repo, mutations: list[tuple[int, int]], cut: bool
) -> None:
    data = bytearray(GOOD[:-20])
    for at, byte in mutations:
        data[at] = byte
    if cut and mutations:
        del data[mutations[0][0] :]
    answer = send(registry, repo, [command(TIP)], bytes(data) + hashlib.sha1(data).digest())
    assert "unpack " in answer
    with registry.db.write() as conn:
        tip = refs.read(conn, repo.id, MAIN)
        if tip is not None:
            assert tip == TIP
            refs.move(conn, repo.id, MAIN, old=tip, new=None)
    assert whole(registry, repo)


WORDS = st.one_of(
    st.sampled_from(
        ["command=fetch", "command=ls-refs", "done", "deepen 1", "deepen 0", "deepen-relative",
         "deepen-since 1", "deepen-not main", "filter tree:0", "filter blob:none", "thin-pack",
         "include-tag", "no-progress", "ref-prefix HEAD", "peel", "symrefs", "unborn", "nonsense"]
    ),
    st.tuples(st.sampled_from(["want", "have", "shallow"]), st.integers(0, 6)),
    st.sampled_from([b"0000", b"0001", b"0002", b"0003", b"zzzz", b""]),
    st.binary(max_size=8),
)  # fmt: skip


@FUZZ
@given(st.lists(WORDS, max_size=12), st.sampled_from([0, 1, 2]))
def test_any_request_of_a_fetch_is_answered(
    registry: Registry, repo: Repo, words: list[str | bytes | tuple[str, int]], version: int
) -> None:
    out = BytesIO()
    with registry.db.write() as conn:
        store = GitStore(conn, repo.id)
        one = commit(store, {"a": "1"})
        two = commit(store, {"a": "2", "b/c": "3"}, one, at=1)
        if refs.read(conn, repo.id, MAIN) is None:
            refs.move(conn, repo.id, MAIN, old=None, new=two)
        tree = store.read_commit(two).tree
        known = [one, two, tree, object_id(Kind.BLOB, b"3"), bytes(19) + b"\1", bytes(20), one]
        body = b"".join(encode(word, known) for word in words)
        upload_pack.respond(conn, repo, body, out, version=version)
    data = out.getvalue()
    assert data == b"" or data[:4].isalnum() or data.startswith(b"PACK")


def encode(word: str | bytes | tuple[str, int], known: list[bytes]) -> bytes:
    if isinstance(word, bytes):
        return word
    if isinstance(word, tuple):
        return packet(f"{word[0]} {known[word[1]].hex()}")
    return packet(word)


def test_the_pack_that_is_mutated_is_a_good_one(registry: Registry, repo: Repo) -> None:
    assert send(registry, repo, [command(TIP)], GOOD) == f"unpack ok\nok {MAIN}\n"
