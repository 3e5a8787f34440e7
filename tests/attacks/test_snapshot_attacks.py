"""Hubs, repos and neighbours that try to run their code in place of somebody else's."""

import json
import os
import shutil
from pathlib import Path

import pytest

import reprise
from reprise.base.errors import ConsentRequired, CorruptContent, InvalidId, RepriseError
from reprise.hub import cache, settings
from reprise.hub.address import Address, parse
from reprise.hub.snapshots import Options, open_snapshot
from tests.scripted_hub import ScriptedHub

GOOD = b"def net():\n    return 'good'\n"
EVIL = b"def net():\n    return 'evil'\n"


def staged(home: Path) -> list[Path]:
    return [path for path in (home / "snapshots").rglob("*") if path.name.startswith(".staging")]


@pytest.mark.parametrize(
    "path",
    ["../../../../escaped.py", "/tmp/escaped.py", ".git/hooks/post-checkout", "a/../../b.py",
     "a\\..\\b.py", "", "a//b", ".GIT/config", "hub\nconf.py"],
)  # fmt: skip
def test_a_listing_cannot_lead_out_of_the_snapshot(
    scripted: ScriptedHub, client_home: Path, path: str
) -> None:
    scripted.commit("ada/net", {"hubconf.py": GOOD, "x.py": EVIL})
    scripted.lists["x.py"] = path
    with pytest.raises(InvalidId):
        open_snapshot("ada/net", Options())
    assert list(client_home.rglob("escaped.py")) == []
    assert staged(client_home) == []


@pytest.mark.parametrize("path", ["hubconf.py", "hubconf.py/x.py"])
def test_a_listing_cannot_hold_a_file_twice_or_as_a_folder(scripted: ScriptedHub, path: str):
    scripted.commit("ada/net", {"hubconf.py": GOOD, "x.py": EVIL})
    scripted.lists["x.py"] = path
    with pytest.raises(CorruptContent):
        open_snapshot("ada/net", Options())


@pytest.mark.parametrize("large", [False, True])
def test_other_bytes_than_listed_never_become_a_snapshot(
    scripted: ScriptedHub, client_home: Path, *, large: bool
) -> None:
    scripted.commit("ada/net", {"hubconf.py": GOOD})
    scripted.large |= {"hubconf.py"} if large else set()
    scripted.sends["hubconf.py"] = EVIL
    with pytest.raises(CorruptContent, match=r"bytes for 'hubconf\.py' that do not match"):
        open_snapshot("ada/net", Options())
    assert list((client_home / "snapshots").rglob("hubconf.py")) == []
    assert staged(client_home) == []


def test_what_one_hub_left_in_the_shared_cache_is_not_taken_for_anothers(
    scripted: ScriptedHub,
) -> None:
    commit = scripted.commit("ada/net", {"hubconf.py": GOOD})
    with ScriptedHub() as evil:
        # The evil hub claims the honest hub's commit for its own code, and gets cached first.
        evil.commit("ada/net", {"hubconf.py": EVIL})
        evil.repos["ada/net"][commit] = {"hubconf.py": EVIL}
        reprise.download(f"ada/net@{commit}", endpoint=evil.url)
    assert reprise.load(f"ada/net@{commit}", "net", trust_repo=True) == "good"


def test_consent_for_one_hub_does_not_count_for_another(scripted: ScriptedHub) -> None:
    commit = scripted.commit("ada/net", {"hubconf.py": GOOD})
    reprise.load("ada/net", "net", trust_repo=True)
    with ScriptedHub() as evil:
        evil.repos["ada/net"] = {commit: {"hubconf.py": EVIL}}
        evil.refs["ada/net"] = {"main": commit}
        with pytest.raises(ConsentRequired):
            reprise.load("ada/net", "net", endpoint=evil.url)


def test_the_stored_token_goes_to_the_hub_in_use_and_nowhere_else(
    scripted: ScriptedHub, client_home: Path
) -> None:
    (client_home / "token").write_text("hf_secret")
    scripted.commit("ada/net", {"hubconf.py": GOOD})
    reprise.list("ada/net")
    assert set(scripted.tokens) == {"Bearer hf_secret"}
    with ScriptedHub() as other:
        other.commit("ada/net", {"hubconf.py": GOOD})
        host = other.url.removeprefix("http://")
        reprise.list(f"{host}:ada/net")
        reprise.download(f"{host}:ada/net")
        reprise.search(endpoint=other.url)
        assert set(other.tokens) == {""}


