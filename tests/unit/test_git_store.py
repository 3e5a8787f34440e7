"""Objects, trees, refs and history as rows of a real database."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, func, select, update

from reprise.base.errors import (
    CorruptContent,
    EntryNotFound,
    InvalidId,
    InvalidInput,
    NotFound,
    RevisionNotFound,
    StaleParent,
)
from reprise.registry.access import Repo
from reprise.registry.db.schema import git_garbage, git_object
from reprise.registry.git import history, refs, trees
from reprise.registry.git.check import check_repo
from reprise.registry.git.gc import collect, repos_to_collect
from reprise.registry.git.objects import FILE, FOLDER, Kind, Signature, Tag, TreeEntry, encode_tag
from reprise.registry.git.pointers import pointers_of
from reprise.registry.git.store import TREE_DEPTH, GitStore
from reprise.registry.registry import Registry
from tests.git_objects import bare_repo, changes, commit, paths

MAIN = "refs/heads/main"


@pytest.fixture
def repo(registry: Registry) -> Repo:
    return bare_repo(registry)


@pytest.fixture
def conn(registry: Registry, repo: Repo) -> Iterator[Connection]:
    del repo  # must exist before the transaction begins
    with registry.db.write() as connection:
        yield connection


@pytest.fixture
def store(conn: Connection, repo: Repo) -> GitStore:
    return GitStore(conn, repo.id)


# -- objects


def test_objects_are_read_back(store: GitStore) -> None:
    oids = store.write_many([(Kind.BLOB, b"one"), (Kind.BLOB, b"two"), (Kind.BLOB, b"one")])
    assert [store.read(oid).body for oid in oids] == [b"one", b"two", b"one"]
    assert store.sizes([*oids, bytes(20)]) == {oids[0]: 3, oids[1]: 3}
    assert (store.has(oids[0]), store.has(bytes(20))) == (True, False)


def test_an_absent_object_and_one_of_another_kind_are_not_found(store: GitStore) -> None:
    with pytest.raises(NotFound, match="no object 0000"):
        store.read(bytes(20))
    blob = store.write(Kind.BLOB, b"one")
    with pytest.raises(NotFound, match="is a blob"):
        store.read_tree(blob)


def test_objects_of_another_repo_are_absent(store: GitStore) -> None:
    oid = store.write(Kind.BLOB, b"one")
    assert not GitStore(store.conn, store.repo_id + 1).has(oid)


def test_small_trees_have_short_chains(store: GitStore) -> None:
    root = trees.apply_changes(store, None, changes(store, {f"f{n}": str(n) for n in range(30)}))
    for number in range(20):
        root = trees.apply_changes(store, root, changes(store, {f"f{number}": "new"}))
    depth = select(func.max(git_object.c.depth)).where(git_object.c.kind == Kind.TREE.value)
    assert store.conn.execute(depth).scalar_one() == 4
    assert check_repo(store.conn, store.repo_id) == []


def test_large_trees_are_stored_as_chains_of_deltas_of_bounded_length(store: GitStore) -> None:
    files = {f"f{n}": str(n) for n in range(300)}
    root = trees.apply_changes(store, None, changes(store, files))
    for number in range(TREE_DEPTH + 5):
        root = trees.apply_changes(store, root, changes(store, {f"f{number}": "new"}))
    rows = store.conn.execute(
        select(func.max(git_object.c.depth), func.count(git_object.c.base)).where(
            git_object.c.kind == Kind.TREE.value
        )
    ).one()
    assert tuple(rows) == (TREE_DEPTH, TREE_DEPTH + 4)
    entries = GitStore(store.conn, store.repo_id).read_tree(root)
    assert len(entries) == 300
    assert check_repo(store.conn, store.repo_id) == []


def test_a_damaged_row_is_told_apart_from_an_absent_one(store: GitStore) -> None:
    oid = store.write(Kind.BLOB, b"one")
    store.conn.execute(update(git_object).values(z=b"junk"))
    with pytest.raises(CorruptContent, match="damaged"):
        store.read(oid)
    store.conn.execute(update(git_object).values(base=oid))
    with pytest.raises(CorruptContent):
        store.read(oid)
    assert len(check_repo(store.conn, store.repo_id)) == 1


def test_pointers_are_remembered_when_they_are_written(store: GitStore) -> None:
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 7\n"
    oid = store.write(Kind.BLOB, text.encode())
    assert pointers_of(store.conn, store.repo_id, [oid])[oid].size == 7
    assert check_repo(store.conn, store.repo_id) == [
        f"pointer {oid.hex()} leads to file {'ab' * 32}, which is missing"
    ]


def test_a_tree_is_written_from_entries_in_any_order(store: GitStore) -> None:
    blob = store.write(Kind.BLOB, b"x")
    entries = [TreeEntry("b", FILE, blob), TreeEntry("a", FILE, blob)]
    assert store.read_tree(store.write_tree(entries)) == tuple(reversed(entries))


# -- trees


def test_changes_touch_only_what_they_name(store: GitStore, repo: Repo) -> None:
    first = commit(store, {"a": "1", "x/b": "2", "x/y/c": "3", "z/d": "4"})
    second = commit(store, {"a": None, "x/b": "20", "x/y/c": None, "new/e": "5"}, first)
    assert paths(store.conn, repo, second) == {"x/b": "20", "z/d": "4", "new/e": "5"}
    old, new = (store.read_commit(oid).tree for oid in (first, second))
    assert trees.find(store, new, "z") == trees.find(store, old, "z")
    assert trees.find(store, new, "x/y") is None


def test_a_folder_is_removed_and_replaced_at_once(store: GitStore, repo: Repo) -> None:
    first = commit(store, {"x/a": "1", "x/b": "2", "f": "3"})
    second = commit(store, {"x/": None, "x/c": "4", "f": None, "f/g": "5"}, first)
    assert paths(store.conn, repo, second) == {"x/c": "4", "f/g": "5"}
    third = commit(store, {"x/c": None, "x": "a file now"}, second)
    assert paths(store.conn, repo, third) == {"x": "a file now", "f/g": "5"}


def test_the_last_file_takes_its_folders_along(store: GitStore) -> None:
    first = commit(store, {"x/y/z": "1"})
    root = store.read_commit(commit(store, {"x/y/z": None}, first)).tree
    assert root.hex() == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    assert list(trees.list_tree(store, root)) == []


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        ({"a/b": "x"}, InvalidInput, "below 'a'"),
        ({"x": "x"}, InvalidInput, "a folder of that name exists"),
        ({"new": "x", "new/b": "y"}, InvalidInput, "'new'"),
        ({"none": None}, EntryNotFound, "'none'"),
        ({"x": None}, EntryNotFound, "no file"),
        ({"a/": None}, EntryNotFound, "no folder"),
        ({"x/none": None}, EntryNotFound, "'x/none'"),
        ({"../x": "x"}, InvalidId, "'..'"),
        ({".git/config": "x"}, InvalidId, ".git"),
        ({"/".join("d" * 101): "x"}, InvalidInput, "deep"),
    ],
)
def test_contradictory_changes_are_refused(
    store: GitStore, files: dict[str, str | None], error: type[Exception], message: str
) -> None:
    first = commit(store, {"a": "1", "x/b": "2"})
    with pytest.raises(error, match=message):
        commit(store, files, first)


def test_a_folder_lists_in_git_s_order(store: GitStore) -> None:
    root = store.read_commit(commit(store, {"a.b": "1", "a/c": "2", "a0": "3"})).tree
    listed = [(path, entry.is_folder) for path, entry in trees.list_tree(store, root, "", True)]
    assert listed == [("a.b", False), ("a", True), ("a/c", False), ("a0", False)]
    assert [path for path, _ in trees.list_tree(store, root, "a")] == ["a/c"]
    with pytest.raises(EntryNotFound):
        list(trees.list_tree(store, root, "a.b"))


def test_a_comparison_names_folders_and_files(store: GitStore) -> None:
    first = commit(store, {"a": "1", "x/b": "2", "x/c": "3", "z/d": "4", "t": "5"})
    second = commit(store, {"a": "10", "x/b": None, "t": None, "t/u": "6"}, first)
    old, new = (store.read_commit(oid).tree for oid in (first, second))
    found = [
        (path, was and was.mode, now and now.mode) for path, was, now in trees.diff(store, old, new)
    ]
    assert found == [
        ("a", FILE, FILE), ("t", FILE, FOLDER), ("t/u", None, FILE), ("x", FOLDER, FOLDER),
        ("x/b", FILE, None),
    ]  # fmt: skip


# -- refs


def test_a_ref_moves_only_from_where_it_is(store: GitStore, repo: Repo) -> None:
    one = commit(store, {"a": "1"})
    two = commit(store, {"a": "2"}, one)
    refs.move(store.conn, repo.id, MAIN, old=None, new=one)
    for old in (None, two):
        with pytest.raises(StaleParent):
            refs.move(store.conn, repo.id, MAIN, old=old, new=two)
    refs.move(store.conn, repo.id, MAIN, old=one, new=two)
    assert refs.list_refs(store.conn, repo.id) == [refs.Ref(MAIN, two)]
    assert repos_to_collect(store.conn) == []


@pytest.mark.parametrize("name", ["refs/heads/a/b", "refs/heads/a/b/c/d", "refs/heads/a/b/c/d/e"])
def test_a_ref_cannot_be_a_folder_of_another(store: GitStore, repo: Repo, name: str) -> None:
    one = commit(store, {"a": "1"})
    refs.move(store.conn, repo.id, "refs/heads/a/b/c", old=None, new=one)
    refs.move(store.conn, repo.id, "refs/heads/a/b.c", old=None, new=one)
    with pytest.raises(InvalidInput, match="Cannot create"):
        refs.move(store.conn, repo.id, name, old=None, new=one)


def test_a_revision_is_a_branch_a_tag_a_ref_or_a_commit(store: GitStore, repo: Repo) -> None:
    one = commit(store, {"a": "1"})
    two = commit(store, {"a": "2"}, one)
    tag = Tag(one, Kind.COMMIT, "v1", Signature("Ada", "a@b", 1), "x")
    tag_oid = store.write(Kind.TAG, encode_tag(tag))
    refs.move(store.conn, repo.id, MAIN, old=None, new=two)
    refs.move(store.conn, repo.id, "refs/tags/v1", old=None, new=tag_oid)
    refs.move(store.conn, repo.id, "refs/pr/1", old=None, new=one)
    expected = {
        "main": two, "HEAD": two, MAIN: two, "v1": one, "refs/tags/v1": one, "refs/pr/1": one,
        one.hex(): one, two.hex()[:7]: two, two.hex()[:20]: two,
    }  # fmt: skip
    assert {name: refs.resolve(store.conn, repo, name) for name in expected} == expected
    for absent in ("none", "v", "f" * 40, "f" * 8, one.hex()[:6], tag_oid.hex(), "pr/1", ""):
        if absent == tag_oid.hex():
            assert refs.resolve(store.conn, repo, absent) == one
            continue
        with pytest.raises(RevisionNotFound, match="Invalid rev id"):
            refs.resolve(store.conn, repo, absent)


# -- history


def test_history_is_listed_newest_first_and_in_pages(store: GitStore) -> None:
    one = commit(store, {"a": "1"}, at=0)
    left = commit(store, {"b": "2"}, one, at=10)
    right = commit(store, {"c": "3"}, one, at=20)
    tip = commit(store, {"d": "4"}, left, right, at=30)
    assert [oid for oid, _ in history.log(store, tip)] == [tip, right, left, one]
    assert [oid for oid, _ in history.log(store, tip, limit=2, after=tip)] == [right, left]
    assert [oid for oid, _ in history.log(store, tip, after=one)] == []
    assert history.count(store, tip) == 4


def test_ancestors_are_found_across_merges(store: GitStore) -> None:
    one = commit(store, {"a": "1"})
    left = commit(store, {"b": "2"}, one)
    right = commit(store, {"c": "3"}, one)
    tip = commit(store, {"d": "4"}, left, right)
    assert all(history.is_ancestor(store, oid, tip) for oid in (one, left, right, tip))
    assert not history.is_ancestor(store, left, right)
    assert not history.is_ancestor(store, tip, one)
    assert not history.is_ancestor(store, one, bytes(20))


# -- what is out of reach


def test_dropped_commits_are_collected_after_the_wait(store: GitStore, repo: Repo) -> None:
    conn = store.conn
    files = {f"f{n}": str(n) for n in range(100)}
    one = commit(store, files)
    two = commit(store, {"f1": "dropped"}, one)
    three = commit(store, {"f2": "kept"}, two)
    refs.move(conn, repo.id, MAIN, old=None, new=three)
    squashed = commit(store, {})
    tree = store.read_commit(three).tree
    kept = store.write(Kind.COMMIT, store.read(squashed).body.replace(
        store.read_commit(squashed).tree.hex().encode(), tree.hex().encode()
    ))  # fmt: skip
    refs.move(conn, repo.id, MAIN, old=three, new=kept)
    assert repos_to_collect(conn) == [repo.id]
    assert collect(conn, repo.id, now=100, grace=50) == 0
    assert store.has(one)
    assert collect(conn, repo.id, now=149, grace=50) == 0
    assert collect(conn, repo.id, now=150, grace=50) > 3
    assert repos_to_collect(conn) == []
    fresh = GitStore(conn, repo.id)
    assert [fresh.has(oid) for oid in (one, two, three, kept)] == [False, False, False, True]
    assert paths(conn, repo, kept) == files | {"f1": "dropped", "f2": "kept"}
    assert check_repo(conn, repo.id) == []


def test_what_comes_back_in_time_stays(store: GitStore, repo: Repo) -> None:
    conn = store.conn
    one = commit(store, {"a": "1"})
    two = commit(store, {"a": "2"}, one)
    refs.move(conn, repo.id, MAIN, old=None, new=one)
    refs.move(conn, repo.id, "refs/heads/side", old=None, new=two)
    refs.move(conn, repo.id, "refs/heads/side", old=two, new=None)
    collect(conn, repo.id, now=0, grace=50)
    refs.move(conn, repo.id, "refs/heads/again", old=None, new=two)
    assert collect(conn, repo.id, now=100, grace=50) == 0
    assert repos_to_collect(conn) == []
    assert check_repo(conn, repo.id) == []


def test_a_deleted_branch_that_was_merged_leaves_nothing_behind(
    store: GitStore, repo: Repo
) -> None:
    one = commit(store, {"a": "1"})
    two = commit(store, {"a": "2"}, one)
    refs.move(store.conn, repo.id, MAIN, old=None, new=two)
    refs.move(store.conn, repo.id, "refs/heads/side", old=None, new=one)
    refs.move(store.conn, repo.id, "refs/heads/side", old=one, new=None)
    assert store.conn.execute(select(git_garbage)).all() == []
