"""Repos over the Hub API, with the unmodified client and by hand."""

import re

import pytest
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

from reprise.base.ids import RESERVED_OWNERS, RESERVED_REPOS
from reprise.server.app import ROUTES
from tests.factories import Hub, make_org, make_repo, make_token, make_user


def test_a_new_repo_has_one_commit_with_attributes(hub: Hub) -> None:
    url = hub.api().create_repo("ada/bert")
    assert url.repo_id == "ada/bert"
    commits = hub.api().list_repo_commits("ada/bert")
    assert [commit.title for commit in commits] == ["initial commit"]
    assert hub.api().list_repo_files("ada/bert") == [".gitattributes"]


@pytest.mark.parametrize("repo_type", ["model", "dataset", "space"])
def test_each_type_has_its_own_names(hub: Hub, repo_type: str) -> None:
    options = {"space_sdk": "static"} if repo_type == "space" else {}
    hub.api().create_repo("ada/same", repo_type=repo_type, **options)
    assert hub.api().repo_info("ada/same", repo_type=repo_type).id == "ada/same"


def test_a_metric_repo_is_created_by_its_type(hub: Hub) -> None:
    client = hub.client(hub.token)
    answer = client.post("/api/repos/create", json={"name": "f1", "type": "metric"})
    assert answer.json()["url"] == f"{hub.url}/metrics/ada/f1"
    assert client.get("/api/metrics/ada/f1").json()["id"] == "ada/f1"


def test_a_name_without_owner_is_created_under_the_caller(hub: Hub) -> None:
    assert hub.api().create_repo("short").repo_id == "ada/short"


def test_creating_twice_conflicts_and_carries_the_url(hub: Hub) -> None:
    hub.api().create_repo("ada/bert")
    answer = hub.client(hub.token).post("/api/repos/create", json={"name": "ADA/Bert"})
    assert (answer.status_code, answer.json()["url"]) == (409, f"{hub.url}/ada/bert")
    assert hub.api().create_repo("ada/bert", exist_ok=True).repo_id == "ada/bert"


@pytest.mark.parametrize(
    ("role", "status"), [("read", 403), ("contributor", 200), ("write", 200), ("admin", 200)]
)
def test_creating_for_an_organisation_takes_a_role(hub: Hub, role: str, status: int) -> None:
    make_org(hub.registry, "lab", ada=role)
    body = {"name": "bert", "organization": "lab"}
    assert hub.client(hub.token).post("/api/repos/create", json=body).status_code == status


def test_a_contributor_writes_to_what_they_created_and_only_there(hub: Hub) -> None:
    make_user(hub.registry, "bob")
    make_org(hub.registry, "lab", ada="admin", bob="contributor")
    bob = hub.api(make_token(hub.registry, "bob"))
    hub.api().create_repo("lab/adas")
    bob.create_repo("lab/bobs")
    bob.upload_file(path_or_fileobj=b"1", path_in_repo="a", repo_id="lab/bobs")
    with pytest.raises(HfHubHTTPError, match="403"):
        bob.upload_file(path_or_fileobj=b"1", path_in_repo="a", repo_id="lab/adas")


def test_nobody_creates_for_somebody_else(hub: Hub) -> None:
    make_user(hub.registry, "bob")
    for owner in ("bob", "nobody"):
        answer = hub.client(hub.token).post("/api/repos/create", json={"name": f"{owner}/x"})
        assert answer.status_code == 403, owner


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "needs 'name'"),
        ({"name": 3}, "needs 'name'"),
        ({"name": "a/b/c"}, "more than one"),
        ({"name": "../x"}, "cannot be used"),
        ({"name": "resolve"}, "kept for"),
        ({"name": "x", "type": "engine"}, "expected one of"),
        ({"name": "x", "visibility": "secret"}, "visibility"),
    ],
)
def test_a_bad_request_says_what_is_wrong(hub: Hub, body: dict, reason: str) -> None:
    answer = hub.client(hub.token).post("/api/repos/create", json=body)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]


def test_a_moved_repo_redirects_until_its_name_is_taken_again(hub: Hub) -> None:
    api = hub.api()
    api.create_repo("ada/old")
    api.move_repo("ada/old", "ada/new")
    assert api.model_info("ada/old").id == "ada/new"
    answer = hub.client().get("/api/models/ada/old?blobs=true")
    location = answer.headers["location"]
    assert (answer.status_code, location) == (307, "/api/models/ada/new?blobs=true")
    api.create_repo("ada/old")
    assert api.model_info("ada/old").id == "ada/old"


