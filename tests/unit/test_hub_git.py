"""Snapshots of git repos, by the real git from real repos."""

import logging
import shutil
from hashlib import sha256
from pathlib import Path

import pytest

import reprise
from reprise.base.errors import (
    ConsentRequired,
    EntryNotFound,
    HubUnreachable,
    MissingExtra,
    NotSupported,
    OfflineMiss,
    RepoNotFound,
    RevisionNotFound,
)
from reprise.formats.lfs_pointer import Pointer, serialise
from reprise.hub.snapshots import Options, open_snapshot
from tests.git_client import Git

ONE = b"def net():\n    'A net.'\n    return 'one'\n"
TWO = b"def net():\n    return 'two'\n"
WEIGHTS = b"w" * 5000
POINTER = serialise(Pointer(sha256(WEIGHTS).hexdigest(), len(WEIGHTS)))


@pytest.fixture
def net(tmp_path: Path, client_home: Path) -> Git:
    assert not client_home.exists()
    folder = tmp_path / "ada" / "Net"
    folder.mkdir(parents=True)
    git = Git(folder)
    git("init", "-q", "-b", "trunk")
    return git


def url(git: Git, rest: str = "") -> str:
    return f"file://{git.folder}{rest}"


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_a_branch_a_tag_a_commit_and_no_revision_mean_their_commits(net: Git) -> None:
    old = net.commit("one", **{"hubconf.py": ONE})
    net("tag", "-a", "v1", "-m", "first")
    net("branch", "feature/x")
    new = net.commit("two", **{"hubconf.py": TWO})
    revisions = ("", ":trunk", ":v1", ":feature/x", f"@{old}", f":{old[:9]}", ":refs/heads/trunk")
    opened = [open_snapshot(url(net, it), Options()).commit for it in revisions]
    assert opened == [new, new, old, old, old, old, new]


def test_a_folder_is_fetched_by_git_when_git_is_the_source(net: Git) -> None:
    old = net.commit("one", **{"hubconf.py": ONE})
    net.commit("two", **{"hubconf.py": TWO})
    snapshot = open_snapshot(f"{net.folder}@{old}", Options(source="git"))
    assert files(snapshot.folder) == {"hubconf.py": ONE}


def test_a_snapshot_holds_the_files_of_the_commit_with_modes_and_links(net: Git, caplog) -> None:
    net.write("run.sh", "#!/bin/sh\n")
    (net.folder / "run.sh").chmod(0o755)
    net.write("a b/ünï.py", "x = 1\n")
    net.write("__pycache__/hubconf.cpython-311.pyc", "evil")
    (net.folder / "conf.py").symlink_to("hubconf.py")
    (net.folder / "passwd").symlink_to("/etc/passwd")
    commit = net.commit("one", **{"hubconf.py": ONE})
    snapshot = open_snapshot(url(net), Options())
    assert files(snapshot.folder) == {
        "run.sh": b"#!/bin/sh\n", "a b/ünï.py": b"x = 1\n", "hubconf.py": ONE, "conf.py": ONE,
    }  # fmt: skip
    assert (snapshot.folder / "run.sh").stat().st_mode & 0o777 == 0o555
    assert (snapshot.folder / "conf.py").is_symlink()
    assert snapshot.folder.name == commit
    assert "Left out the link passwd: it leads outside the repo or nowhere" in caplog.messages


def test_capitals_tell_repos_apart_and_every_kind_of_url_has_a_place_of_its_own(net: Git) -> None:
    net.commit("one", **{"hubconf.py": ONE})
    snapshot = open_snapshot(url(net), Options())
    assert snapshot.key.endswith(f"/ada/!net/{snapshot.commit}")
    assert snapshot.key.startswith("+git+file+%2F")


