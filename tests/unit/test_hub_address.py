import pytest

from reprise.base.errors import InvalidId, InvalidInput
from reprise.base.ids import RepoId
from reprise.hub.address import Address, LocalFolder, parse

HUB = "https://hub.example.org"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def address(text: str, **given: str) -> Address:
    found = parse(text, endpoint=HUB, **given)
    assert isinstance(found, Address)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ada/net", Address(HUB, RepoId("ada", "net"))),
        ("ada/net:v1.0", Address(HUB, RepoId("ada", "net"), "v1.0")),
        ("ada/net:feature/x", Address(HUB, RepoId("ada", "net"), "feature/x")),
        (f"ada/net@{COMMIT}", Address(HUB, RepoId("ada", "net"), COMMIT)),
        (f"ada/net@{COMMIT.upper()}", Address(HUB, RepoId("ada", "net"), COMMIT)),
        ("ada/net#code/torch", Address(HUB, RepoId("ada", "net"), None, "code/torch")),
        ("ada/net:v1#code", Address(HUB, RepoId("ada", "net"), "v1", "code")),
        ("gpt2", Address(HUB, RepoId("", "gpt2"))),
        ("gpt2:main", Address(HUB, RepoId("", "gpt2"), "main")),
        ("ada/net:", Address(HUB, RepoId("ada", "net"))),
        ("hub.example.org:ada/net", Address(HUB, RepoId("ada", "net"))),
        ("other.org:ada/net:v1", Address("https://other.org", RepoId("ada", "net"), "v1")),
        ("localhost:8400:ada/net", Address("http://localhost:8400", RepoId("ada", "net"))),
        ("https://other.org/ada/net", Address("https://other.org", RepoId("ada", "net"))),
        (
            "https://other.org/ada/net/tree/feature/x",
            Address("https://other.org", RepoId("ada", "net"), "feature/x"),
        ),
        (
            "github.com:ada/a--b:v1",
            Address("https://github.com", RepoId("ada", "a--b"), "v1", kind="github"),
        ),
        (
            "https://github.com/ada/net.git",
            Address("https://github.com", RepoId("ada", "net"), kind="github"),
        ),
    ],
)
def test_an_address_is_read(text: str, expected: Address) -> None:
    assert address(text) == expected


def test_a_companys_own_github_is_known_by_its_host() -> None:
    own = "https://git.example.org"
    texts = ("git.example.org:ada/net", "https://git.example.org/ada/net.git", "github.com:ada/net")
    found = [parse(text, endpoint=HUB, github=own) for text in texts]
    assert [(it.kind, it.endpoint) for it in found if isinstance(it, Address)] == [
        ("github", own), ("github", own), ("github", "https://github.com"),
    ]  # fmt: skip
    plain = parse("ada/net", endpoint=HUB, github=own, source="github")
    assert isinstance(plain, Address)
    assert plain.endpoint == own


def test_the_github_source_means_github_unless_a_host_is_named() -> None:
    named = address("git.example.org:ada/net", source="github")
    assert address("ada/net", source="github").endpoint == "https://github.com"
    assert (named.endpoint, named.kind) == ("https://git.example.org", "github")


@pytest.mark.parametrize(
    ("text", "remote", "place"),
    [
        ("https://h.org/a/b.git", "https://h.org/a/b.git", "h.org+git+https/a/b"),
        ("https://H.org/A/b.git/", "https://h.org/A/b.git", "h.org+git+https/!a/b"),
        ("git+https://h.org/a/b", "https://h.org/a/b", "h.org+git+https/a/b"),
        ("git+https://github.com/a/b", "https://github.com/a/b", "github.com+git+https/a/b"),
        ("http://h.org:80/b.git", "http://h.org:80/b.git", "h.org+80+git+http/b"),
        ("https://h.org/Y/a/b.git", "https://h.org/Y/a/b.git", "h.org+git+https+%2F!y/a/b"),
        ("ssh://git@h.org:22/a/b", "ssh://git@h.org:22/a/b", "git@h.org+22+git+ssh/a/b"),
        ("git@h.org:a/b.git", "git@h.org:a/b.git", "git@h.org+git+ssh+%2F~/a/b"),
        ("git@h.org:/a/b.git", "git@h.org:/a/b.git", "git@h.org+git+ssh/a/b"),
        ("git://h.org/b.git", "git://h.org/b.git", "h.org+git+git/b"),
        ("file:///srv/.x/b.git", "file:///srv/.x/b.git", "+git+file+%2Fsrv/%2Ex/b"),
        ("file:///srv/x/.git", "file:///srv/x/.git", "+git+file+%2Fsrv/x/%2Egit"),
    ],
)
def test_the_url_of_a_git_repo_is_read(text: str, remote: str, place: str) -> None:
    found = address(text)
    assert (found.kind, found.remote, found.key) == ("git", remote, place)
    assert address(str(found)) == found