def test_moving_onto_a_repo_is_refused(hub: Hub) -> None:
    hub.api().create_repo("ada/a")
    hub.api().create_repo("ada/b")
    with pytest.raises(HfHubHTTPError, match="409"):
        hub.api().move_repo("ada/a", "ada/b")


def test_a_private_repo_is_invisible_to_others(hub: Hub) -> None:
    make_user(hub.registry, "bob")
    bob = make_token(hub.registry, "bob")
    hub.api().create_repo("ada/secret", private=True)
    for client in (hub.client(), hub.client(bob)):
        hidden, absent = client.get("/api/models/ada/secret"), client.get("/api/models/ada/none")
        assert hidden.status_code == absent.status_code == 404
        assert hidden.headers["X-Error-Code"] == absent.headers["X-Error-Code"] == "RepoNotFound"
        assert hidden.json()["error"].replace("secret", "none") == absent.json()["error"]


def test_settings_change_visibility_and_gate(hub: Hub) -> None:
    hub.api().create_repo("ada/x")
    hub.api().update_repo_settings("ada/x", private=True, gated="auto")
    info = hub.api().model_info("ada/x")
    assert (info.private, info.gated) == (True, "auto")


def test_a_read_token_changes_nothing(hub: Hub) -> None:
    make_repo(hub.registry, "ada/x")
    client = hub.client(make_token(hub.registry, "ada", "read"))
    assert client.post("/api/repos/create", json={"name": "y"}).status_code == 403
    assert client.put("/api/models/ada/x/settings", json={"private": True}).status_code == 403
    body = {"name": "x", "organization": "ada"}
    assert client.request("DELETE", "/api/repos/delete", json=body).status_code == 403


def test_a_deleted_repo_is_gone_with_its_history(hub: Hub) -> None:
    hub.api().create_repo("ada/x")
    hub.api().upload_file(path_or_fileobj=b"1", path_in_repo="a", repo_id="ada/x")
    hub.api().delete_repo("ada/x")
    with pytest.raises(RepositoryNotFoundError):
        hub.api().model_info("ada/x")
    with hub.registry.db.read() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM git_object").scalar() == 0


def test_auth_check_tells_reading_from_writing(hub: Hub) -> None:
    make_repo(hub.registry, "ada/x")
    reader = hub.client(make_token(hub.registry, "ada", "read"))
    assert reader.get("/api/models/ada/x/auth-check").status_code == 200
    assert reader.get("/api/models/ada/x/auth-check/write").status_code == 403
    assert hub.client().get("/api/models/ada/none/auth-check").status_code == 404


def test_a_gated_repo_shows_itself_and_keeps_its_files(hub: Hub) -> None:
    make_user(hub.registry, "bob")
    bob = hub.api(make_token(hub.registry, "bob"))
    hub.api().create_repo("ada/gated")
    hub.api().upload_file(path_or_fileobj=b"{}", path_in_repo="config.json", repo_id="ada/gated")
    hub.api().update_repo_settings("ada/gated", gated="manual")
    assert bob.model_info("ada/gated").gated == "manual"
    with pytest.raises(GatedRepoError):
        bob.hf_hub_download("ada/gated", "config.json")
    for path in ("/ada/gated/raw/main/config.json", "/ada/gated/info/refs?service=git-upload-pack",
                 "/api/models/ada/gated/xet-read-token/main"):  # fmt: skip
        answer = hub.client(bob.token).get(path)
        assert (answer.status_code, answer.headers["X-Error-Code"]) == (403, "GatedRepo"), path
    assert hub.api().hf_hub_download("ada/gated", "config.json").endswith("config.json")


def test_no_repo_can_hide_behind_a_route() -> None:
    fixed = {
        match[1]
        for route in ROUTES
        if (match := re.fullmatch(r"/(?:api/)?\{type:\w+\}/?\{repo:repo\}/([a-z-]+)", route.path))
    }
    assert fixed <= RESERVED_REPOS
    first = {route.path.split("/")[1] for route in ROUTES} - {""}
    assert {word for word in first if re.fullmatch(r"[a-z0-9]+", word)} <= RESERVED_OWNERS
