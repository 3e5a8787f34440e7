"""Hostile pushes and fetches: each is refused with a reason, and leaves nothing behind."""

import gzip
import zlib

import pytest
from sqlalchemy import func, select

from reprise.registry.access import Repo
from reprise.registry.db.schema import git_object, git_ref
from reprise.registry.git.check import check_repo
from reprise.registry.git.objects import Kind, object_id
from reprise.registry.git.pktline import packet
from reprise.registry.registry import Registry
from tests.factories import Hub, make_repo, make_token, make_user
from tests.git_objects import bare_repo
from tests.git_packs import (
    EMPTY_TREE,
    MAIN,
    command,
    commit_body,
    delta,
    file_entry,
    history,
    pack,
    send,
    whole,
)

A = bytes([0xAA]) * 20
BLOB = b"hello\n"
TIP, ENTRIES = history(file_entry(b"a", BLOB), BLOB)


@pytest.fixture
def repo(registry: Registry) -> Repo:
    return bare_repo(registry)


def left_behind(registry: Registry, repo: Repo) -> tuple[int, int]:
    """How many objects and refs the repo has."""
    with registry.db.read() as conn:
        assert check_repo(conn, repo.id) == []
        objects = select(func.count()).where(git_object.c.repo_id == repo.id)
        names = select(func.count()).where(git_ref.c.repo_id == repo.id)
        return conn.execute(objects).scalar_one(), conn.execute(names).scalar_one()


def refused(registry: Registry, repo: Repo, data: bytes, tip: bytes = TIP, **limits: int) -> str:
    """Push something that must be refused; returns the reason."""
    answer = send(registry, repo, [command(tip)], data, **limits)
    assert f"ng {MAIN} " in answer
    assert left_behind(registry, repo) == (0, 0)
    return answer


def test_the_same_push_without_malice_is_taken(registry: Registry, repo: Repo) -> None:
    answer = send(registry, repo, [command(TIP)], pack(*ENTRIES))
    assert answer == f"unpack ok\nok {MAIN}\n"
    assert left_behind(registry, repo) == (3, 1)


# -- broken packs


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "lacks its pack|ends too early|not a pack"),
        (b"PACK", "not a pack"),
        (b"JUNK" + pack(*ENTRIES)[4:], "not a pack"),
        (pack(*ENTRIES)[:-1], "SHA-1 is wrong"),
        (pack(*ENTRIES)[:40], "SHA-1 is wrong"),
        (pack(*ENTRIES) + b"x", "SHA-1 is wrong"),
        (pack(*ENTRIES, count=2), "more than its number"),
        (pack(*ENTRIES, count=4), "ends inside an entry"),
        (pack(*ENTRIES, count=2**32 - 1), "objects; the hub takes|shorter than"),
        (pack(count=0), "its own new tip"),
        (pack(b"\x00" + zlib.compress(b"")), "unknown type 0"),
        (pack(b"\x50" + zlib.compress(b"")), "unknown type 5"),
        (pack(b"\x3fnot zlib at all"), "no valid zlib stream"),
        (pack(whole(Kind.BLOB, BLOB, size=5)), "longer than it announced"),
        (pack(whole(Kind.BLOB, BLOB, size=7)), "shorter than it announced"),
        (pack(whole(Kind.BLOB, BLOB, size=2**60)), "inflates to more"),
        (pack(b"\xff" * 40), "inflates to more"),
    ],
)
def test_broken_packs_are_refused(registry: Registry, repo: Repo, data: bytes, reason: str) -> None:
    import re

    assert re.search(reason, refused(registry, repo, data))


def test_a_bomb_is_not_inflated(registry: Registry, repo: Repo) -> None:
    bomb = whole(Kind.BLOB, bytes(50_000_000), size=10)
    assert "longer than it announced" in refused(registry, repo, pack(bomb))
    honest = whole(Kind.BLOB, bytes(50_000_000))
    assert "inflates to more" in refused(registry, repo, pack(honest), push_bytes=1_000_000)


def test_too_many_objects_are_refused_by_their_number(registry: Registry, repo: Repo) -> None:
    answer = refused(registry, repo, pack(*ENTRIES), push_objects=2)
    assert "3 objects; the hub takes 2 at a time" in answer


# -- deltas


