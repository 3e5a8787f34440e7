"""Git's formats hold for any value, and trees agree with a dictionary and with git itself."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reprise.base.errors import EntryNotFound, InvalidInput
from reprise.registry.access import Repo
from reprise.registry.git import trees
from reprise.registry.git.deltas import apply_delta, tree_delta
from reprise.registry.git.objects import (
    EXECUTABLE,
    FILE,
    FOLDER,
    SYMLINK,
    Commit,
    Kind,
    Signature,
    TreeEntry,
    decode_commit,
    decode_tree,
    encode_commit,
    encode_tree,
    parse_tree,
    split_tree,
)
from reprise.registry.git.store import GitStore
from reprise.registry.registry import Registry
from tests.git_client import Git
from tests.git_objects import bare_repo

OIDS = st.binary(min_size=20, max_size=20).filter(any)
NAMES = st.text(
    st.characters(exclude_characters="/\\", exclude_categories=["Cs", "Cc"]),
    min_size=1,
    max_size=12,
).filter(lambda name: name.lower().strip(". ") not in {"", "git"} and "git" not in name.lower())
LINES = st.text(
    st.characters(exclude_characters="<>", exclude_categories=["Cs", "Cc"]), max_size=20
)
PEOPLE = st.builds(Signature, LINES, LINES, st.integers(0, 253_402_300_799), st.integers(-840, 840))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
ENTRIES = st.lists(
    st.builds(TreeEntry, NAMES, st.sampled_from([FILE, EXECUTABLE, SYMLINK, FOLDER]), OIDS),
    max_size=12,
    unique_by=lambda entry: entry.name,
)


@given(ENTRIES)
def test_trees_come_back_as_they_were(entries: list[TreeEntry]) -> None:
    body = encode_tree(entries)
    assert sorted(decode_tree(body)) == sorted(entries)
    assert parse_tree(body) == decode_tree(body)
    assert b"".join(split_tree(body)) == body


@given(st.binary(max_size=200))
def test_any_bytes_are_a_tree_or_refused(body: bytes) -> None:
    try:
        entries = decode_tree(body)
    except InvalidInput:
        return
    assert encode_tree(entries) == body


@given(OIDS, st.lists(OIDS, max_size=3), PEOPLE, PEOPLE, TEXTS)
def test_commits_come_back_as_they_were(
    tree: bytes, parents: list[bytes], author: Signature, committer: Signature, message: str
) -> None:
    commit = Commit(tree, tuple(parents), author, committer, message)
    assert decode_commit(encode_commit(commit)) == commit


@given(st.binary(max_size=300))
def test_any_bytes_are_a_commit_or_refused(body: bytes) -> None:
    try:
        decode_commit(b"tree " + b"1" * 40 + b"\n" + body)
    except InvalidInput:
        return


@given(ENTRIES, ENTRIES)
def test_a_delta_leads_from_any_tree_to_any_other(
    old: list[TreeEntry], new: list[TreeEntry]
) -> None:
    before, after = encode_tree(old), encode_tree(new)
    assert apply_delta(before, tree_delta(split_tree(before), split_tree(after))) == after


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes_are_a_delta_or_refused(base: bytes, delta: bytes) -> None:
    try:
        apply_delta(base, delta)
    except InvalidInput:
        return


# -- trees against a dictionary, and against git --------------------------------------------

PARTS = st.sampled_from(["a", "b", "a.b", "a0", "c"])
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
STEPS = st.lists(
    st.dictionaries(PATHS, st.sampled_from(["put", "run", "remove", "folder"]), max_size=4),
    max_size=6,
)


class Model:
    """A tree as a dictionary of files."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[int, bytes]] = {}

    def apply(self, changes: dict[str, trees.TreeChange]) -> None:
        """Apply changes as documented: removals first.

        Raises:
            ValueError: They contradict each other, or the files.
        """
        files = dict(self.files)
        for path, change in changes.items():
            if isinstance(change, trees.Put):
                continue
            below = [name for name in self.files if name.startswith(f"{path}/")]
            inside = [name for name in changes if name.startswith(f"{path}/")]
            gone = [path] if isinstance(change, trees.Remove) else below
            self._check(all(name in self.files for name in gone) and bool(gone))
            self._check(all(isinstance(changes[name], trees.Put) for name in inside))
            for name in gone:
                files.pop(name, None)
        for path, change in changes.items():
            if isinstance(change, trees.Put):
                files[path] = (change.mode, change.oid)
        for path in files:
            self._check(not any(name.startswith(f"{path}/") for name in files))
        self.files = files

    @staticmethod
    def _check(fine: bool) -> None:
        if not fine:
            raise ValueError


@pytest.fixture
def repo(registry: Registry) -> Repo:
    return bare_repo(registry)


def as_change(word: str, oid: bytes) -> trees.TreeChange:
    match word:
        case "put":
            return trees.Put(FILE, oid)
        case "run":
            return trees.Put(EXECUTABLE, oid)
        case "remove":
            return trees.Remove()
        case _:
            return trees.RemoveFolder()


def git_write_tree(files: dict[str, tuple[int, bytes]]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        git = Git(Path(folder))
        git("init", "-q")
        lines = "".join(f"{mode:o} {oid.hex()}\t{path}\n" for path, (mode, oid) in files.items())
        git("update-index", "--add", "--index-info", stdin=lines)
        return git("write-tree", "--missing-ok")


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_changes_do_what_a_dictionary_would(
    registry: Registry, repo: Repo, steps: list[dict[str, str]]
) -> None:
    model, root = Model(), None
    with registry.db.write() as conn:
        store = GitStore(conn, repo.id)
        for number, step in enumerate(steps):
            oid = store.write(Kind.BLOB, str(number).encode())
            changes = {path: as_change(word, oid) for path, word in step.items()}
            try:
                model.apply(changes)
            except ValueError:
                with pytest.raises((InvalidInput, EntryNotFound)):
                    trees.apply_changes(store, root, changes)
                continue
            before, root = root, trees.apply_changes(store, root, changes)
            listed = trees.list_tree(store, root, "", True)
            files = {path: (it.mode, it.oid) for path, it in listed if not it.is_folder}
            assert files == model.files
            differing = [(path, now) for path, _, now in trees.diff(store, before, root)]
            assert all(trees.find(store, root, path) == now for path, now in differing)
        if root is not None:
            assert root.hex() == git_write_tree(model.files)
