"""The client against the real server: publish, find, list, load, download."""

from pathlib import Path

import pytest

import reprise
from reprise.base.errors import (
    EntryNotFound,
    Forbidden,
    InvalidInput,
    RepoNotFound,
    Unauthenticated,
)
from reprise.hub import whoami
from reprise.hub.publishing import plan
from tests.factories import Hub, make_org, make_token, make_user

HUBCONF = '''\
from pathlib import Path

dependencies = ["json"]


def net(width: int = 4):
    """Make a net."""
    weights = Path(__file__).with_name("model.safetensors")
    return width, weights.stat().st_size
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "net"
    made.mkdir()
    (made / "hubconf.py").write_text(HUBCONF)
    (made / "README.md").write_text("---\nlicense: mit\npipeline_tag: fill-mask\n---\n# Net\n")
    (made / "model.safetensors").write_bytes(b"w" * 100_000)
    return made


def test_a_folder_is_published_found_listed_and_loaded(online: Hub, folder: Path) -> None:
    done = reprise.publish(folder, "ada/net", message="First")
    assert (done.url, done.files, done.unchanged) == (f"{online.url}/ada/net", 3, False)
    assert [found.id for found in reprise.search("net", task="fill-mask")] == ["ada/net"]
    assert reprise.list("ada/net") == ["net"]
    assert reprise.help(f"ada/net@{done.commit}", "net") == "Make a net."
    assert reprise.load("ada/net", "net", width=8, trust_repo=True) == (8, 100_000)


@pytest.mark.usefixtures("online")
def test_publishing_the_same_again_makes_no_commit(folder: Path) -> None:
    first = reprise.publish(folder, "ada/net")
    again = reprise.publish(folder, "ada/net")
    assert (again.commit, again.unchanged) == (first.commit, True)


@pytest.mark.usefixtures("online")
def test_prune_deletes_what_the_folder_lacks_and_only_on_its_branch(folder: Path) -> None:
    (folder / "old.py").write_text("x = 1\n")
    first = reprise.publish(folder, "ada/net")
    (folder / "old.py").unlink()
    second = reprise.publish(folder, "ada/net", branch="dev", prune=True)
    assert reprise.download(f"ada/net@{first.commit}", "old.py").read_text() == "x = 1\n"
    with pytest.raises(EntryNotFound, match=r"has no file 'old\.py'"):
        reprise.download(f"ada/net@{second.commit}", "old.py")
    assert reprise.download("ada/net", "old.py").exists()


def test_a_private_repo_is_seen_by_its_owner_only(online: Hub, folder: Path) -> None:
    reprise.publish(folder, "ada/secret", private=True)
    assert reprise.list("ada/secret") == ["net"]
    make_user(online.registry, "eve")
    with pytest.raises(RepoNotFound, match=r"ada/secret is not on"):
        reprise.list("ada/secret", token=make_token(online.registry, "eve"))
    with pytest.raises(RepoNotFound):
        reprise.list("ada/secret", token=False)


def test_publishing_elsewhere_needs_the_right(online: Hub, folder: Path) -> None:
    make_user(online.registry, "eve")
    with pytest.raises(Forbidden, match="namespace 'eve'"):
        reprise.publish(folder, "eve/net")
    make_org(online.registry, "lab", ada="write")
    assert reprise.publish(folder, "lab/net").repo == "lab/net"
    reader = make_token(online.registry, "ada", "read")
    with pytest.raises(Forbidden):
        reprise.publish(folder, "ada/net", token=reader)


def test_publishing_needs_a_login(online: Hub, folder: Path, client_home: Path) -> None:
    (client_home / "token").unlink()
    with pytest.raises(Unauthenticated, match=f"access token for {online.url}"):
        reprise.publish(folder, "ada/net")


def test_nothing_is_sent_when_the_folder_is_not_right(online: Hub, folder: Path) -> None:
    (folder / "README.md").write_text("---\nlicense: nonsense\n---\n")
    (folder / ".env").write_text("SECRET=1")
    with pytest.raises(InvalidInput) as caught:
        reprise.publish(folder, "ada/net")
    assert "\n  .env: usually holds secrets" in caught.value.message
    assert "\n  README.md:2: " in caught.value.message
    with pytest.raises(RepoNotFound):
        reprise.list("ada/net")
    assert online.api().list_models(author="ada") is not None


@pytest.mark.usefixtures("online")
def test_a_plan_sends_nothing(folder: Path) -> None:
    planned = plan(folder, "ada/net")
    assert [file.path for file in planned.collected.files] == [
        "README.md", "hubconf.py", "model.safetensors",
    ]  # fmt: skip
    with pytest.raises(RepoNotFound):
        reprise.list("ada/net")


@pytest.mark.usefixtures("online")
def test_datasets_are_published_searched_and_downloaded(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.csv").write_text("a,b\n1,2\n")
    (tmp_path / "data" / "README.md").write_text("---\nlicense: mit\n---\n# Data\n")
    reprise.publish(tmp_path / "data", "ada/data", repo_type="dataset")
    assert [found.id for found in reprise.search(repo_type="dataset", owner="ada")] == ["ada/data"]
    file = reprise.download("ada/data", "train.csv", repo_type="dataset")
    assert file.read_text() == "a,b\n1,2\n"
    folder = reprise.download("ada/data", "*.csv", repo_type="dataset", local_dir=tmp_path / "out")
    assert [path.name for path in folder.iterdir() if path.is_file()] == ["train.csv"]


@pytest.mark.usefixtures("online")
def test_a_whole_repo_is_downloaded_once_into_the_shared_cache(folder: Path) -> None:
    reprise.publish(folder, "ada/net")
    first = reprise.download("ada/net")
    names = {path.name for path in first.iterdir()}
    assert names == {"README.md", "hubconf.py", "model.safetensors", ".gitattributes"}
    assert reprise.download("ada/net", offline=True) == first
    reprise.load("ada/net", "net", trust_repo=True)
    assert (first / "model.safetensors").resolve().stat().st_nlink == 2


def test_login_stores_only_a_token_that_the_hub_knows(online: Hub, client_home: Path) -> None:
    (client_home / "token").unlink()
    with pytest.raises(Unauthenticated, match="does not accept the access token"):
        reprise.login("hf_" + "0" * 64)
    assert not (client_home / "token").exists()
    identity = reprise.login(online.token)
    assert (identity.name, identity.role, identity.endpoint) == ("ada", "write", online.url)
    assert whoami() == identity
    assert (client_home / "token").read_text() == online.token
    assert (client_home / "token").stat().st_mode & 0o077 == 0


def test_logout_forgets(online: Hub) -> None:
    from reprise.hub import logout

    assert whoami().name == "ada"
    assert (logout(), logout()) == (True, False)
    with pytest.raises(Unauthenticated, match="You are not logged in"):
        whoami(endpoint=online.url)


@pytest.mark.parametrize("token", ["", "two words", "é", "a\nb"])
@pytest.mark.usefixtures("online")
def test_a_token_that_cannot_be_one_is_refused_here(token: str) -> None:
    with pytest.raises(InvalidInput, match="one word of ASCII"):
        reprise.login(token)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"repo_type": "modle"}, "Unknown repo type 'modle'"),
        ({"sort": "stars"}, "Unknown order 'stars'"),
        ({"limit": 0}, "limit of at least 1"),
        ({"colour": "red"}, "Unknown search option"),
    ],
)
def test_a_search_that_cannot_be_is_refused_here(query: dict, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        reprise.search("x", **query)
