import base64
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

import reprise
from reprise.base.errors import (
    ConsentRequired,
    CorruptContent,
    HubUnreachable,
    InvalidInput,
    RepoNotFound,
    RevisionNotFound,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
)
from reprise.hub.snapshots import Options, open_snapshot
from tests.scripted_github import ScriptedGithub

CODE = {"hubconf.py": b"def net():\n    'A net.'\n    return 'one'\n", "lib/a.py": b"x = 1\n"}


@pytest.fixture
def github(tmp_path: Path, client_home: Path) -> Iterator[ScriptedGithub]:
    assert not client_home.exists()
    with ScriptedGithub(tmp_path / "github") as host:
        yield host


def address(host: ScriptedGithub, text: str) -> str:
    return f"{host.url.removeprefix('http://')}:{text}"


GITHUB = Options(source="github")


def test_a_branch_a_tag_and_the_default_branch_mean_their_commits(github) -> None:
    old = github.commit("ada/net", CODE, branch="trunk")
    github.git("ada/net", "tag", "-a", "v1", "-m", "first")
    github.git("ada/net", "branch", "feature/x")
    new = github.commit("ada/net", {"hubconf.py": b"def net():\n    return 'two'\n"})
    opened = [
        open_snapshot(address(github, f"ada/net{revision}"), GITHUB).commit
        for revision in ("", ":trunk", ":v1", ":feature/x", f"@{old}")
    ]
    assert opened == [new, new, old, old, old]


def test_a_snapshot_takes_three_requests_and_a_cached_commit_none(github) -> None:
    commit = github.commit("ada/net", CODE)
    folder = open_snapshot(address(github, "ada/net"), GITHUB).folder
    assert {p.name for p in folder.rglob("*") if p.is_file()} == {"hubconf.py", "a.py"}
    assert github.log == [
        "POST /ada/net.git/git-upload-pack",
        f"GET /ada/net/archive/{commit}.zip",
        f"GET /api/v3/repos/ada/net/git/trees/{commit}",
    ]
    github.log.clear()
    open_snapshot(address(github, f"ada/net@{commit}"), GITHUB)
    assert github.log == []


def test_it_loads_after_consent_and_lists_without(github) -> None:
    github.commit("ada/net", CODE)
    repo = address(github, "ada/net")
    assert reprise.list(repo, source="github") == ["net"]
    with pytest.raises(ConsentRequired):
        reprise.load(repo, "net", source="github")
    assert reprise.load(repo, "net", source="github", trust_repo=True) == "one"
    assert reprise.load(repo, "net", source="github", offline=True) == "one"


def test_modes_and_links_survive(github) -> None:
    github.commit("ada/net", CODE)
    folder = github.root / "ada/net"
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "conf.py").symlink_to("hubconf.py")
    github.commit("ada/net", {})
    snapshot = open_snapshot(address(github, "ada/net"), GITHUB).folder
    assert (snapshot / "run.sh").stat().st_mode & 0o777 == 0o555
    assert (snapshot / "conf.py").read_bytes() == CODE["hubconf.py"]


def test_files_kept_out_of_archives_do_not_spoil_the_comparison(github) -> None:
    github.commit("ada/net", CODE | {".gitattributes": b"lib export-ignore\n"})
    snapshot = open_snapshot(address(github, "ada/net"), GITHUB).folder
    assert not (snapshot / "lib").exists()


def test_an_old_commit_of_the_default_branch_is_accepted(github) -> None:
    old = github.commit("ada/net", CODE)
    github.commit("ada/net", {"more.py": b""})
    assert open_snapshot(address(github, f"ada/net@{old}"), GITHUB).commit == old


