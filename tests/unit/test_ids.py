"""Names: what may stand in an id and in a path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.base.errors import InvalidId
from reprise.base.ids import (
    RESERVED_OWNERS,
    RESERVED_REPOS,
    RepoId,
    RepoType,
    check_new_name,
    check_path,
    is_commit,
)


@pytest.mark.parametrize("text", ["ada/bert", "gpt2", "A.b-c/d_e.f", "a/b", "1/2"])
def test_an_id_survives_parsing(text: str) -> None:
    assert str(RepoId.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "/", "a/", "/b", "a/b/c", "a b/c", "-a/b", "a/b-", "a/.b", "a/b.", "a/b--c", "a/b..c",
     "a/b.git", "a/B.GIT", "a/" + "x" * 97, "ä/b", "a/b\n", "a/%2e"],
)  # fmt: skip
def test_a_bad_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidId):
        RepoId.parse(text)


def test_ids_compare_without_regard_to_case() -> None:
    assert RepoId.parse("Ada/BERT").key == RepoId.parse("ada/bert").key


@pytest.mark.parametrize(
    ("name", "reserved"), [("api", RESERVED_OWNERS), ("Datasets", RESERVED_OWNERS),
                           ("resolve", RESERVED_REPOS), ("REFS", RESERVED_REPOS)],
)  # fmt: skip
def test_names_of_routes_cannot_be_taken(name: str, reserved: frozenset[str]) -> None:
    with pytest.raises(InvalidId, match="kept for the hub's own pages"):
        check_new_name(name, reserved)


@pytest.mark.parametrize(
    "path", ["a", "a/b.txt", ".gitattributes", "ü/日本.txt", ".github/x", "a b"]
)
def test_an_honest_path_passes(path: str) -> None:
    assert check_path(path) == path


@pytest.mark.parametrize(
    "path",
    ["", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a\\b", "a\0", "a\nb", "\x7f", ".git",
     ".GIT/config", "a/.git", "x/.git ", ".git.", "git~1", "GIT~2/x", ".git::$INDEX_ALLOCATION",
     ".g\u200cit", "\ud800", "x" * 1025],
)  # fmt: skip
def test_a_path_that_could_hurt_a_clone_is_refused(path: str) -> None:
    with pytest.raises(InvalidId):
        check_path(path)


@given(st.text(max_size=60))
def test_a_path_that_passes_stays_inside(path: str) -> None:
    try:
        check_path(path)
    except InvalidId:
        return
    parts = path.split("/")
    assert not {"", ".", "..", ".git"} & {part.lower() for part in parts}


def test_only_forty_hex_digits_are_a_commit() -> None:
    assert is_commit("0" * 40)
    assert not is_commit("0" * 39)
    assert not is_commit("G" * 40)


def test_url_prefixes_follow_the_protocol() -> None:
    assert [t.url_prefix for t in RepoType] == ["", "datasets/", "spaces/", "metrics/"]
