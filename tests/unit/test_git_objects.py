import pytest

from reprise.base.errors import InvalidFormat, InvalidInput
from reprise.registry.git.objects import (
    EXECUTABLE,
    FILE,
    FOLDER,
    Commit,
    Kind,
    Signature,
    Tag,
    TreeEntry,
    decode_commit,
    decode_tag,
    decode_tree,
    encode_commit,
    encode_tag,
    encode_tree,
    object_id,
)

A, B = bytes([1]) * 20, bytes([2]) * 20
ADA = Signature("Ada", "ada@example.org", 1_700_000_000, 60)
COMMIT = Commit(A, (B,), ADA, ADA, "A title\n\nA text.\n", (("gpgsig", b"line\n two"),))


def test_ids_are_those_of_git() -> None:
    assert object_id(Kind.BLOB, b"").hex() == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert object_id(Kind.TREE, b"").hex() == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def test_a_folder_sorts_as_if_its_name_ended_in_a_slash() -> None:
    entries = [TreeEntry("a", FOLDER, A), TreeEntry("a.b", FILE, B), TreeEntry("a0", FILE, A)]
    assert decode_tree(encode_tree(reversed(entries))) == (entries[1], entries[0], entries[2])


def test_a_commit_comes_back_as_it_was() -> None:
    body = encode_commit(COMMIT)
    assert body == (
        b"tree " + b"01" * 20 + b"\nparent " + b"02" * 20
        + b"\nauthor Ada <ada@example.org> 1700000000 +0100"
        + b"\ncommitter Ada <ada@example.org> 1700000000 +0100"
        + b"\ngpgsig line\n  two\n\nA title\n\nA text.\n"
    )  # fmt: skip
    assert decode_commit(body) == COMMIT
    assert (COMMIT.title, COMMIT.description) == ("A title", "A text.")


def test_a_tag_comes_back_as_it_was() -> None:
    tag = Tag(A, Kind.COMMIT, "v1", ADA, "A release\n")
    assert decode_tag(encode_tag(tag)) == tag
    old = b"object " + b"01" * 20 + b"\ntype tree\ntag v0\n\nOld\n"
    assert decode_tag(old) == Tag(A, Kind.TREE, "v0", None, "Old\n")


def test_free_text_becomes_a_valid_signature() -> None:
    assert Signature.at("A <b>\n", "x\0y@z", 1_500_000) == Signature("A  b", "x y@z", 1)


def test_messages_in_old_encodings_are_read() -> None:
    body = encode_commit(Commit(A, (), ADA, ADA, "", (("encoding", b"latin1"),)))
    assert decode_commit(body + "Grüße".encode("latin1")).message == "Grüße"
    body = encode_commit(Commit(A, (), ADA, ADA, "", (("encoding", b"punycode"),)))
    assert decode_commit(body + b"\xff\0").message == "\ufffd\ufffd"


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("", FILE), (".", FILE), ("..", FOLDER), ("a/b", FILE), ("a\\b", FILE), ("a\nb", FILE),
        (".git", FILE), (".GIT", FOLDER), (".Git.", FILE), (".git ", FILE), ("git~1", FILE),
        (".g\u200cit", FILE), (".git::$INDEX_ALLOCATION", FOLDER), ("ok", 0o644), ("ok", 0o100600),
    ],
)  # fmt: skip
def test_entries_that_could_harm_a_clone_are_refused(name: str, mode: int) -> None:
    with pytest.raises(InvalidInput):
        encode_tree([TreeEntry(name, mode, A)])
    with pytest.raises(InvalidInput):
        decode_tree(b"%o %s\0%s" % (mode, name.encode(), A))


def test_a_name_stands_in_a_tree_only_once() -> None:
    twice = [TreeEntry("a", FILE, A), TreeEntry("a", FOLDER, B)]
    with pytest.raises(InvalidInput, match="two entries"):
        encode_tree(twice)
    far_apart = b"100644 a\0" + A + b"100644 a.b\0" + A + b"40000 a\0" + B
    with pytest.raises(InvalidFormat, match="same name twice"):
        decode_tree(far_apart)


@pytest.mark.parametrize(
    "body",
    [
        b"100644 b\0" + A + b"100644 a\0" + A,
        b"100644 a\0" + A[:-1],
        b"junk100644 a\0" + A,
        b"100644 a\0" + A + b"x",
        b"0100644 a\0" + A,
        b"040000 a\0" + A,
        b"100644 \xff\0" + A,
        b"100644 a\0" + bytes(20),
    ],
)
def test_malformed_trees_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode_tree(body)


GOOD = encode_commit(Commit(A, (B,), ADA, ADA, "x", ()))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        GOOD.replace(b"tree", b"trie"),
        GOOD.replace(b"01" * 20, b"01" * 19),
        GOOD.replace(b"\nparent", b"\nParent"),
        GOOD.replace(b"Ada <", b"Ada<"),
        GOOD.replace(b"author Ada <ada@example.org>", b"author Ada"),
        GOOD.replace(b"1700000000", b"01700000000"),
        GOOD.replace(b"1700000000", b"999999999999999"),
        GOOD.replace(b"+0100", b"0100"),
        GOOD.replace(b"committer", b"author Ada <a> 1 +0000\ncommitter"),
        GOOD.replace(b"\n\nx", b"\ntree " + b"01" * 20 + b"\n\nx"),
        GOOD.replace(b"Ada", b"A\0a"),
        GOOD.split(b"\ncommitter")[0],
    ],
)
def test_malformed_commits_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidFormat):
        decode_commit(body)


def test_reserved_characters_are_not_written() -> None:
    bad = Signature("Ada>", "a@b", 1)
    for commit in (Commit(A, (), bad, ADA, "x"), Commit(A, (), ADA, ADA, "x\0y")):
        with pytest.raises(InvalidInput):
            encode_commit(commit)
    with pytest.raises(InvalidInput):
        encode_tag(Tag(A, Kind.COMMIT, "a\nb", ADA, "x"))


def test_executables_keep_their_mode() -> None:
    assert encode_tree([TreeEntry("run", EXECUTABLE, A)]) == b"100755 run\0" + A