def size_bytes(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def test_deltas_that_multiply_are_stopped(registry: Registry, repo: Repo) -> None:
    base = bytes(60_000)
    copy = b"\xb0" + (60_000).to_bytes(2, "little")
    grow = size_bytes(60_000) + size_bytes(60_000 * 100) + copy * 100
    entries = [whole(Kind.BLOB, base)]
    entries += [delta(object_id(Kind.BLOB, base), grow + b"") for _ in range(50)]
    answer = refused(registry, repo, pack(*entries), push_bytes=100_000_000)
    assert "inflates to more" in answer


def test_a_huge_blob_cannot_hide_behind_a_delta(registry: Registry, repo: Repo) -> None:
    base = bytes(60_000)
    copy = b"\xb0" + (60_000).to_bytes(2, "little")
    grow = size_bytes(60_000) + size_bytes(60_000 * 20) + copy * 20
    entries = [whole(Kind.BLOB, base), delta(object_id(Kind.BLOB, base), grow)]
    assert "git lfs" in refused(registry, repo, pack(*entries), regular_file=1_000_000)


def test_deltas_in_a_circle_are_refused(registry: Registry, repo: Repo) -> None:
    nothing = b"\x01\x01\x01x"
    one, two = object_id(Kind.BLOB, b"1"), object_id(Kind.BLOB, b"2")
    answer = refused(registry, repo, pack(delta(one, nothing), delta(two, nothing)))
    assert "on which a delta in it builds" in answer


def test_a_delta_cannot_point_outside_of_the_pack(registry: Registry, repo: Repo) -> None:
    nothing = b"\x06\x06\x90\x06"
    for base in (5, 100, 0):
        answer = refused(registry, repo, pack(whole(Kind.BLOB, BLOB), delta(base, nothing)))
        assert "points at no object" in answer


def test_a_very_long_chain_of_deltas_is_refused(registry: Registry, repo: Repo) -> None:
    entries, base = [whole(Kind.BLOB, b"0")], object_id(Kind.BLOB, b"0")
    body = b"0"
    for number in range(300):
        new = str(number).encode()
        entries.append(delta(base, bytes([len(body), len(new), len(new)]) + new))
        base, body = object_id(Kind.BLOB, new), new
    assert "chain of deltas is longer than 250" in refused(registry, repo, pack(*entries))


def test_a_chain_deeper_than_what_is_stored_is_cut(registry: Registry, repo: Repo) -> None:
    entries, body = [whole(Kind.BLOB, b"v0")], b"v0"
    tree = file_entry(b"f000", b"v0")
    for number in range(1, 120):
        new = b"v%d" % number
        entries.append(
            delta(object_id(Kind.BLOB, body), bytes([len(body), len(new), len(new)]) + new)
        )
        tree += file_entry(b"f%03d" % number, new)
        body = new
    tip, rest = history(tree)
    assert "unpack ok" in send(registry, repo, [command(tip)], pack(*rest, *entries))
    assert left_behind(registry, repo) == (122, 1)
    with registry.db.read() as conn:
        assert conn.execute(select(func.max(git_object.c.depth))).scalar_one() == 50


@pytest.mark.parametrize(
    "data", [b"", b"\x06", b"\x05\x01\x01x", b"\x06\x63\x91\x05\x63", b"\x06\x06\x00"]
)
def test_malformed_deltas_are_refused(registry: Registry, repo: Repo, data: bytes) -> None:
    base = object_id(Kind.BLOB, BLOB)
    assert "delta" in refused(registry, repo, pack(whole(Kind.BLOB, BLOB), delta(base, data)))


# -- malformed objects


@pytest.mark.parametrize(
    "name",
    [b".git", b".GIT", b".Git", b".git.", b".git ", b"GIT~1", b"git~1", b".g\xe2\x80\x8cit",
     b".git::$INDEX_ALLOCATION", b"..", b".", b"a/b", b"../x", b"a\\b", b"a\nb", b"\x7f",
     b"\xff\xfe"],
)  # fmt: skip
def test_names_that_escape_a_clone_are_refused(registry: Registry, repo: Repo, name: bytes) -> None:
    tip, entries = history(file_entry(name, BLOB), BLOB)
    assert "Tree " in refused(registry, repo, pack(*entries), tip)


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        (file_entry(b"b", BLOB) + file_entry(b"a", BLOB), "not in git's order"),
        (file_entry(b"a", BLOB) + file_entry(b"a", BLOB), "occurs twice"),
        (file_entry(b"a", BLOB) + b"40000 a\0" + EMPTY_TREE, "same name twice"),
        (file_entry(b"a", BLOB, b"0100644"), "malformed|padded"),
        (file_entry(b"a", BLOB, b"100600"), "mode 100600"),
        (file_entry(b"a", BLOB)[:-1], "malformed"),
        (b"100644 a\0" + bytes(20), "no valid object id"),
        (file_entry(b".gitmodules", BLOB, b"120000"), "must not be a symbolic link"),
        (file_entry(b".GitModules. ", BLOB, b"120000"), "must not be a symbolic link"),
        (file_entry(b".git\xe2\x80\x8cmodules", BLOB, b"120000"), "must not be a symbolic link"),
    ],
)
def test_malformed_trees_are_refused(
    registry: Registry, repo: Repo, tree: bytes, reason: str
) -> None:
    import re

    tip, entries = history(tree, BLOB)
    assert re.search(reason, refused(registry, repo, pack(*entries, whole(Kind.TREE, b"")), tip))