def test_a_hub_that_names_no_commit_is_not_believed(scripted: ScriptedHub) -> None:
    scripted.repos["ada/net"] = {"../../..": {"hubconf.py": EVIL}}
    scripted.refs["ada/net"] = {"main": "../../.."}
    with pytest.raises(CorruptContent, match="names no commit"):
        open_snapshot("ada/net", Options())


def test_compiled_code_in_a_repo_never_runs_in_place_of_its_source(
    scripted: ScriptedHub,
) -> None:
    compiled = {"__pycache__/hubconf.cpython-311.pyc": b"x", "lib/__pycache__/a.pyc": b"x"}
    scripted.commit("ada/net", {"hubconf.py": GOOD, **compiled})
    folder = open_snapshot("ada/net", Options()).folder
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["hubconf.py"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a/b_c:d", "a/b:c_d"),
        ("a/b:feature/x", "a/b:feature_x"),
        ("a_b/c", "a/b_c"),
        ("h.org:a/b", "h.org:8/b"),
    ],
)
def test_no_two_repos_share_a_folder(one: str, other: str) -> None:
    first, second = (parse(text, endpoint="https://h") for text in (one, other))
    assert isinstance(first, Address)
    assert isinstance(second, Address)
    root = Path("/cache")
    same_repo = first.repo_id == second.repo_id and first.endpoint == second.endpoint
    same_folder = cache.repo_folder(root, first) == cache.repo_folder(root, second)
    assert same_folder == same_repo
    assert first.revision is None or first.revision != second.revision


def test_two_revisions_with_similar_names_keep_their_own_code(scripted: ScriptedHub) -> None:
    scripted.commit("ada/net", {"hubconf.py": GOOD}, "feature/x")
    scripted.commit("ada/net", {"hubconf.py": EVIL}, "feature_x")
    loaded = [
        reprise.load(f"ada/net:{name}", "net", trust_repo=True)
        for name in ("feature/x", "feature_x", "feature/x")
    ]
    assert loaded == ["good", "evil", "good"]


def test_a_process_that_died_while_fetching_leaves_nothing_that_is_used(
    scripted: ScriptedHub, client_home: Path
) -> None:
    commit = scripted.commit("ada/net", {"hubconf.py": GOOD})
    address = parse("ada/net", endpoint=scripted.url)
    assert isinstance(address, Address)
    half = cache.repo_folder(settings.cache_dir(), address) / ".staging-dead"
    half.mkdir(parents=True)
    (half / "hubconf.py").write_bytes(b"def n")
    folder = open_snapshot("ada/net", Options()).folder
    assert (folder.name, (folder / "hubconf.py").read_bytes()) == (commit, GOOD)
    assert staged(client_home) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"repo": 1}', "null", '{"revisions": []}'])
def test_a_damaged_record_is_ignored(scripted: ScriptedHub, text: str) -> None:
    commit = scripted.commit("ada/net", {"hubconf.py": GOOD})
    folder = open_snapshot("ada/net", Options()).folder
    folder.with_suffix(".json").write_text(text)
    assert open_snapshot("ada/net", Options()).commit == commit
    assert json.loads(folder.with_suffix(".json").read_text())["commit"] == commit


def test_a_cache_folder_of_somebody_else_gives_no_consent(scripted: ScriptedHub) -> None:
    # torch.hub trusts whatever lies in its cache; a shared cache must not speak for its users.
    scripted.commit("ada/net", {"hubconf.py": GOOD})
    reprise.load("ada/net", "net", trust_repo=True)
    Path(os.environ["REPRISE_TRUST_FILE"]).unlink()
    with pytest.raises(ConsentRequired):
        reprise.load("ada/net", "net")


def test_a_failed_fetch_can_be_repeated(scripted: ScriptedHub, client_home: Path) -> None:
    scripted.commit("ada/net", {"hubconf.py": GOOD})
    scripted.sends["hubconf.py"] = b"cut"
    with pytest.raises(RepriseError):
        open_snapshot("ada/net", Options())
    scripted.sends.clear()
    assert reprise.load("ada/net", "net", trust_repo=True) == "good"
    shutil.rmtree(client_home / "snapshots")
