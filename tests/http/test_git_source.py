"""Git URLs against a live hub: public, private, moved, with large files, over real HTTP."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

import reprise
from reprise.base.errors import CorruptContent, HubUnreachable, RepoNotFound
from reprise.hub.snapshots import Options, open_snapshot
from tests.committing import commit, put_large, store_large
from tests.factories import Hub, make_repo
from tests.scripted_server import ScriptedHandler, ScriptedServer

CODE = b"def net():\n    'A net.'\n    return 'one'\n"
WEIGHTS = b"w" * 70_000


@pytest.fixture
def sha(online: Hub) -> str:
    repo = make_repo(online.registry, "ada/net", private=True)
    store_large(online.registry, repo, WEIGHTS)
    attributes = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"
    files = {"hubconf.py": CODE, ".gitattributes": attributes}
    commit(online.registry, "ada/net", files, {}, put_large("model.bin", WEIGHTS))
    return commit(online.registry, "ada/net", {"lib/a.py": b"x = 1\n"})


def test_a_private_repo_of_the_hub_in_use_is_fetched_with_its_token(online: Hub, sha: str) -> None:
    snapshot = open_snapshot(f"{online.url}/ada/net.git", Options())
    assert snapshot.commit == sha
    assert (snapshot.folder / "model.bin").read_bytes() == WEIGHTS
    assert (snapshot.folder / "lib/a.py").read_bytes() == b"x = 1\n"
    assert reprise.list("ada/net", source="git") == ["net"]
    assert reprise.load(f"git+{online.url}/ada/net", "net", trust_repo=True) == "one"


def test_an_old_commit_is_found_in_the_history_alone(online: Hub, sha: str) -> None:
    listed = online.api().list_repo_commits("ada/net")
    assert listed[0].commit_id == sha
    old = listed[1].commit_id
    found = open_snapshot(f"{online.url}/ada/net.git@{old}", Options())
    assert (found.commit, (found.folder / "lib").exists()) == (old, False)


def test_without_a_token_a_private_repo_is_not_there(online: Hub, sha: str) -> None:
    with pytest.raises(RepoNotFound, match="is not there, or not for you") as caught:
        open_snapshot(f"{online.url}/ada/net.git", Options(token=False))
    assert "git asks nothing here" in caught.value.hint
    with pytest.raises(RepoNotFound):
        open_snapshot(f"{online.url}/ada/net.git", Options(token="hf_wrong"))
    assert sha


def test_listing_fetches_only_code(online: Hub, sha: str) -> None:
    folder = open_snapshot(f"{online.url}/ada/net.git", Options(), weights=False).folder
    assert {p.name for p in folder.rglob("*") if p.is_file()} >= {"hubconf.py", "a.py"}
    assert not (folder / "model.bin").exists()
    assert folder.name == f"{sha}.code"


# -- servers that want more than they should get ----------------------------------------------


class _Redirects(ScriptedHandler):
    script: "Redirecting"

    def answer(self) -> None:
        target = self.script.target
        self.script.credentials.append(self.headers.get("Authorization"))
        headers = {"WWW-Authenticate": 'Basic realm="all yours"'}
        headers |= {"Location": f"{target}{self.path}"} if target else {}
        self.send(b"", headers, 302 if target else 401)


@dataclass
class Redirecting(ScriptedServer):
    """A server that sends everybody elsewhere, and notes what it was told."""

    handler = _Redirects
    target: str = ""  # "": asks for a password instead
    credentials: list[str | None] = field(default_factory=list)


@pytest.fixture
def thief() -> Iterator[Redirecting]:
    with Redirecting() as server:
        yield server


@pytest.mark.usefixtures("online")
def test_no_token_is_sent_to_a_host_that_only_was_named(thief) -> None:
    with pytest.raises(RepoNotFound):
        open_snapshot(f"{thief.url}/ada/net.git", Options())
    assert set(thief.credentials) == {None}


def test_a_token_for_one_host_does_not_follow_a_redirect_to_another(thief, client_home) -> None:
    assert not client_home.exists()
    with Redirecting() as given:
        given.target = thief.url
        with pytest.raises(RepoNotFound):
            open_snapshot(f"{given.url}/ada/net.git", Options(token="secret"))
    assert set(thief.credentials) == {None}


def test_the_host_that_a_token_is_for_gets_it(thief, client_home) -> None:
    assert not client_home.exists()
    with pytest.raises(RepoNotFound):
        open_snapshot(f"{thief.url}/ada/net.git", Options(token="secret"))
    sent = base64.b64encode(b"x-access-token:secret").decode()
    assert thief.credentials == [None, f"Basic {sent}"]


@pytest.mark.parametrize("target", ["file:///etc", "ftp://127.0.0.1:9", "gopher://127.0.0.1:9"])
def test_a_redirect_to_another_protocol_is_not_followed(thief, client_home, target) -> None:
    assert not client_home.exists()
    thief.target = target
    with pytest.raises((HubUnreachable, CorruptContent)):
        open_snapshot(f"{thief.url}/ada/net.git", Options())
