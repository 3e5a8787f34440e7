"""`list` and `help` from the manifest that a hub publishes, instead of from a snapshot."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from huggingface_hub.utils import get_session

import reprise
from reprise.base.errors import EntryNotFound, OfflineMiss, RepoNotFound
from reprise.hub import cache, settings
from reprise.hub.finding import read_manifest
from reprise.hub.housekeeping import contents, remove
from reprise.hub.manifest import read_manifest as read_folder
from reprise.hub.manifest import to_json
from reprise.hub.snapshots import Options, Origin, Snapshot, open_snapshot
from reprise.registry import manifests
from tests.committing import commit
from tests.factories import Hub, make_repo
from tests.scripted_hub import ScriptedHub

HUBCONF = b"def net(width: int = 4):\n    'A net.'\n    return width\n"
OTHER = b"def other():\n    'Another.'\n"
EXAMPLES = sorted((Path(__file__).parents[1] / "hubconf_repos").glob("*/hubconf.py"))


@pytest.fixture
def net(online: Hub) -> str:
    make_repo(online.registry, "ada/net", private=True)
    return commit(online.registry, "ada/net", {"hubconf.py": HUBCONF, "lib/a.py": b"x = 1\n"})


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """Paths of all requests, as they are made."""
    log: list[str] = []

    def note(request: httpx2.Request) -> None:
        log.append(request.url.path)

    session = get_session()
    session.event_hooks = {"request": [*session.event_hooks["request"], note], "response": []}
    return log


def test_the_first_list_takes_one_request_and_no_code(net: str, asked: list[str]) -> None:
    assert reprise.list("ada/net") == ["net"]
    assert asked == ["/api/models/ada/net/entry-points/HEAD"]
    cached = [path.name for path in settings.cache_dir().rglob(f"{net}*")]
    assert sorted(cached) == [f"{net}.json", f"{net}.manifest"]


LISTED = """
import sys
import reprise
print(reprise.list("ada/net"), reprise.help("ada/net", "net"), "httpx2" in sys.modules)
"""


def test_a_process_that_only_lists_imports_no_client(online: Hub, net: str, tmp_path) -> None:
    given = {
        "HF_ENDPOINT": online.url, "HF_TOKEN": online.token, "TORCH_HOME": str(tmp_path / "torch"),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", LISTED], env=os.environ | given, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert (done.stdout, bool(net)) == ("['net'] A net. False\n", True)


def test_later_ones_ask_only_what_the_branch_means(online: Hub, net: str, asked) -> None:
    reprise.list("ada/net")
    asked.clear()
    assert reprise.help("ada/net", "net") == "A net."
    assert reprise.list(f"ada/net@{net}") == ["net"]
    assert asked == ["/api/models/ada/net"]
    commit(online.registry, "ada/net", {"hubconf.py": OTHER})
    asked.clear()
    assert reprise.list("ada/net") == ["other"]
    assert [path.rpartition("/")[0] for path in asked] == [
        "/api/models/ada", "/api/models/ada/net/entry-points",
    ]  # fmt: skip
    assert reprise.list(f"ada/net@{net}") == ["net"]


def test_code_that_is_cached_is_read_rather_than_asked_for(net: str, asked) -> None:
    open_snapshot("ada/net", Options())
    asked.clear()
    place, _ = read_manifest("ada/net")
    assert isinstance(place, Snapshot)
    assert (place.commit, asked) == (net, ["/api/models/ada/net"])


def test_force_reload_asks_again(net: str, asked) -> None:
    for _ in range(2):
        assert reprise.list("ada/net", force_reload=True) == ["net"]
    assert len([path for path in asked if "entry-points" in path]) == 2
    assert net


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_what_the_hub_says_is_what_the_code_says(online: Hub, path: Path) -> None:
    folder, repo = path.parent, f"ada/{path.parent.name}"
    files = [it for it in folder.rglob("*") if it.is_file() and "__pycache__" not in it.parts]
    make_repo(online.registry, repo)
    found = {it.relative_to(folder).as_posix(): it.read_bytes() for it in files}
    commit(online.registry, repo, found)
    place, manifest = read_manifest(repo)
    snapshot = open_snapshot(repo, Options(), weights=False)
    assert (type(place), manifest) == (Origin, read_folder(snapshot.folder))


def test_offline_uses_what_was_asked_before(net: str) -> None:
    with pytest.raises(OfflineMiss):
        reprise.list("ada/net", offline=True)
    reprise.list("ada/net")
    assert reprise.list("ada/net", offline=True) == ["net"]
    assert reprise.help(f"ada/net@{net}", "net", offline=True) == "A net."
    with pytest.raises(OfflineMiss) as caught:
        reprise.load("ada/net", "net", offline=True)
    assert caught.value.hint == "Nothing of ada/net is cached; fetch it once while online."


def test_a_load_after_a_list_reads_the_code_itself(net: str) -> None:
    reprise.list("ada/net")
    assert reprise.load("ada/net", "net", 7, trust_repo=True) == 7
    assert reprise.load(f"ada/net@{net}", "net", offline=True) == 4


def test_strangers_and_misspellings_get_the_usual_errors(net: str) -> None:
    with pytest.raises(RepoNotFound, match="ada/net is not on"):
        reprise.list("ada/net", token=False)
    with pytest.raises(EntryNotFound) as caught:
        reprise.help("ada/net", "nett")
    assert caught.value.hint == "Did you mean net?"
    assert net


def test_a_repo_without_hubconf_says_so(online: Hub) -> None:
    make_repo(online.registry, "ada/bare")
    with pytest.raises(EntryNotFound, match=r"has no hubconf\.py") as caught:
        reprise.list("ada/bare")
    assert caught.value.hint == "Download it instead with: reprise download ada/bare"


def test_a_subfolder_is_read_from_the_code(online: Hub) -> None:
    make_repo(online.registry, "ada/net")
    commit(online.registry, "ada/net", {"code/hubconf.py": HUBCONF})
    place, _ = read_manifest("ada/net#code")
    assert (type(place), reprise.list("ada/net#code")) == (Snapshot, ["net"])


def test_cleaning_the_cache_removes_manifests_too(net: str) -> None:
    reprise.list("ada/net")
    (item,) = contents(settings.cache_dir())
    assert (item.commit, item.complete, item.own_bytes > 100) == (net, False, True)
    remove(settings.cache_dir(), item)
    assert list(settings.cache_dir().rglob(f"{net}*")) == []


def test_a_manifest_that_lacks_sources_says_so_and_the_code_is_read(online: Hub) -> None:
    make_repo(online.registry, "ada/big")
    files = {f"lib/a{n:03}.py": b"x = 1\n" for n in range(manifests._MAX_FILES)}
    files |= {"zoo.py": HUBCONF, "hubconf.py": b"from zoo import net\n"}
    commit(online.registry, "ada/big", files)
    said = online.client().get("/api/models/ada/big/entry-points/main").json()
    assert "incomplete" in said["flags"]
    assert said["problems"][0]["message"] == "this hub does not read links or so many files"
    place, manifest = read_manifest("ada/big")
    assert (type(place), manifest.entry_points[0].doc) == (Snapshot, "A net.")


# -- hubs that publish none, or nonsense -------------------------------------------------------


def published(scripted: ScriptedHub, value: object) -> None:
    scripted.manifests["ada/net"] = (
        value if isinstance(value, bytes) else json.dumps(value).encode()
    )


def whole(scripted: ScriptedHub, tmp_path: Path, source: bytes = HUBCONF) -> dict[str, object]:
    """A commit, and its manifest as an honest hub would publish it."""
    sha = scripted.commit("ada/net", {"hubconf.py": HUBCONF})
    (tmp_path / "read").mkdir()
    (tmp_path / "read" / "hubconf.py").write_bytes(source)
    return {"id": "ada/net", "sha": sha, **to_json(read_folder(tmp_path / "read"))}


def test_a_hub_that_publishes_none_is_asked_for_its_code(scripted: ScriptedHub) -> None:
    scripted.commit("ada/net", {"hubconf.py": HUBCONF})
    assert reprise.list("ada/net") == ["net"]
    assert [line for line in scripted.log if "entry-points" in line] == [
        "GET /api/models/ada/net/entry-points/HEAD"
    ]
    scripted.log.clear()
    assert reprise.list("ada/net") == ["net"]
    assert scripted.log == ["GET /api/models/ada/net"]


@pytest.mark.parametrize(
    "change",
    [
        {"sha": "main"}, {"sha": None}, {"version": 9}, {"entry_points": 3},
        {"flags": ["incomplete"]},
    ],
)  # fmt: skip
def test_an_answer_that_is_no_whole_manifest_is_passed_over(scripted, tmp_path, change) -> None:
    value = whole(scripted, tmp_path)
    published(scripted, value | change)
    place, _ = read_manifest("ada/net")
    assert (type(place), place.commit) == (Snapshot, value["sha"])


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b'{"sha": "' + b"\xff" + b'"}'])
def test_an_answer_that_is_no_json_is_passed_over(scripted, body: bytes) -> None:
    scripted.commit("ada/net", {"hubconf.py": HUBCONF})
    published(scripted, body)
    assert reprise.list("ada/net") == ["net"]


def test_a_manifest_of_another_commit_is_not_taken_for_a_pinned_one(scripted, tmp_path) -> None:
    value = whole(scripted, tmp_path, OTHER)
    published(scripted, value | {"sha": "0" * 40})
    assert reprise.list(f"ada/net@{value['sha']}") == ["net"]


def test_when_the_hub_is_down_the_kept_manifest_is_used(scripted, tmp_path, caplog) -> None:
    value = whole(scripted, tmp_path)
    published(scripted, value)
    assert reprise.list("ada/net") == ["net"]
    scripted.status = 503
    assert reprise.list("ada/net") == ["net"]
    assert f"Using the cached commit {value['sha']} of ada/net." in caplog.text


def test_a_kept_manifest_that_was_damaged_is_asked_for_again(scripted, tmp_path) -> None:
    value = whole(scripted, tmp_path)
    published(scripted, value)
    reprise.list("ada/net")
    (kept,) = settings.cache_dir().rglob(f"*{cache.MANIFEST}")
    kept.write_bytes(b"{")
    assert reprise.list("ada/net") == ["net"]
    assert json.loads(kept.read_bytes()) == value


def test_a_lie_about_entry_points_does_not_reach_what_is_run(scripted, tmp_path) -> None:
    value = whole(scripted, tmp_path, OTHER)
    published(scripted, value)
    assert reprise.list("ada/net") == ["other"]
    with pytest.raises(EntryNotFound):
        reprise.load("ada/net", "other", trust_repo=True)
    assert reprise.load("ada/net", "net", trust_repo=True) == 4
    shutil.rmtree(tmp_path / "read")
