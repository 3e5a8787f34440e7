"""Every route that names a repo keeps a private one secret, whoever asks and however."""

import re

import pytest

from reprise.server.app import ROUTES
from reprise.server.inference.settings import Settings
from tests.factories import Hub, make_repo, make_token, make_user

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE"]
VALUES = {"rev": "main", "path": "secret.txt", "num": "1", "prefix": "default", "hash": "0" * 64,
          "file": "0" * 64, "branch": "main", "tag": "v1", "name": "x", "ref": "main"}  # fmt: skip
READS = ("/paths-info/{rev:seg}", "/git-upload-pack")  # sent by POST
OF_REPOS = [route for route in ROUTES if "{repo:repo}" in route.path]


def url(path: str, repo: str) -> str:
    path = path.replace("{type:api}", "models").replace("{type:web}", "")
    path = path.replace("{repo:repo}", repo)
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda match: VALUES.get(match[1], "x"), path)


@pytest.fixture
def inference_settings() -> Settings:
    """Nobody runs models here; those who may ask are told so at once."""
    return Settings(grace=0.01)


@pytest.fixture
def private(hub: Hub) -> Hub:
    """A hub with a private repo that holds a file, and a stranger called bob."""
    make_user(hub.registry, "bob")
    make_repo(hub.registry, "ada/hidden", private=True)
    hub.api().upload_file(
        path_or_fileobj=b"s3cret", path_in_repo="secret.txt", repo_id="ada/hidden"
    )
    return hub


@pytest.mark.parametrize("who", ["nobody", "a stranger"])
def test_a_private_repo_answers_every_route_like_an_absent_one(private: Hub, who: str) -> None:
    token = None if who == "nobody" else make_token(private.registry, "bob")
    client = private.client(token)
    told: list[str] = []
    for route in OF_REPOS:
        for method in METHODS:
            hidden = client.request(method, url(route.path, "ada/hidden"), content=b"{}")
            absent = client.request(method, url(route.path, "ada/absent"), content=b"{}")
            same = hidden.status_code == absent.status_code and b"s3cret" not in hidden.content
            if not same or hidden.status_code >= 500 or hidden.status_code < 300:
                told.append(f"{method} {route.path}: {hidden.status_code}, {absent.status_code}")
    assert told == []


def test_a_read_token_and_a_foreign_scope_write_nowhere(private: Hub) -> None:
    other = make_repo(private.registry, "ada/other")
    scopes = {f"model/{other.repo_id}": "write"}
    tokens = [
        make_token(private.registry, "ada", "read"),
        make_token(private.registry, "ada", "fine-grained", scopes=scopes),
    ]
    wrote: list[str] = []
    for token in tokens:
        client = private.client(token)
        for route in OF_REPOS:
            for method in ("POST", "PUT", "DELETE"):
                answer = client.request(method, url(route.path, "ada/hidden"), content=b"{}")
                if answer.status_code < 300 and not route.path.endswith(READS):
                    wrote.append(f"{method} {route.path}: {answer.status_code}")
    assert wrote == []
    assert len(private.api().list_repo_commits("ada/hidden")) == 2


def test_a_scope_opens_its_repo_and_no_other(private: Hub) -> None:
    scopes = {"model/ada/hidden": "read"}
    client = private.client(make_token(private.registry, "ada", "fine-grained", scopes=scopes))
    make_repo(private.registry, "ada/second", private=True)
    assert client.get("/ada/hidden/resolve/main/secret.txt").content == b"s3cret"
    assert client.get("/api/models/ada/second").status_code == 404
