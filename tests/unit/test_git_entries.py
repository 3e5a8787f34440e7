"""The tip index agrees with the trees, and knows the commit that last touched each entry."""

import random
from collections.abc import Iterator

import pytest

from reprise.registry.access import Repo
from reprise.registry.git import entries, trees
from reprise.registry.git.entries import Listed
from reprise.registry.git.store import GitStore
from reprise.registry.registry import Registry
from tests.git_objects import bare_repo, commit


@pytest.fixture
def repo(registry: Registry) -> Repo:
    return bare_repo(registry)


@pytest.fixture
def store(registry: Registry, repo: Repo) -> Iterator[GitStore]:
    with registry.db.write() as conn:
        yield GitStore(conn, repo.id)


def touched(store: GitStore, folder: str = "") -> dict[str, bytes]:
    found = entries.list_recursive(store.conn, store.repo_id, folder, limit=1000)
    return {item.path: item.commit_oid for item in found}


def by_walking(store: GitStore, chain: list[bytes]) -> dict[str, bytes]:
    """The slow way: which commit of a linear history last changed each path."""
    found: dict[str, bytes] = {}
    last = None
    for oid in chain:
        tree = store.read_commit(oid).tree
        for path, _, now in trees.diff(store, last, tree):
            found.pop(path, None)
            if now is not None:
                found[path] = oid
        last = tree
    return found


def test_folders_carry_the_latest_commit_below_them(store: GitStore, repo: Repo) -> None:
    one = commit(store, {"a": "1", "x/y/b": "2", "x/c": "3"}, at=0)
    two = commit(store, {"x/y/b": "20"}, one, at=1)
    entries.update(store.conn, repo, None, one)
    entries.update(store.conn, repo, one, two)
    assert touched(store) == {"a": one, "x": two, "x/c": one, "x/y": two, "x/y/b": two}


def test_a_push_of_several_commits_finds_the_right_one_for_each(
    store: GitStore, repo: Repo
) -> None:
    rng = random.Random(5)
    names = [f"{folder}{name}" for folder in ("", "p/", "p/q/", "r/") for name in "abc"]
    chain = [commit(store, dict.fromkeys(names, "0"), at=0)]
    for number in range(1, 60):
        chosen = {name: str(rng.random()) for name in rng.sample(names, 2)}
        chain.append(commit(store, chosen, chain[-1], at=number))
    shown = None
    for stop in (0, 1, 2, 20, 21, 59):
        entries.update(store.conn, repo, shown, chain[stop])
        shown = chain[stop]
        assert touched(store) == by_walking(store, chain[: stop + 1])


def test_a_merge_leaves_entries_with_the_side_that_changed_them(
    store: GitStore, repo: Repo
) -> None:
    one = commit(store, {"a": "1", "b": "1", "c": "1"}, at=0)
    left = commit(store, {"a": "2"}, one, at=1)
    right = commit(store, {"b": "2"}, one, at=2)
    merge = commit(store, {"b": "2", "c": "3"}, left, right, at=3)
    entries.update(store.conn, repo, None, one)
    entries.update(store.conn, repo, one, merge)
    assert touched(store) == {"a": left, "b": right, "c": merge}


def test_a_rewritten_history_leaves_no_lost_commit(store: GitStore, repo: Repo) -> None:
    one = commit(store, {"a": "1"}, at=0)
    two = commit(store, {"b": "1", "x/c": "1"}, one, at=1)
    squashed = commit(store, {"a": "1", "b": "1", "x/c": "1"}, at=2, title="All")
    entries.update(store.conn, repo, None, two)
    entries.update(store.conn, repo, two, squashed)
    assert set(touched(store).values()) == {squashed}
    entries.update(store.conn, repo, squashed, one)
    assert touched(store) == {"a": one}


def test_what_is_removed_is_gone_from_the_index(store: GitStore, repo: Repo) -> None:
    one = commit(store, {"a": "1", "x/y/b": "2", "x/c": "3", "f": "4"}, at=0)
    two = commit(store, {"x/y/b": None, "f": None, "f/g": "5"}, one, at=1)
    entries.update(store.conn, repo, None, one)
    entries.update(store.conn, repo, one, two)
    assert touched(store) == {"a": one, "f": two, "f/g": two, "x": two, "x/c": one}
    entries.update(store.conn, repo, two, None)
    assert touched(store) == {}


def test_pages_follow_each_other_without_gap(store: GitStore, repo: Repo) -> None:
    files = {
        f"{folder}{n}": "x" for folder in ("", "d/", "d-e/", "d0/", "d/e/", "D/") for n in range(5)
    }
    tip = commit(store, files)
    entries.update(store.conn, repo, None, tip)
    whole = entries.list_recursive(store.conn, repo.id, limit=1000)
    assert {item.path for item in whole if not item.is_folder} == files.keys()
    for folder in ("", "d", "d/e", "absent"):
        expected = [it for it in whole if not folder or it.path.startswith(f"{folder}/")]
        assert list(pages(store, folder, recursive=True)) == expected
        direct = [it for it in expected if it.path.rpartition("/")[0] == folder]
        assert list(pages(store, folder, recursive=False)) == direct


def pages(store: GitStore, folder: str, *, recursive: bool) -> Iterator[Listed]:
    lister = entries.list_recursive if recursive else entries.list_folder
    after = None
    while page := lister(store.conn, store.repo_id, folder, limit=3, after=after):
        yield from page
        after = page[-1].path


def test_an_lfs_file_is_listed_with_its_true_size(store: GitStore, repo: Repo) -> None:
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 70000\n"
    tip = commit(store, {"w.bin": text, "a": "abc"})
    entries.update(store.conn, repo, None, tip)
    plain, large = entries.list_folder(store.conn, repo.id, limit=10)
    assert (plain.size, plain.pointer) == (3, None)
    assert large.size == len(text)
    assert large.pointer is not None
    assert (large.pointer.sha256, large.pointer.size) == ("ab" * 32, 70000)
    assert entries.find_entry(store.conn, repo.id, "w.bin") == large
    assert entries.find_entry(store.conn, repo.id, "none") is None