def test_a_commit_that_only_a_fork_has_needs_skip_validation(github) -> None:
    github.commit("ada/net", CODE)
    github.git("ada/net", "checkout", "-q", "--detach")
    fork = github.commit("ada/net", {"hubconf.py": b"evil = 1\n"})
    github.git("ada/net", "checkout", "-q", "main")
    repo = address(github, f"ada/net@{fork}")
    with pytest.raises(RevisionNotFound, match="on no branch or tag of ada/net; it may be a fork"):
        open_snapshot(repo, GITHUB)
    assert open_snapshot(repo, Options(source="github", skip_validation=True)).commit == fork


def test_an_archive_of_another_repo_is_refused(github, client_home) -> None:
    github.commit("ada/net", CODE)
    other = github.commit("bob/evil", {"hubconf.py": b"evil = 1\n"})
    github.archive = github.git("bob/evil", "archive", "--format=zip", "--prefix=net-1/", other)
    with pytest.raises(CorruptContent, match=r"'hubconf\.py' in the archive is not the commit's"):
        open_snapshot(address(github, "ada/net"), GITHUB)
    assert list((client_home / "snapshots").rglob("*.py")) == []


def test_an_archive_with_a_file_more_is_refused(github) -> None:
    github.commit("ada/net", CODE)
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("net-1/sitecustomize.py", b"evil")
    github.archive = buffer.getvalue()
    with pytest.raises(CorruptContent, match="which the commit does not"):
        open_snapshot(address(github, "ada/net"), GITHUB)


def test_a_renamed_repo_is_followed(github) -> None:
    commit = github.commit("ada/net", CODE)
    github.moved["ada/old"] = "ada/net"
    assert open_snapshot(address(github, "ada/old"), GITHUB).commit == commit


def test_a_spent_limit_says_when_and_how_to_go_on(github) -> None:
    github.commit("ada/net", CODE)
    github.statuses["/trees/"] = 403
    github.headers["X-RateLimit-Remaining"] = "0"
    with pytest.raises(TooManyRequests) as caught:
        open_snapshot(address(github, "ada/net"), GITHUB)
    assert caught.value.hint == "Set GITHUB_TOKEN, or try again within the hour."


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_failing_host_does_not_matter_once_the_commit_is_cached(github, status: int) -> None:
    commit = github.commit("ada/net", CODE)
    open_snapshot(address(github, "ada/net"), GITHUB)
    github.statuses[""] = status
    assert open_snapshot(address(github, "ada/net"), GITHUB).commit == commit
    with pytest.raises(HubUnreachable, match=f"failed with status {status}"):
        open_snapshot(address(github, "ada/other"), GITHUB)


def test_a_missing_repo_and_a_missing_branch_are_told_apart(github) -> None:
    github.commit("ada/net", CODE)
    with pytest.raises(RepoNotFound, match="ada/nothing is not on"):
        open_snapshot(address(github, "ada/nothing"), GITHUB)
    with pytest.raises(RevisionNotFound) as caught:
        open_snapshot(address(github, "ada/net:mian"), GITHUB)
    assert caught.value.hint == "Did you mean main?"


def test_a_token_is_sent_only_when_it_was_given_for_this_host(github, monkeypatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "for-github.com")
    github.commit("ada/net", CODE)
    open_snapshot(address(github, "ada/net"), GITHUB)
    assert set(github.credentials) == {""}
    open_snapshot(address(github, "ada/net"), Options(source="github", token="secret"))
    sent = base64.b64encode(b"x-access-token:secret").decode()
    assert github.credentials[-1] == f"Basic {sent}"
    github.statuses[""] = 401
    with pytest.raises(Unauthenticated, match="does not accept the access token"):
        open_snapshot(address(github, "ada/x"), Options(source="github", token="secret"))


