"""Accounts, organisations and access tokens over HTTP."""

import json

import pytest

from reprise.base.errors import AlreadyExists, InvalidId, InvalidInput
from reprise.registry import accounts, tokens
from reprise.registry.access import TokenRole
from reprise.registry.registry import Registry
from tests.factories import Hub, make_org, make_repo, make_token, make_user

DAY = 86_400_000_000  # microseconds


def test_whoami_names_account_token_and_organisations(hub: Hub) -> None:
    make_org(hub.registry, "lab", ada="admin")
    body = hub.client(hub.token).get("/api/whoami-v2").json()
    assert (body["type"], body["name"]) == ("user", "ada")
    assert body["auth"]["accessToken"] == {"displayName": "write token", "role": "write"}
    assert [(org["name"], org["roleInOrg"]) for org in body["orgs"]] == [("lab", "admin")]


@pytest.mark.parametrize("token", [None, "hf_unknown", "x"])
def test_whoami_refuses_strangers(hub: Hub, token: str | None) -> None:
    answer = hub.client(token).get("/api/whoami-v2")
    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers


def test_an_expired_token_is_refused_and_says_so(hub: Hub) -> None:
    secret = make_token(hub.registry, "ada", "read", expires_at=hub.registry.clock() - 1)
    answer = hub.client(secret).get("/api/whoami-v2")
    assert (answer.status_code, "has expired" in answer.json()["error"]) == (401, True)


def test_a_revoked_token_stops_working_at_once(hub: Hub) -> None:
    secret = make_token(hub.registry, "ada", "read", name="old")
    assert hub.client(secret).get("/api/whoami-v2").status_code == 200
    with hub.registry.db.write() as conn:
        tokens.revoke(conn, accounts.find(conn, "ada"), "old")
    assert hub.client(secret).get("/api/whoami-v2").status_code == 401


def test_the_secret_is_stored_only_as_a_hash(registry: Registry) -> None:
    make_user(registry, "ada")
    secret = make_token(registry, "ada")
    with registry.db.read() as conn:
        dump = json.dumps(
            [str(row) for row in conn.exec_driver_sql("SELECT * FROM access_token").all()]
        )
    assert secret not in dump
    assert secret.removeprefix("hf_") not in dump


def test_names_are_unique_whatever_their_case(registry: Registry) -> None:
    make_user(registry, "ada")
    with pytest.raises(AlreadyExists):
        make_user(registry, "ADA")
    with pytest.raises(AlreadyExists):
        make_org(registry, "Ada")


@pytest.mark.parametrize("name", ["api", "a/b", "", "..", "a.git"])
def test_bad_names_are_refused(registry: Registry, name: str) -> None:
    with pytest.raises(InvalidId):
        make_user(registry, name)


@pytest.mark.parametrize(
    "scopes", [{"model/ada": "write "}, {"ada/x": "read"}, {"model/a/b/c": "read"}]
)
def test_malformed_scopes_are_refused(registry: Registry, scopes: dict[str, str]) -> None:
    ada = make_user(registry, "ada")
    grant = tokens.Grant("t", TokenRole.FINE_GRAINED, scopes)
    with registry.db.write() as conn, pytest.raises(InvalidInput):
        tokens.create(conn, ada, grant, now=0)


def test_an_organisation_lists_its_members(hub: Hub) -> None:
    make_user(hub.registry, "bob")
    make_org(hub.registry, "lab", ada="admin", bob="read")
    members = hub.client().get("/api/organizations/lab/members").json()
    assert [(m["user"], m["role"]) for m in members] == [("ada", "admin"), ("bob", "read")]
    assert hub.client().get("/api/organizations/lab/overview").json()["numUsers"] == 2
    assert hub.client().get("/api/users/lab/overview").status_code == 404


def test_basic_credentials_work_as_git_sends_them(hub: Hub) -> None:
    repo = make_repo(hub.registry, "ada/secret", private=True)
    url = f"/api/models/{repo.repo_id}"
    client = hub.client()
    assert client.get(url).status_code == 404
    assert client.get(url, auth=("anybody", hub.token)).status_code == 200
    assert client.get(url, headers={"Authorization": "Basic !!!"}).status_code == 404