@pytest.mark.parametrize(
    "settings",
    [
        b'[submodule "x"]\n\turl = -u./payload\n',
        b'[submodule "x"] url = ""-u./payload\n',
        b'[submodule "x"]\nURL=https://example.org/%0Ahost=other\n',
        b'[submodule "x"]\n\tpath = --upload-pack=evil\n',
        b'[submodule "x"]\n\tupdate = !rm -rf .\n',
        b'[submodule "../../.git/hooks"]\n\turl = https://example.org\n',
    ],
)
def test_submodule_settings_that_run_commands_are_refused(
    registry: Registry, repo: Repo, settings: bytes
) -> None:
    tip, entries = history(file_entry(b".gitmodules", settings), settings)
    assert ".gitmodules" in refused(registry, repo, pack(*entries), tip)


@pytest.mark.parametrize(
    "body",
    [b"", b"junk", b"tree 123\n\nx", commit_body(EMPTY_TREE).replace(b"Eve <", b"Eve<"),
     commit_body(EMPTY_TREE).replace(b"1700000000", b"99999999999999")],
)  # fmt: skip
def test_malformed_commits_are_refused(registry: Registry, repo: Repo, body: bytes) -> None:
    tip = object_id(Kind.COMMIT, body)
    answer = refused(registry, repo, pack(whole(Kind.COMMIT, body), whole(Kind.TREE, b"")), tip)
    assert f"Commit {tip.hex()}" in answer


def test_folders_inside_each_other_without_end_are_refused(registry: Registry, repo: Repo) -> None:
    body, entries = file_entry(b"a", BLOB), [whole(Kind.BLOB, BLOB)]
    for _ in range(3000):
        entries.append(whole(Kind.TREE, body))
        body = b"40000 d\0" + object_id(Kind.TREE, body)
    tip, rest = history(body)
    assert "folders deep" in refused(registry, repo, pack(*rest, *entries), tip)


# -- forged connections


def test_what_a_push_lacks_is_named(registry: Registry, repo: Repo) -> None:
    assert f"tree {object_id(Kind.TREE, file_entry(b'a', BLOB)).hex()} is missing" in refused(
        registry, repo, pack(ENTRIES[0])
    )
    assert f"blob {object_id(Kind.BLOB, BLOB).hex()} is missing" in refused(
        registry, repo, pack(*ENTRIES[:2])
    )
    orphan = commit_body(EMPTY_TREE, A)
    answer = refused(
        registry, repo, pack(whole(Kind.COMMIT, orphan)), object_id(Kind.COMMIT, orphan)
    )
    assert f"commit {A.hex()} is missing" in answer
    assert "its own new tip" in refused(registry, repo, pack(*ENTRIES), A)


def test_objects_of_another_repo_do_not_count(registry: Registry, repo: Repo) -> None:
    other = make_repo(registry, "ada/other")
    assert "ok" in send(registry, other, [command(TIP, "refs/heads/x")], pack(*ENTRIES))
    assert "is missing" in refused(registry, repo, pack(*ENTRIES[:2]))
    assert "its own new tip" in refused(registry, repo, pack(count=0))


