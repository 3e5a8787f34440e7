"""The real git against a live hub: clone, fetch, push."""

import random
import time
from pathlib import Path

import pytest

from reprise.base.ids import RepoId, RepoType
from reprise.registry import accounts, repos, tokens
from reprise.registry.git import refs
from reprise.registry.git.check import check_repo
from tests.factories import Hub, make_repo
from tests.git_client import Git, GitFailed, remote
from tests.git_objects import bare_repo


@pytest.fixture
def git(tmp_path: Path) -> Git:
    folder = tmp_path / "work"
    folder.mkdir()
    return Git(folder)


@pytest.fixture
def url(hub: Hub) -> str:
    """An empty repo: no commit at all."""
    return remote(hub, str(bare_repo(hub.registry).repo_id))


def problems(hub: Hub, repo_id: str = "ada/model") -> list[str]:
    with hub.registry.db.read() as conn:
        repo = repos.lookup(conn, RepoType.MODEL, RepoId.parse(repo_id))
        assert repo is not None
        return check_repo(conn, repo.id)


def hub_refs(hub: Hub) -> dict[str, str]:
    with hub.registry.db.read() as conn:
        repo = repos.lookup(conn, RepoType.MODEL, RepoId.parse("ada/model"))
        assert repo is not None
        return {ref.name: ref.oid.hex() for ref in refs.list_refs(conn, repo.id)}


def history(git: Git, commits: int, seed: int = 1) -> None:
    """Commit random edits, moves, deletions, branches and merges."""
    rng = random.Random(seed)
    names = [f"{a}/{b}.txt" if a else f"{b}.txt" for a in ("", "x", "x/y", "z") for b in "abcd"]
    for number in range(commits):
        for name in rng.sample(names, 3):
            path = git.folder / name
            if path.exists() and rng.random() < 0.3:
                path.unlink()
            else:
                git.write(name, "".join(f"{rng.randrange(9)}\n" for _ in range(40)))
        if rng.random() < 0.1:
            git("checkout", "-q", "-b", f"side-{number}", check=False)
        git.commit(f"Commit {number}")
        if rng.random() < 0.1 and git("branch", "--show-current") != "main":
            side = git("branch", "--show-current")
            git("checkout", "-q", "main")
            git("merge", "-q", "-X", "theirs", "-m", f"Merge {side}", side, check=False)
            git("add", "-A")
            git("commit", "-q", "--allow-empty", "-m", "merged")
    side = git("branch", "--show-current")
    git("checkout", "-q", "main")
    git("merge", "-q", "-X", "theirs", "-m", f"Merge {side}", side, check=False)
    git("add", "-A")
    git("commit", "-q", "--allow-empty", "-m", "merged at last")


def test_an_empty_repo_is_cloned_and_gets_its_first_push(hub: Hub, git: Git, url: str) -> None:
    one = git.clone(url, "one")
    assert one("symbolic-ref", "HEAD") == "refs/heads/main"
    tip = one.commit("First", hello="world")
    one("push", "-q", "origin", "main")
    two = git.clone(url, "two")
    assert two.head() == tip
    assert (two.folder / "hello").read_text() == "world"
    assert problems(hub) == []


@pytest.mark.parametrize("version", [0, 1, 2])
def test_a_random_history_comes_back_identical(hub: Hub, git: Git, url: str, version: int) -> None:
    source = git.init("source")
    history(source, 300 if version == 2 else 60, seed=version)
    source("tag", "light")
    source("tag", "-a", "-m", "A release", "v1")
    source("push", "-q", "--all", url)
    source("push", "-q", "--tags", url)
    back = git.clone(url, "back", "--mirror", "-c", f"protocol.version={version}")
    listing = ("for-each-ref", "--format=%(refname) %(objectname)")
    assert back(*listing) == source(*listing)
    assert back("fsck", "--strict", "--full", "--no-dangling") == ""
    assert back("rev-list", "--objects", "--all", "--count") == source(
        "rev-list", "--objects", "--all", "--count"
    )
    assert problems(hub) == []


@pytest.mark.parametrize("version", [0, 2])
def test_a_fetch_brings_only_what_is_new(hub: Hub, git: Git, url: str, version: int) -> None:
    one = git.init("one")
    one("remote", "add", "origin", url)
    one.commit("First", a="1", b__c="2")
    one("push", "-q", "origin", "main")
    two = git.clone(url, "two", "-c", f"protocol.version={version}")
    for number in range(40):
        one.commit(f"More {number}", a=f"{number}", **{f"b__{number}": "x"})
    one("push", "-q", "origin", "main")
    two.commit("Their own", d="3")
    two("fetch", "-q")
    assert two("rev-parse", "origin/main") == one.head()
    two("merge", "-q", "-m", "Merge", "origin/main")
    two("push", "-q", "origin", "main")
    one("pull", "-q", "origin", "main")
    assert one.head() == two.head()
    assert two("fsck", "--strict", "--no-dangling") == ""
    assert problems(hub) == []


