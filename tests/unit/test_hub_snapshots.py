import json
import logging
import os
import stat
from pathlib import Path

import pytest

from reprise.base.errors import (
    EntryNotFound,
    HubUnreachable,
    InvalidInput,
    OfflineMiss,
    RepoNotFound,
    RepriseError,
    RevisionNotFound,
)
from reprise.hub.snapshots import Options, open_snapshot
from tests.scripted_hub import ScriptedHub

CODE = {"hubconf.py": b"def net():\n    'A net.'\n    return 1\n", "lib/a.py": b"x = 1\n"}
WEIGHTS = {"model.safetensors": b"w" * 5000}


@pytest.fixture(autouse=True)
def net(scripted: ScriptedHub) -> str:
    scripted.large.add("model.safetensors")
    return scripted.commit("ada/net", CODE | WEIGHTS, "main", "v1")


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_snapshot_holds_the_files_of_the_commit(scripted, net, client_home) -> None:
    snapshot = open_snapshot("ada/net", Options())
    host = f"127.0.0.1+{scripted.url.rpartition(':')[2]}+http"
    assert snapshot.folder == client_home / "snapshots" / host / "ada" / "net" / net
    assert files(snapshot.folder) == CODE | WEIGHTS
    assert (snapshot.commit, snapshot.key) == (net, f"{host}/ada/net/{net}")


def test_its_files_are_read_only_and_its_weights_are_stored_once() -> None:
    folder = open_snapshot("ada/net", Options()).folder
    modes = {stat.S_IMODE(path.stat().st_mode) & 0o222 for path in folder.rglob("*.*")}
    assert modes == {0}
    assert (folder / "model.safetensors").stat().st_nlink == 2
    assert (folder / "hubconf.py").stat().st_nlink == 1


def test_a_record_beside_it_says_what_was_asked_and_when(net) -> None:
    folder = open_snapshot("ada/net:v1", Options()).folder
    record = json.loads(folder.with_suffix(".json").read_text())
    assert (record["repo"].partition("/")[2], record["commit"]) == ("ada/net", net)
    assert list(record["revisions"]) == ["v1"]


def test_listing_fetches_only_code(net) -> None:
    folder = open_snapshot("ada/net", Options(), weights=False).folder
    assert files(folder) == CODE
    assert folder.name == f"{net}.code"
    assert open_snapshot("ada/net", Options()).folder.name == net


def test_a_revision_is_resolved_once_and_a_cached_commit_asks_nothing_else(scripted, net) -> None:
    open_snapshot("ada/net", Options())
    scripted.log.clear()
    open_snapshot("ada/net:v1", Options())
    assert scripted.log == ["GET /api/models/ada/net/revision/v1"]
    scripted.log.clear()
    open_snapshot(f"ada/net@{net}", Options())
    assert scripted.log == []


def test_the_commit_is_shown(net, caplog) -> None:
    with caplog.at_level(logging.INFO, "reprise.hub"):
        open_snapshot("ada/net:v1", Options())
    assert f"ada/net:v1 is commit {net}" in caplog.messages


def test_a_branch_that_moves_is_followed(scripted, net) -> None:
    open_snapshot("ada/net", Options())
    newer = scripted.commit("ada/net", CODE)
    assert open_snapshot("ada/net", Options()).commit == newer
    assert open_snapshot("ada/net", Options(offline=True)).commit == newer
    assert open_snapshot(f"ada/net@{net}", Options(offline=True)).commit == net


def test_when_the_hub_is_down_the_cached_commit_is_used_with_a_warning(
    scripted, net, caplog
) -> None:
    open_snapshot("ada/net", Options())
    for status in (500, 503, 429):
        scripted.status = status
        caplog.clear()
        assert open_snapshot("ada/net", Options()).commit == net
        assert f"Using the cached commit {net} of ada/net." in caplog.messages[0]


def test_when_the_hub_is_down_and_nothing_is_cached_the_error_says_both(scripted) -> None:
    scripted.status = 503
    with pytest.raises(HubUnreachable, match="failed with status 503"):
        open_snapshot("ada/net", Options())


def test_an_endpoint_nobody_listens_on_is_named() -> None:
    with pytest.raises(HubUnreachable, match=r"Cannot reach http://127\.0\.0\.1:9") as caught:
        open_snapshot("ada/net", Options(endpoint="http://127.0.0.1:9"))
    assert "HF_ENDPOINT" in caught.value.hint