def test_it_lists_loads_after_consent_and_works_offline(net: Git) -> None:
    net.commit("one", **{"hubconf.py": ONE})
    assert reprise.list(url(net)) == ["net"]
    with pytest.raises(OfflineMiss):
        reprise.load(url(net), "net", offline=True)
    with pytest.raises(ConsentRequired) as caught:
        reprise.load(url(net), "net")
    assert caught.value.hint.startswith(f"Read it: reprise download {url(net)}@")
    assert reprise.load(url(net), "net", trust_repo=True) == "one"
    shutil.rmtree(net.folder)
    assert reprise.load(url(net), "net", offline=True) == "one"
    assert reprise.help(url(net), "net", offline=True) == "A net."


def test_a_cached_commit_needs_no_git_at_all(net: Git, monkeypatch) -> None:
    commit = net.commit("one", **{"hubconf.py": ONE})
    open_snapshot(url(net), Options())
    monkeypatch.setenv("PATH", "")
    assert open_snapshot(url(net, f"@{commit}"), Options()).commit == commit
    with pytest.raises(MissingExtra, match="needs git, which is not installed"):
        open_snapshot(url(net), Options())


def test_listing_leaves_large_files_on_the_server(net: Git) -> None:
    net("config", "uploadpack.allowFilter", "true")
    net.commit("one", **{"hubconf.py": ONE, "weights.txt": b"w" * 1_100_000, "model.bin": b"w"})
    assert files(open_snapshot(url(net), Options(), weights=False).folder) == {"hubconf.py": ONE}
    assert len(files(open_snapshot(url(net), Options()).folder)["weights.txt"]) == 1_100_000


def test_an_old_commit_of_any_branch_is_accepted(net: Git) -> None:
    old = net.commit("one", **{"hubconf.py": ONE})
    for number in range(3):
        net.commit(f"more {number}")
    assert open_snapshot(url(net, f"@{old}"), Options()).commit == old


def test_what_others_only_proposed_needs_skip_validation(net: Git) -> None:
    net.commit("one", **{"hubconf.py": ONE})
    net("checkout", "-q", "--detach")
    proposed = net.commit("evil", **{"hubconf.py": b"evil = 1\n"})
    net("update-ref", "refs/merge-requests/1/head", proposed)
    net("checkout", "-q", "trunk")
    with pytest.raises(RevisionNotFound, match="is on no branch or tag of file://"):
        open_snapshot(url(net, f"@{proposed}"), Options())
    options = Options(skip_validation=True)
    assert open_snapshot(url(net, f"@{proposed}"), options).commit == proposed