@pytest.mark.parametrize("version", [0, 1, 2])
def test_sides_far_apart_find_what_they_share(git: Git, url: str, version: int) -> None:
    one = git.init("one")
    history(one, 40)
    one("push", "-q", "--all", url)
    two = git.clone(url, "two", "-c", f"protocol.version={version}")
    # Git offers what it has by date, and dates have no more than seconds: in one second with the
    # shared history, its own commits may come before or after it.
    time.sleep(1.1)
    for number in range(300):
        two("commit", "-q", "--allow-empty", "-m", f"Mine {number}")
    for number in range(20):
        one.commit(f"Theirs {number}", a=str(number))
    one("push", "-q", url, "main")
    two("-c", "fetch.unpackLimit=1", "fetch", "-q")
    assert two("rev-parse", "origin/main") == one.head()
    newest = max((two.folder / ".git/objects/pack").glob("*.idx"), key=lambda p: p.stat().st_mtime)
    assert len(two("show-index", stdin=newest.read_bytes()).splitlines()) == 60
    assert two("fsck", "--strict", "--no-dangling") == ""


@pytest.mark.parametrize("version", [0, 2])
def test_a_shallow_clone_is_deepened_as_git_itself_would(git: Git, url: str, version: int) -> None:
    source = git.init("source")
    history(source, 30)
    source("push", "-q", "--all", url)
    options = ("--depth=1", "--no-single-branch", "-c", f"protocol.version={version}")
    ours = git.clone(url, "ours", *options)
    theirs = git.clone(source.folder.as_uri(), "theirs", *options)
    for step in ("--depth=3", "--deepen=2", "--depth=2", "--deepen=4", "--unshallow"):
        for clone in (ours, theirs):
            clone("fetch", "-q", step)
        assert ours("rev-list", "--all") == theirs("rev-list", "--all")
        assert ours("fsck", "--strict", "--no-dangling") == ""
    assert not (ours.folder / ".git" / "shallow").exists()


@pytest.mark.parametrize("version", [0, 2])
def test_a_shallow_clone_by_date_or_ref(git: Git, url: str, version: int) -> None:
    source = git.init("source")
    for number in range(6):
        source.write("a", str(number))
        source("add", "-A")
        when = f"2026-01-0{number + 1}T00:00:00Z"
        source("-c", "core.commitGraph=false", "commit", "-q", "-m", str(number), f"--date={when}")
        source("commit", "-q", "--amend", "--no-edit", f"--date={when}")
    source("tag", "old", "HEAD~4")
    source("push", "-q", "--all", url)
    source("push", "-q", "--tags", url)
    option = ("-c", f"protocol.version={version}")
    excluded = git.clone(url, "excluded", "--shallow-exclude=old", *option)
    assert excluded("rev-list", "--count", "HEAD") == "4"
    recent = git.clone(url, "recent", "--shallow-since=2020-01-01", *option)
    assert recent("rev-list", "--count", "HEAD") == "6"
    with pytest.raises(GitFailed, match="No commits are left"):
        git.clone(url, "none", "--shallow-since=2099-01-01", *option)


@pytest.mark.parametrize("version", [0, 2])
@pytest.mark.parametrize("chosen", ["blob:none", "blob:limit=1k", "tree:0"])
def test_a_partial_clone_fetches_the_rest_when_it_is_needed(
    git: Git, url: str, version: int, chosen: str
) -> None:
    source = git.init("source")
    history(source, 20)
    source.commit("Large", large="x" * 5000)
    source("push", "-q", "--all", url)
    clone = git.clone(
        url, "clone", f"--filter={chosen}", "--no-checkout", "-c", f"protocol.version={version}"
    )
    absent = clone("rev-list", "--objects", "--missing=print", "HEAD").count("?")
    assert absent > 0
    clone("checkout", "-q", "main")
    assert (clone.folder / "large").read_text() == "x" * 5000
    assert clone("log", "-p", "--format=%H") == source("log", "-p", "--format=%H")