@pytest.mark.parametrize(
    ("rest", "revision", "subfolder"),
    [
        ("", None, ""), (":v1", "v1", ""), (":feature/x@y", "feature/x@y", ""),
        (f"@{COMMIT}", COMMIT, ""), (f"@{COMMIT}#a/b", COMMIT, "a/b"), ("#a", None, "a"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "url", ["https://h.org/a/b.git", "git@h.org:a/b", "git+ssh://h.org/a/b", "file:///a/b.git"]
)
def test_behind_it_stands_what_stands_behind_an_id(url, rest, revision, subfolder) -> None:
    found = address(url + rest)
    assert (found.revision, found.subfolder) == (revision, subfolder)
    assert (str(found.repo_id), address(str(found))) == ("a/b", found)


def test_the_git_source_takes_ids_urls_and_folders(tmp_path) -> None:
    read = {
        text: address(text, source="git").remote
        for text in ("ada/net", "other.org:ada/net:v1", "localhost:80:a/b", "https://h.org/a/b")
    }
    assert read == {
        "ada/net": "https://hub.example.org/ada/net",
        "other.org:ada/net:v1": "https://other.org/ada/net",
        "localhost:80:a/b": "http://localhost:80/a/b",
        "https://h.org/a/b": "https://h.org/a/b",
    }
    folder = tmp_path / "a b" / "ü"
    folder.mkdir(parents=True)
    found = address(f"{folder}:v1", source="git")
    assert found.remote == f"file://{tmp_path}/a%20b/%C3%BC"
    assert (found.revision, found.repo_id.name) == ("v1", "%C3%BC")


def test_different_repos_never_share_a_place() -> None:
    texts = [
        "https://h/a/b.git", "https://h/A/b.git", "https://h/a/B.git", "http://h/a/b.git",
        "git@h:a/b", "git@h:/a/b", "ssh://h/a/b", "https://h:1/a/b.git", "https://h/x/a/b.git",
        "https://h/%21a/b.git", "file:///h/a/b", "git://h/a/b", f"https://h/{'a' * 200}/b.git",
        f"https://h/{'a' * 199}c/b.git", "h:a/b",
    ]  # fmt: skip
    keys = {address(text).key for text in texts}
    assert len(keys) == len(texts)
    assert max(len(part) for key in keys for part in key.split("/")) <= 100


@pytest.mark.parametrize(
    "text",
    ["", " ", "ada/", "/net", "a/b/c", "ada/net::", "ada/net@", "ada/net@v1", "ada/net:a b",
     "ada/net:-x", "ada/net:a..b", "ada/net:x.lock", "ada/net#", "ada/net#../x", "ada/net#/x",
     "../x:ada/net", "a b:ada/net", "https://u:p@host/ada/net", "https://host/ada",
     "https://../ada/net", "ada/..", "../net", "ada/net:a\nb", "ada/\x00"],
)  # fmt: skip
def test_anything_else_is_refused_with_the_grammar(text: str) -> None:
    with pytest.raises((InvalidId, InvalidInput)) as caught:
        parse(text, endpoint=HUB)
    assert caught.value.message


@pytest.mark.parametrize("endpoint", ["", "localhost:8000", "ftp://h", "https://", "https://.."])
def test_a_hub_needs_a_proper_address(endpoint: str) -> None:
    with pytest.raises(InvalidInput, match="is not the address of a hub"):
        parse("ada/net", endpoint=endpoint)


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(InvalidInput, match="Unknown source 'gitlab'; use one of hub, github, git"):
        parse("ada/net", source="gitlab", endpoint=HUB)


def test_a_folder_is_taken_when_it_is_written_as_a_path_or_holds_a_hubconf(tmp_path, monkeypatch):
    (tmp_path / "ada/net").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert isinstance(parse("ada/net", endpoint=HUB), Address)
    assert parse("./ada/net", endpoint=HUB) == LocalFolder(tmp_path / "ada/net")
    (tmp_path / "ada/net/hubconf.py").touch()
    assert parse("ada/net", endpoint=HUB) == LocalFolder(tmp_path / "ada/net")
    assert parse("ada", source="local", endpoint=HUB) == LocalFolder(tmp_path / "ada")


def test_a_missing_folder_is_named(tmp_path) -> None:
    with pytest.raises(InvalidInput, match="There is no folder"):
        parse(str(tmp_path / "nothing"), endpoint=HUB)


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("https://huggingface.co", "huggingface.co"),
        ("https://hub.org:8443", "hub.org+8443"),
        ("http://hub.org", "hub.org+http"),
        ("http://127.0.0.1:8400", "127.0.0.1+8400+http"),
        ("https://hub.org/hf", "hub.org+%2Fhf"),
    ],
)
def test_an_endpoint_becomes_one_path_part(endpoint: str, host: str) -> None:
    assert Address(endpoint, RepoId("Ada", "Net")).key == f"{host}/ada/net"


def test_an_address_prints_as_it_is_typed() -> None:
    texts = ["ada/net", "ada/net:v1", f"ada/net@{COMMIT}", "ada/net:v1#code", "gpt2"]
    assert [str(address(text)) for text in texts] == texts