@pytest.mark.parametrize("part", ["/zipball/", "/git/trees/", "/git-upload-pack"])
def test_a_token_does_not_travel_to_another_host(github, part: str) -> None:
    commit = github.commit("ada/net", CODE)
    ways = {
        "/zipball/": f"/ada/net/archive/{commit}.zip",
        "/git/trees/": f"/api/v3/repos/ada/net/git/trees/{commit}",
        "/git-upload-pack": "/ada/net.git/git-upload-pack",
    }
    with ScriptedGithub(github.root) as other:
        github.statuses[part] = 307
        github.headers["Location"] = f"{other.url}{ways[part]}"
        open_snapshot(address(github, "ada/net"), Options(source="github", token="secret"))
        assert other.credentials == [""]


def test_a_private_repo_is_asked_of_the_api_which_takes_the_token(github) -> None:
    commit = github.commit("ada/net", CODE)
    open_snapshot(address(github, "ada/net"), Options(source="github", token="secret"))
    assert github.log[1] == f"GET /api/v3/repos/ada/net/zipball/{commit}"
    assert set(github.credentials) == {github.credentials[0]} != {""}


def test_another_github_is_chosen_by_the_environment(github, monkeypatch) -> None:
    commit = github.commit("ada/net", CODE)
    monkeypatch.setenv("REPRISE_GITHUB", f"{github.url}/")
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    assert reprise.list("ada/net", source="github") == ["net"]
    assert reprise.list(address(github, f"ada/net@{commit}")) == ["net"]
    assert reprise.list(f"{github.url}/ada/net.git") == ["net"]
    sent = base64.b64encode(b"x-access-token:secret").decode()
    assert set(github.credentials) == {f"Basic {sent}"}


def test_a_token_for_a_company_is_not_sent_to_github_com(monkeypatch) -> None:
    from reprise.base.ids import RepoId
    from reprise.hub.address import Address
    from reprise.hub.sources.github import GithubSource

    monkeypatch.setenv("REPRISE_GITHUB", "https://git.example.com")
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    hosts = ("https://git.example.com", "https://github.com", "http://git.example.com")
    sources = [GithubSource(Address(it, RepoId("o", "n"), kind="github")) for it in hosts]
    assert [it._credentials() is not None for it in sources] == [True, False, False]


@pytest.mark.parametrize("value", ["git.example.com", "ftp://git.example.com", "https://"])
def test_an_address_of_github_that_is_none_is_refused(client_home, monkeypatch, value) -> None:
    assert not client_home.exists()
    monkeypatch.setenv("REPRISE_GITHUB", value)
    with pytest.raises(InvalidInput) as caught:
        reprise.list("ada/net", source="github")
    assert "REPRISE_GITHUB" in caught.value.hint


@pytest.mark.parametrize("answer", [b"", b"zzzz", b"0004", b"00ffabc", b"<html>", b"0\r\n"])
def test_a_server_that_speaks_no_git_is_called_so(github, answer: bytes, monkeypatch) -> None:
    from tests import scripted_github

    github.commit("ada/net", CODE)
    monkeypatch.setattr(scripted_github._Handler, "_content", lambda *_: answer)
    with pytest.raises(CorruptContent, match="does not answer like a git server"):
        open_snapshot(address(github, "ada/net"), GITHUB)


def test_a_listing_that_github_cut_short_is_not_trusted(github, monkeypatch) -> None:
    from tests import scripted_github

    github.commit("ada/net", CODE)
    real = scripted_github._Handler._content

    def cut(self, repo, rest, body):
        return b'{"truncated": true}' if "trees" in rest else real(self, repo, rest, body)

    monkeypatch.setattr(scripted_github._Handler, "_content", cut)
    with pytest.raises(TooLarge, match="too large for GitHub to list"):
        open_snapshot(address(github, "ada/net"), GITHUB)


def test_pointers_to_large_files_are_pointed_out(github, caplog) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 5\n"
    github.commit("ada/net", CODE | {"model.bin": pointer})
    open_snapshot(address(github, "ada/net"), GITHUB)
    assert caplog.messages[-1] == (
        "model.bin is only a pointer to a large file: archives lack those, "
        f"git+{github.url}/ada/net has them"
    )