def test_a_single_branch_can_be_cloned(git: Git, url: str) -> None:
    source = git.init("source")
    source.commit("First", a="1")
    source("checkout", "-q", "-b", "side")
    tip = source.commit("Side", b="2")
    source("checkout", "-q", "main")
    source.commit("Main", c="3")
    source("push", "-q", "--all", url)
    clone = git.clone(url, "clone", "--single-branch", "--branch=side")
    assert clone.head() == tip
    assert clone("branch", "-a").split() == ["*", "side", "remotes/origin/side"]


def test_tags_follow_the_commits_they_mark(git: Git, url: str) -> None:
    one = git.init("one")
    one.commit("First", a="1")
    one("push", "-q", url, "main")
    two = git.clone(url, "two")
    one.commit("Second", a="2")
    one("tag", "-a", "-m", "A release", "v1")
    one("tag", "light")
    one("push", "-q", "--tags", url, "main")
    two("fetch", "-q")
    assert two("rev-parse", "v1", "light") == one("rev-parse", "v1", "light")
    assert two("cat-file", "-t", "v1") == "tag"
    one("push", "-q", url, ":refs/tags/v1")
    assert "v1" not in two("ls-remote", "--tags", "origin")


def test_a_branch_is_made_and_deleted(hub: Hub, git: Git, url: str) -> None:
    one = git.init("one")
    tip = one.commit("First", a="1")
    one("push", "-q", url, "main", "main:refs/heads/feature/x")
    assert hub_refs(hub) == {"refs/heads/main": tip, "refs/heads/feature/x": tip}
    one("push", "-q", url, "--delete", "feature/x")
    assert hub_refs(hub) == {"refs/heads/main": tip}
    with pytest.raises(GitFailed, match="Cannot delete refs/heads/main"):
        one("push", "-q", url, "--delete", "main")


def test_commits_are_not_dropped_from_the_default_branch(hub: Hub, git: Git, url: str) -> None:
    one = git.init("one")
    one.commit("First", a="1")
    tip = one.commit("Second", a="2")
    one("push", "-q", url, "main", "main:side")
    one("reset", "-q", "--hard", "HEAD~1")
    other = one.commit("Other", a="3")
    with pytest.raises(GitFailed, match="non-fast-forward: main is protected"):
        one("push", "-q", "--force", url, "main")
    one("push", "-q", "--force", url, "main:side")
    assert hub_refs(hub) == {"refs/heads/main": tip, "refs/heads/side": other}
    assert problems(hub) == []


def test_dropped_commits_are_out_of_reach(git: Git, url: str) -> None:
    one = git.init("one")
    one.commit("First", a="1")
    one("push", "-q", url, "main")
    secret = one.commit("A secret", password="1234")
    one("push", "-q", url, "main:side")
    one("reset", "-q", "--hard", "HEAD~1")
    other = one.commit("Other", a="3")
    one("push", "-q", "--force", url, "main:side")
    clone = git.clone(url, "clone")
    assert clone("rev-parse", "origin/side") == other
    with pytest.raises(GitFailed, match=f"not our ref {secret}"):
        clone("fetch", "-q", "origin", secret)
    blob = one("rev-parse", f"{secret}:password")
    with pytest.raises(GitFailed, match="not our ref"):
        clone("fetch", "-q", "origin", blob)
    assert clone("cat-file", "-t", secret, check=False) == ""


def test_an_atomic_push_moves_all_refs_or_none(hub: Hub, git: Git, url: str) -> None:
    one = git.init("one")
    tip = one.commit("First", a="1")
    one("push", "-q", url, "main")
    one("commit", "-q", "--amend", "-m", "Rewritten")
    with pytest.raises(GitFailed, match="another ref of this atomic push was refused"):
        one("push", "-q", "--atomic", "--force", url, "main", "main:side")
    assert hub_refs(hub) == {"refs/heads/main": tip}
    with pytest.raises(GitFailed, match="protected"):
        one("push", "-q", "--force", url, "main", "main:side")
    assert hub_refs(hub) == {"refs/heads/main": tip, "refs/heads/side": one.head()}
    assert problems(hub) == []


def test_a_thin_pack_builds_on_what_the_hub_has(hub: Hub, git: Git, url: str) -> None:
    one = git.init("one")
    one.commit("First", a="".join(f"line {n}\n" for n in range(5000)))
    one("push", "-q", url, "main")
    one.write("a", (one.folder / "a").read_text() + "one more\n")
    tip = one.commit("Second")
    one("push", "-q", "--thin", url, "main")
    back = git.clone(url, "back")
    assert back.head() == tip
    assert back("fsck", "--strict") == ""
    assert problems(hub) == []