def test_a_server_too_old_to_give_out_single_commits_is_served_too(
    net: Git, tmp_path, monkeypatch
) -> None:
    old = net.commit("one", **{"hubconf.py": ONE})
    net.commit("two", **{"hubconf.py": TWO})
    (tmp_path / "gitconfig").write_text("[protocol]\n\tversion = 0\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    snapshot = open_snapshot(url(net, f"@{old}"), Options())
    assert files(snapshot.folder) == {"hubconf.py": ONE}


def test_a_missing_repo_and_a_missing_branch_are_told_apart(net: Git) -> None:
    net.commit("one", **{"hubconf.py": ONE})
    with pytest.raises(RepoNotFound, match="is not there"):
        open_snapshot(f"file://{net.folder}x", Options())
    with pytest.raises(RevisionNotFound) as caught:
        open_snapshot(url(net, ":trnk"), Options())
    assert caught.value.hint == "Did you mean trunk?"


@pytest.mark.usefixtures("client_home")
def test_a_repo_that_names_objects_by_sha256_is_called_so(tmp_path) -> None:
    other = Git(tmp_path).init("new", "--object-format=sha256")
    other.commit("one", **{"hubconf.py": ONE})
    with pytest.raises(NotSupported, match="names objects by SHA-256"):
        open_snapshot(url(other), Options())


def test_a_server_that_cannot_be_reached_is_named(client_home) -> None:
    assert not client_home.exists()
    with pytest.raises(HubUnreachable, match=r"git cannot fetch http://127\.0\.0\.1:9/ada/net"):
        open_snapshot("git+http://127.0.0.1:9/ada/net", Options())


def test_when_the_server_fails_the_cached_commit_is_used(net: Git, monkeypatch, caplog) -> None:
    from reprise.hub.sources.git_repo import GitSource

    def fail(*_: object) -> None:
        raise HubUnreachable("It is down.")

    commit = net.commit("one", **{"hubconf.py": ONE})
    open_snapshot(url(net), Options())
    monkeypatch.setattr(GitSource, "_refs", fail)
    assert open_snapshot(url(net), Options()).commit == commit
    assert f"It is down. Using the cached commit {commit}" in caplog.text


def test_submodules_are_left_out_and_named(net: Git, caplog) -> None:
    net.commit("one", **{"hubconf.py": ONE})
    head = net.head()
    net("update-index", "--add", "--cacheinfo", f"160000,{head},third/party")
    net("commit", "-q", "-m", "sub")
    assert files(open_snapshot(url(net), Options()).folder) == {"hubconf.py": ONE}
    assert "Left out the submodule third/party: it is a repo of its own" in caplog.messages


def test_pointers_become_the_files_they_stand_for(net: Git) -> None:
    digest = sha256(WEIGHTS).hexdigest()
    net.write(f".git/lfs/objects/{digest[:2]}/{digest[2:4]}/{digest}", WEIGHTS)
    net.commit("one", **{"hubconf.py": ONE, "model.bin": POINTER, "copy__model.bin": POINTER})
    listed = open_snapshot(url(net), Options(), weights=False).folder
    assert files(listed) == {"hubconf.py": ONE}
    folder = open_snapshot(url(net), Options()).folder
    assert files(folder) == {"hubconf.py": ONE, "model.bin": WEIGHTS, "copy/model.bin": WEIGHTS}


def test_a_pointer_to_nothing_is_an_error_that_names_the_file(net: Git, client_home) -> None:
    net.commit("one", **{"hubconf.py": ONE, "model.bin": POINTER})
    with pytest.raises(EntryNotFound, match=r"lacks the large file model\.bin \(LFS\)"):
        open_snapshot(url(net), Options())
    assert list((client_home / "snapshots").rglob("hubconf.py")) == []


def test_one_download_copies_files_that_may_be_changed(net: Git, tmp_path) -> None:
    net.commit("one", **{"hubconf.py": ONE, "lib__a.py": b"x", "lib__b.py": b"y"})
    assert reprise.download(url(net), "lib/a.py").read_bytes() == b"x"
    into = reprise.download(url(net), "lib/*", local_dir=tmp_path / "into")
    assert files(into) == {"lib/a.py": b"x", "lib/b.py": b"y"}
    (into / "lib" / "a.py").write_text("changed")
    with pytest.raises(EntryNotFound, match=r"Did you mean lib/[ab]\.py"):
        reprise.download(url(net), "lib/c.py", local_dir=tmp_path / "into")


def test_a_subfolder_is_picked(net: Git) -> None:
    net.commit("one", **{"code__torch__hubconf.py": ONE})
    assert reprise.list(f"{url(net)}#code/torch") == ["net"]


def test_nothing_is_left_behind(net: Git, client_home, caplog) -> None:
    with caplog.at_level(logging.INFO, "reprise.hub"):
        commit = net.commit("one", **{"hubconf.py": ONE})
        open_snapshot(url(net, f"@{commit}"), Options())
    found = {path.name for path in (client_home / "snapshots").rglob("*") if path.is_dir()}
    assert not any(name.startswith((".staging", "tmp")) for name in found)
    assert f"Fetching {url(net)} with git" in caplog.messages


def test_what_came_by_git_is_found_again_to_be_removed(net: Git) -> None:
    from reprise.hub import settings
    from reprise.hub.housekeeping import removable

    net.commit("one", **{"hubconf.py": ONE})
    key = open_snapshot(url(net), Options()).key.rpartition("/")[0]
    root = settings.cache_dir()
    found = [len(removable(root, repo=text)) for text in ("ada/Net", key, key.lower(), "da/Net")]
    assert found == [1, 1, 1, 0]