def test_an_object_cannot_stand_in_for_another_kind(registry: Registry, repo: Repo) -> None:
    tip, entries = history(b"40000 d\0" + object_id(Kind.BLOB, BLOB), BLOB)
    assert "is a blob, but is used as a tree" in refused(registry, repo, pack(*entries), tip)
    both = b"100644 a\0" + EMPTY_TREE + b"40000 b\0" + EMPTY_TREE
    tip, entries = history(both)
    assert "as a tree" in refused(registry, repo, pack(*entries, whole(Kind.TREE, b"")), tip)


@pytest.mark.parametrize("kind", [Kind.BLOB, Kind.TREE])
def test_a_branch_or_tag_must_lead_to_a_commit(registry: Registry, repo: Repo, kind: Kind) -> None:
    body = BLOB if kind is Kind.BLOB else file_entry(b"a", BLOB)
    data = pack(*ENTRIES)
    assert "must point at a commit" in refused(registry, repo, data, object_id(kind, body))
    tag = (
        b"object " + object_id(kind, body).hex().encode() + b"\ntype " + kind.word + b"\ntag t\n\nx"
    )
    data = pack(*ENTRIES, whole(Kind.TAG, tag))
    for ref in ("refs/tags/t", MAIN):
        answer = send(registry, repo, [command(object_id(Kind.TAG, tag), ref)], data)
        assert "must point at a commit" in answer
    assert left_behind(registry, repo) == (0, 0)


# -- refs


@pytest.mark.parametrize(
    ("ref", "reason"),
    [
        ("refs/pr/1", "Pull requests are written by the hub"),
        ("refs/reprise/secret", "Only branches"),
        ("refs/convert/parquet", "Only branches"),
        ("HEAD", "Only branches"),
        ("refs/heads/../../x", "Invalid reference name"),
        ("refs/heads/a b", "Invalid reference name"),
        ("refs/heads/" + "a" * 40, "Invalid reference name"),
        ("refs/heads/x.lock", "Invalid reference name"),
        ("refs/tags/", "Invalid reference name"),
    ],
)
def test_refs_that_are_not_the_pusher_s_are_refused(
    registry: Registry, repo: Repo, ref: str, reason: str
) -> None:
    answer = send(registry, repo, [command(TIP, ref)], pack(*ENTRIES))
    assert f"ng {ref} " in answer
    assert reason in answer
    assert left_behind(registry, repo) == (0, 0)


def test_a_refused_ref_leaves_the_others_alone(registry: Registry, repo: Repo) -> None:
    answer = send(registry, repo, [command(TIP, "refs/pr/1"), command(TIP)], pack(*ENTRIES))
    assert answer.startswith("unpack ok\nng refs/pr/1 Pull requests")
    assert answer.endswith(f"ok {MAIN}\n")
    assert left_behind(registry, repo) == (3, 1)


@pytest.mark.parametrize(
    "commands",
    [
        ["garbage"],
        ["0" * 40 + " " + "0" * 40 + " " + MAIN],
        ["0" * 39 + " " + "1" * 40 + " " + MAIN],
        [command(TIP), command(TIP)],
    ],
)
def test_malformed_commands_are_refused(
    registry: Registry, repo: Repo, commands: list[str]
) -> None:
    assert send(registry, repo, commands, pack(*ENTRIES)).startswith("ERR ")
    assert left_behind(registry, repo) == (0, 0)


def test_a_stale_old_value_is_refused(registry: Registry, repo: Repo) -> None:
    send(registry, repo, [command(TIP)], pack(*ENTRIES))
    for old in (A, TIP):
        answer = send(registry, repo, [command(None, "refs/heads/none", old)], b"")
        assert "ng refs/heads/none" in answer
    next_one = commit_body(object_id(Kind.TREE, file_entry(b"a", BLOB)), TIP)
    tip = object_id(Kind.COMMIT, next_one)
    answer = send(registry, repo, [command(tip, old=A)], pack(whole(Kind.COMMIT, next_one)))
    assert "fetch first" in answer
    assert left_behind(registry, repo) == (3, 1)


# -- content