def test_a_server_that_is_no_hub_is_called_so(scripted) -> None:
    scripted.status = 404
    with pytest.raises(HubUnreachable, match="does not answer like a hub"):
        open_snapshot("ada/net", Options())


def test_offline_names_what_is_cached(net) -> None:
    open_snapshot("ada/net:v1", Options())
    with pytest.raises(OfflineMiss) as caught:
        open_snapshot("ada/net:v2", Options(offline=True))
    assert str(caught.value) == (
        f"Offline, and ada/net:v2 is not in the cache.\nCached of ada/net: {net} (v1)."
    )


def test_offline_and_force_reload_contradict_each_other() -> None:
    with pytest.raises(InvalidInput, match="needs the network"):
        open_snapshot("ada/net", Options(offline=True, force_reload=True))


def test_an_unknown_repo_brings_a_suggestion(scripted) -> None:
    with pytest.raises(RepoNotFound) as caught:
        open_snapshot("ada/nett", Options())
    assert caught.value.message == f"ada/nett is not on {scripted.url}."
    assert caught.value.hint.startswith("Did you mean ada/net?")


def test_an_unknown_revision_brings_those_there_are() -> None:
    with pytest.raises(RevisionNotFound) as caught:
        open_snapshot("ada/net:experiment", Options())
    assert caught.value.hint == "It has main, v1."
    with pytest.raises(RevisionNotFound) as caught:
        open_snapshot("ada/net:mian", Options())
    assert caught.value.hint == "Did you mean main?"


def test_a_subfolder_is_picked_and_must_exist(net) -> None:
    snapshot = open_snapshot("ada/net#lib", Options())
    assert files(snapshot.folder) == {"a.py": b"x = 1\n"}
    assert snapshot.key.endswith(f"/ada/net/{net}/lib")
    with pytest.raises(EntryNotFound, match="has no folder 'nothing'"):
        open_snapshot("ada/net#nothing", Options())


def test_a_local_folder_is_used_as_it_is(tmp_path, client_home) -> None:
    snapshot = open_snapshot(str(tmp_path), Options())
    assert (snapshot.folder, snapshot.commit) == (tmp_path.resolve(), None)
    assert not (client_home / "snapshots").exists()


def test_a_damaged_snapshot_is_made_anew_by_force_reload() -> None:
    folder = open_snapshot("ada/net", Options()).folder
    (folder / "hubconf.py").unlink()
    open_snapshot("ada/net", Options())
    assert not (folder / "hubconf.py").exists()
    open_snapshot("ada/net", Options(force_reload=True))
    assert files(folder) == CODE | WEIGHTS


def test_a_cache_that_cannot_be_written_still_serves(net, monkeypatch) -> None:
    open_snapshot("ada/net", Options())

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr(Path, "touch", refuse)
    monkeypatch.setattr("reprise.hub.cache.write_bytes", refuse)
    assert open_snapshot("ada/net:v1", Options()).commit == net


def test_links_into_a_shared_cache_that_was_cleaned_are_repaired(monkeypatch) -> None:
    def across_disks(*_args: object) -> None:
        raise OSError("Invalid cross-device link")

    monkeypatch.setattr(os, "link", across_disks)
    folder = open_snapshot("ada/net", Options()).folder
    weights = folder / "model.safetensors"
    assert weights.is_symlink()
    weights.resolve().unlink()
    assert open_snapshot("ada/net", Options()).folder == folder
    assert files(folder) == CODE | WEIGHTS


def test_a_download_names_a_hub_that_cannot_be_reached(client_home) -> None:
    import reprise

    with pytest.raises(HubUnreachable, match=r"Cannot reach http://127\.0\.0\.1:9"):
        reprise.download("ada/net", endpoint="http://127.0.0.1:9")
    assert not (client_home / "shared" / "models--ada--net").exists()


def test_a_listing_that_fails_half_way_leaves_the_cache_as_it_was(
    scripted, net, client_home
) -> None:
    scripted.repos["ada/net"][net]["lib/a.py/b.py"] = b"clash"
    with pytest.raises(RepriseError, match="as a file and as a folder"):
        open_snapshot("ada/net", Options())
    del scripted.repos["ada/net"][net]["lib/a.py/b.py"]
    assert open_snapshot("ada/net", Options()).commit == net
    assert list((client_home / "snapshots").rglob(".staging*")) == []