def test_a_shallow_clone_can_push(hub: Hub, git: Git, url: str) -> None:
    source = git.init("source")
    history(source, 5)
    source("push", "-q", url, "main")
    clone = git.clone(url, "clone", "--depth=1")
    tip = clone.commit("On top", new="file")
    clone("push", "-q", "origin", "main")
    assert hub_refs(hub)["refs/heads/main"] == tip
    other = remote(hub, str(bare_repo(hub.registry, "other").repo_id))
    with pytest.raises(GitFailed, match="The push is incomplete"):
        clone("push", "-q", other, "main")


def test_options_of_a_push_are_read_over(git: Git, url: str) -> None:
    one = git.init("one")
    tip = one.commit("First", a="1")
    one("push", "-q", "-o", "ci.skip", "-o", "x=y", url, "main")
    assert git.clone(url, "back").head() == tip


def test_a_mirror_can_be_pushed_again_and_again(hub: Hub, git: Git, url: str) -> None:
    one = git.init("one")
    history(one, 20)
    for number in range(40):
        one("tag", "-a", "-m", "x", f"v{number}")
        one("branch", f"b{number}", f"HEAD~{number % 5}")
    one("push", "-q", "--mirror", url)
    one("branch", "-D", *(f"b{number}" for number in range(20)))
    one("tag", "-d", *(f"v{number}" for number in range(20)))
    one("push", "-q", "--mirror", url)
    listing = one("for-each-ref", "--format=%(objectname) %(refname)")
    assert listing.splitlines() == [f"{oid} {name}" for name, oid in hub_refs(hub).items()]
    assert problems(hub) == []


def test_a_large_push_arrives_in_chunks(git: Git, url: str) -> None:
    one = git.init("one")
    data = random.Random(7).randbytes(3_000_000)
    tip = one.commit("Large", data=data)
    one("-c", "http.postBuffer=65536", "push", "-q", url, "main")
    back = git.clone(url, "back")
    assert (back.head(), (back.folder / "data").read_bytes()) == (tip, data)


def test_modes_links_and_odd_names_survive(git: Git, url: str) -> None:
    one = git.init("one")
    one.write("run.sh", "#!/bin/sh\n")
    (one.folder / "run.sh").chmod(0o755)
    (one.folder / "link").symlink_to("/etc/passwd")
    one.write("dir with space/ünï.txt", "x")
    one.write("a.b", "1")
    one.write("a/b", "2")
    one.write("a0", "3")
    one.commit("Odd")
    one("push", "-q", url, "main")
    back = git.clone(url, "back")
    assert back("ls-tree", "-r", "HEAD") == one("ls-tree", "-r", "HEAD")
    assert back("fsck", "--strict") == ""


def test_strangers_are_asked_for_a_token(hub: Hub, git: Git) -> None:
    make_repo(hub.registry, "ada/hidden", private=True)
    make_repo(hub.registry, "ada/open")
    with hub.client() as client:
        fetch = "/info/refs?service=git-upload-pack"
        for path in (f"/ada/hidden{fetch}", f"/ada/absent.git{fetch}",
                     "/ada/open/info/refs?service=git-receive-pack"):  # fmt: skip
            answer = client.get(path)
            assert (answer.status_code, "Basic" in answer.headers["www-authenticate"]) == (
                401,
                True,
            )
        assert client.get(f"/ada/open.git{fetch}").status_code == 200
    anonymous = git.clone(remote(hub, "ada/open", token=""), "open")
    assert (anonymous.folder / ".gitattributes").exists()
    with pytest.raises(GitFailed, match="could not read Username"):
        anonymous("push", "-q", "origin", "main:new")


def test_a_moved_repo_is_found_under_its_old_name(hub: Hub, git: Git) -> None:
    made = make_repo(hub.registry, "ada/old")
    with hub.registry.db.write() as conn:
        caller = tokens.caller_of(conn, accounts.find(conn, "ada"))
        repos.move(conn, caller, made, RepoId.parse("ada/renamed"), now=2)
    clone = git.clone(remote(hub, "ada/old"), "clone")
    clone.commit("On top", a="1")
    clone("push", "-q", "origin", "main")
    assert git.clone(remote(hub, "ada/renamed.git"), "again").head() == clone.head()


def test_datasets_have_addresses_of_their_own(hub: Hub, git: Git) -> None:
    make_repo(hub.registry, "ada/data", "dataset")
    clone = git.clone(remote(hub, "datasets/ada/data"), "clone")
    clone.commit("Rows", rows="1,2")
    clone("push", "-q", "origin", "main")
    with pytest.raises(GitFailed, match="not found"):
        git.clone(remote(hub, "ada/data"), "wrong")