def test_a_large_file_is_named_in_the_refusal(registry: Registry, repo: Repo) -> None:
    big = bytes(range(256)) * 8
    below = file_entry(b"weights.bin", big)
    root = b"40000 sub\0" + object_id(Kind.TREE, below)
    tip, entries = history(root, big)
    answer = refused(
        registry, repo, pack(*entries, whole(Kind.TREE, below)), tip, regular_file=2000
    )
    assert "sub/weights.bin is too large for git itself" in answer


def test_an_lfs_pointer_needs_its_file(registry: Registry, repo: Repo) -> None:
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 7\n".encode()
    tip, entries = history(file_entry(b"w.bin", text), text)
    answer = refused(registry, repo, pack(*entries), tip)
    assert "the content of w.bin was not uploaded to git lfs" in answer


@pytest.mark.parametrize(
    "card", [b"---\nlicense: [\n---\n", b"---\n- a\n- b\n---\n", b"---\na: &x [*x]\n---\n"]
)
def test_a_broken_card_is_refused_with_its_line(
    registry: Registry, repo: Repo, card: bytes
) -> None:
    tip, entries = history(file_entry(b"README.md", card), card)
    assert "README.md has a broken metadata header" in refused(registry, repo, pack(*entries), tip)


# -- over HTTP


def post(hub: Hub, service: str, body: bytes, token: str | None = None, **headers: str):
    with hub.client(token or hub.token) as client:
        return client.post(f"/ada/model/git-{service}", content=body, headers=headers)


def test_a_gzip_bomb_is_refused(hub: Hub) -> None:
    make_repo(hub.registry, "ada/model")
    bomb = gzip.compress(bytes(100_000_000))
    answer = post(hub, "upload-pack", bomb, **{"content-encoding": "gzip"})
    assert (answer.status_code, "limit" in answer.text) == (413, True)
    for broken in (bomb[:500], b"not gzip"):
        answer = post(hub, "upload-pack", broken, **{"content-encoding": "gzip"})
        assert (answer.status_code, "gzip" in answer.text) == (400, True)


@pytest.mark.parametrize(
    "body",
    [
        b"zzzz",
        packet("command=steal") + b"0000",
        packet("command=fetch") + b"0001" + packet("want 123") + b"0000",
        packet("command=fetch") + b"0001" + packet("want " + "ab" * 20) + packet("done") + b"0000",
        packet("command=fetch") + b"0001" + packet("filter sparse:oid=x") + b"0000",
        packet("command=fetch") + b"0001" + packet("deepen-not main") * 101 + b"0000",
        packet("command=ls-refs") + packet("object-format=sha256") + b"0001" + b"0000",
        packet("command=fetch") + b"0001" + packet(b"want \xff") + b"0000",
        packet("want " + "ab" * 20) + b"0000" + packet("done"),
    ],
)
@pytest.mark.parametrize("version", ["version=2", "version=1", "", "version=9:x"])
def test_malformed_fetches_get_a_message(hub: Hub, body: bytes, version: str) -> None:
    make_repo(hub.registry, "ada/model")
    answer = post(hub, "upload-pack", body, **{"git-protocol": version})
    assert (answer.status_code, answer.content[4:8]) == (200, b"ERR ")


def test_rights_are_checked_before_a_body_is_read(hub: Hub) -> None:
    make_repo(hub.registry, "ada/model", private=True)
    make_user(hub.registry, "eve")
    eve = make_token(hub.registry, "eve")
    reader = make_token(hub.registry, "ada", "read")
    data = packet(f"{command(TIP)}\0report-status") + b"0000" + pack(*ENTRIES)
    assert post(hub, "receive-pack", data, eve).status_code == 404
    assert post(hub, "upload-pack", data, eve).status_code == 404
    assert post(hub, "receive-pack", data, reader).status_code == 403
    assert post(hub, "receive-pack", data, "hf_unknown").status_code == 401
    with hub.client() as anonymous:
        assert anonymous.post("/ada/model/git-receive-pack", content=data).status_code == 401
        assert anonymous.get("/ada/model/info/refs?service=git-upload-pack").status_code == 401


@pytest.mark.parametrize("service", ["", "?service=git-steal", "?service=git-upload-archive"])
def test_other_services_are_refused(hub: Hub, service: str) -> None:
    make_repo(hub.registry, "ada/model")
    with hub.client() as client:
        answer = client.get(f"/ada/model.git/info/refs{service}")
    assert (answer.status_code, "smart HTTP" in answer.text) == (400, True)
