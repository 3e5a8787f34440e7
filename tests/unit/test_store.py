"""The contract of every store. A new implementation joins the `store` fixture."""

import hashlib
import mmap
import os
from pathlib import Path

import pytest

from reprise.base.errors import InvalidFormat, NotFound
from reprise.registry.storage.filesystem import FilesystemStore
from reprise.registry.storage.store import CHUNK, Store, file_key, room

DATA = bytes(range(256)) * 5000  # more than one chunk
MIB = 1 << 20


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return FilesystemStore(tmp_path / "store")


def put(store: Store, data: bytes) -> str:
    with store.stage() as staged:
        staged.write(data)
        key = file_key(staged.sha256())
        staged.publish(key)
    return key


def test_bytes_come_back_as_they_went(store: Store) -> None:
    key = put(store, DATA)
    assert (store.size(key), store.read(key)) == (len(DATA), DATA)


def test_a_range_is_read_alone(store: Store) -> None:
    key = put(store, DATA)
    assert store.read(key, 100, 7) == DATA[100:107]
    assert b"".join(store.stream(key, CHUNK - 3)) == DATA[CHUNK - 3 :]


def test_what_is_not_published_leaves_no_trace(store: Store, tmp_path: Path) -> None:
    with store.stage() as staged:
        staged.write(DATA)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_key_is_written_once(store: Store) -> None:
    store.put("sha256/aa/aa/first", b"first")
    store.put("sha256/aa/aa/first", b"second")
    assert store.read("sha256/aa/aa/first") == b"first"


def test_staging_counts_and_hashes(store: Store) -> None:
    with store.stage() as staged:
        staged.write(DATA[:10])
        staged.write(memoryview(DATA)[10:])
        assert staged.size == len(DATA)
        assert staged.sha256() == hashlib.sha256(DATA).hexdigest()


@pytest.mark.parametrize("start", [0, 1, 4096, 5000, len(DATA) - 1])
def test_a_range_is_read_into_a_buffer(store: Store, start: int) -> None:
    key, buffer = put(store, DATA), memoryview(mmap.mmap(-1, room(len(DATA))))
    assert store.read_into(buffer, key, start, len(DATA) - start) == DATA[start:]
    assert store.read_into(buffer, key, start, 1) == DATA[start : start + 1]


def test_large_blocks_are_written_and_read_past_the_cache(store: Store) -> None:
    pages = memoryview(mmap.mmap(-1, 4 * MIB))
    pages[:] = os.urandom(len(pages))
    odd = bytes(pages[1 : 2 * MIB])  # memory that does not start with a page
    with store.stage() as staged:
        for piece in (pages, pages[: 2 * MIB], odd, pages, b"end"):
            staged.write(piece)
        key = file_key(staged.sha256())
        staged.publish(key)
    whole = bytes(pages) + bytes(pages[: 2 * MIB]) + odd + bytes(pages) + b"end"
    assert key == file_key(hashlib.sha256(whole).hexdigest())
    assert store.read(key) == whole
    buffer = memoryview(mmap.mmap(-1, room(3 * MIB)))
    assert store.read_into(buffer, key, 3 * MIB - 7, 3 * MIB) == whole[3 * MIB - 7 : 6 * MIB - 7]


def test_what_a_digest_refuses_is_an_error_of_the_write(store: Store) -> None:
    class Picky:
        def update(self, data: memoryview) -> None:
            raise InvalidFormat(f"{len(data)} bytes are too many")

    with store.stage(Picky()) as staged:
        for size in (10, 2 * MIB):
            with pytest.raises(InvalidFormat, match=f"{size} bytes"):
                staged.write(bytes(size))


def test_the_end_can_be_cut_off(store: Store) -> None:
    with store.stage() as staged:
        staged.write(DATA)
        staged.truncate(100)
        staged.publish("xorb/aa/bb/cut")
    assert store.read("xorb/aa/bb/cut") == DATA[:100]


def test_an_absent_key_is_said_to_be_absent(store: Store) -> None:
    assert store.size("sha256/00/00/none") is None
    assert store.path("sha256/00/00/none") is None
    with pytest.raises(NotFound):
        store.read("sha256/00/00/none")


def test_deleting_twice_is_no_error(store: Store) -> None:
    key = put(store, DATA)
    store.delete(key)
    store.delete(key)
    assert store.size(key) is None


def test_keys_are_listed_by_prefix(store: Store) -> None:
    keys = {put(store, DATA), put(store, b"other")}
    store.put("xorb/aa/bb/x", b"x")
    assert set(store.keys("sha256")) == keys
