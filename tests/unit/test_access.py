"""The one authorisation function, as a table."""

from dataclasses import replace

import pytest

from reprise.base.errors import Forbidden, GatedRepo, RepoNotFound, Unauthenticated
from reprise.base.ids import RepoId, RepoType
from reprise.registry.access import (
    ANONYMOUS,
    AccessToken,
    Account,
    Action,
    Caller,
    OrgRole,
    Repo,
    TokenRole,
    allowed,
    check,
)

ADA, BOB = Account(1, "ada", "user", "Ada"), Account(2, "bob", "user", "Bob")
ORG = 9
SCOPES = {"model/lab/bert": Action.WRITE}


def repo(owner: int = ORG, *, private: bool = True, name: str = "lab/bert") -> Repo:
    return Repo(5, RepoType.MODEL, owner, RepoId.parse(name), private, "main", 0, 0)


def caller(role: OrgRole | None, token: TokenRole = TokenRole.WRITE) -> Caller:
    scopes = SCOPES if token is TokenRole.FINE_GRAINED else {}
    orgs = {ORG: role} if role else {}
    return Caller(ADA, AccessToken(1, "laptop", token, scopes), orgs)


@pytest.mark.parametrize(
    ("role", "token", "expected"),
    [
        (OrgRole.ADMIN, TokenRole.WRITE, Action.ADMIN),
        (OrgRole.ADMIN, TokenRole.READ, Action.FETCH),
        (OrgRole.ADMIN, TokenRole.FINE_GRAINED, Action.WRITE),
        (OrgRole.WRITE, TokenRole.WRITE, Action.WRITE),
        (OrgRole.CONTRIBUTOR, TokenRole.WRITE, Action.FETCH),
        (OrgRole.READ, TokenRole.WRITE, Action.FETCH),
        (OrgRole.READ, TokenRole.FINE_GRAINED, Action.FETCH),
        (None, TokenRole.WRITE, None),
        (None, TokenRole.FINE_GRAINED, None),
    ],
)
def test_a_private_repo_opens_by_role_and_token(
    role: OrgRole | None, token: TokenRole, expected: Action | None
) -> None:
    assert allowed(caller(role, token), repo()) is expected


def test_everybody_reads_a_public_repo() -> None:
    assert allowed(ANONYMOUS, repo(private=False)) is Action.FETCH
    assert allowed(caller(None), repo(private=False)) is Action.FETCH


def test_a_gate_shows_the_repo_and_keeps_its_files() -> None:
    gated = replace(repo(private=False), gated="auto")
    assert allowed(ANONYMOUS, gated) is Action.READ
    assert allowed(caller(OrgRole.READ), gated) is Action.FETCH
    with pytest.raises(GatedRepo, match="for members of lab alone"):
        check(ANONYMOUS, Action.FETCH, gated)


def test_owning_a_repo_is_administering_it() -> None:
    assert allowed(Caller(ADA), repo(ADA.id)) is Action.ADMIN
    assert allowed(Caller(BOB), repo(ADA.id)) is None


def test_a_fine_grained_token_opens_only_what_it_names() -> None:
    fine = caller(OrgRole.ADMIN, TokenRole.FINE_GRAINED)
    assert allowed(fine, repo(name="lab/other")) is None
    assert allowed(fine, repo(name="LAB/Bert")) is Action.WRITE


def test_a_hidden_repo_is_refused_like_an_absent_one() -> None:
    with pytest.raises(RepoNotFound, match="Repository not found: lab/bert"):
        check(ANONYMOUS, Action.WRITE, repo())


def test_an_anonymous_writer_is_asked_to_sign_in() -> None:
    with pytest.raises(Unauthenticated):
        check(ANONYMOUS, Action.WRITE, repo(private=False))


def test_a_reader_who_wants_to_write_is_told_what_is_missing() -> None:
    with pytest.raises(Forbidden, match="'laptop' lacks the right"):
        check(caller(OrgRole.READ), Action.WRITE, repo())
