"""Weights by URL: transfers that break, files that change, names that lie. No torch needed."""

import json
import logging
import os
from collections.abc import Iterator
from hashlib import md5, sha256
from pathlib import Path

import pytest
from huggingface_hub import constants

from reprise.base.errors import (
    CorruptContent,
    Forbidden,
    HubUnreachable,
    InvalidId,
    InvalidInput,
    NotFound,
    OfflineMiss,
    TooManyRequests,
)
from reprise.hub import download_url_to_file, url_transfer
from reprise.hub.checkpoints import checkpoint, hash_in_name
from tests.scripted_files import ScriptedFiles

DATA = bytes(range(256)) * 4096  # 1 MiB
DIGEST = sha256(DATA).hexdigest()
NAMED = f"/net-1.0-{DIGEST[:8]}.pth"


@pytest.fixture
def server(client_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedFiles]:
    quick = url_transfer.Patience(attempts=3, first_wait=0, longest_wait=0)
    monkeypatch.setattr(url_transfer, "PATIENCE", quick)
    assert not client_home.exists()
    with ScriptedFiles({"/net.pth": DATA, NAMED: DATA}) as files:
        yield files


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def ledger(home: Path) -> dict[str, dict[str, object]]:
    text = (home / "snapshots/checkpoints/.reprise/ledger.json").read_text()
    return json.loads(text)["urls"]


# download_url_to_file


def test_a_file_is_downloaded_and_nothing_lies_beside_it(server, tmp_path) -> None:
    download_url_to_file(f"{server.url}/net.pth", str(tmp_path / "net"), DIGEST)
    assert (tmp_path / "net").read_bytes() == DATA
    assert visible(tmp_path) == ["net"]


def test_a_broken_transfer_is_resumed_where_it_broke(server, tmp_path) -> None:
    server.cuts = [300_000, 400_000]
    download_url_to_file(f"{server.url}/net.pth", str(tmp_path / "net"), DIGEST)
    assert (tmp_path / "net").read_bytes() == DATA
    ranges = [wanted for _, _, wanted in server.log]
    assert ranges == ["", "bytes=300000-", "bytes=700000-"]


def test_a_later_call_resumes_what_an_earlier_one_had_to_leave(server, tmp_path) -> None:
    server.cuts = [1000, 0, 0, 0]
    with pytest.raises(HubUnreachable):
        download_url_to_file(f"{server.url}/net.pth", str(tmp_path / "net"))
    assert visible(tmp_path) == ["net.partial", "net.partial.json"]
    server.cuts.clear()
    server.log.clear()
    download_url_to_file(f"{server.url}/net.pth", str(tmp_path / "net"))
    assert (tmp_path / "net").read_bytes() == DATA
    assert [wanted for _, _, wanted in server.log] == ["bytes=1000-"]
    assert visible(tmp_path) == ["net"]


def test_a_file_that_changed_meanwhile_starts_again(server, tmp_path) -> None:
    changed = DATA[::-1]
    server.cuts = [300_000]
    server.while_cut = lambda: server.files.update({"/net.pth": changed})
    download_url_to_file(f"{server.url}/net.pth", str(tmp_path / "net"))
    assert (tmp_path / "net").read_bytes() == changed


@pytest.mark.parametrize("wrong", ["etags", "takes_ranges"])
def test_servers_that_cannot_resume_are_asked_from_the_start(server, tmp_path, wrong) -> None:
    setattr(server, wrong, False)
    server.cuts = [300_000]
    download_url_to_file(f"{server.url}/net.pth", str(tmp_path / "net"))
    assert (tmp_path / "net").read_bytes() == DATA


def test_a_truncated_download_is_never_kept(server, tmp_path) -> None:
    server.etags = False
    server.cuts = [50_000] * 9
    with pytest.raises(HubUnreachable):
        download_url_to_file(f"{server.url}/net.pth", str(tmp_path / "net"))
    assert visible(tmp_path) == []


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_passing_failures_are_waited_for(server, tmp_path, status: int) -> None:
    server.statuses = [status, status]
    download_url_to_file(f"{server.url}/net.pth", str(tmp_path / "net"))
    assert (tmp_path / "net").read_bytes() == DATA


@pytest.mark.parametrize(
    ("status", "error"),
    [(503, HubUnreachable), (429, TooManyRequests), (403, Forbidden), (404, NotFound)],
)
def test_lasting_failures_say_what_they_are(server, tmp_path, status, error) -> None:
    server.statuses = [status] * 9
    with pytest.raises(error, match=str(status)):
        download_url_to_file(f"{server.url}/net.pth", str(tmp_path / "net"))
    assert visible(tmp_path) == []


def test_a_wrong_hash_keeps_what_was_there_before(server, tmp_path) -> None:
    (tmp_path / "net").write_text("old")
    with pytest.raises(CorruptContent, match=f"expected 00000000…, got {DIGEST}"):
        download_url_to_file(f"{server.url}/net.pth", str(tmp_path / "net"), "00000000")
    assert (tmp_path / "net").read_text() == "old"
    assert visible(tmp_path) == ["net"]


@pytest.mark.parametrize("prefix", ["", "1", DIGEST[:7], "zzzzzzzz", DIGEST + "0"])
def test_prefixes_that_prove_nothing_are_refused(server, tmp_path, prefix: str) -> None:
    with pytest.raises(InvalidInput, match="8 to 64 hex digits"):
        download_url_to_file(f"{server.url}/net.pth", str(tmp_path / "net"), prefix)
    assert server.log == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/y", "net.pth", "http://", "", 3])
def test_other_schemes_are_refused(tmp_path, url) -> None:
    with pytest.raises(InvalidInput, match="not an http or https URL"):
        download_url_to_file(url, str(tmp_path / "net"))


def test_a_redirect_to_a_file_of_this_machine_is_not_followed(server, tmp_path) -> None:
    server.headers = {"Location": "file:///etc/passwd"}
    server.statuses = [302]
    with pytest.raises(HubUnreachable):
        download_url_to_file(f"{server.url}/net.pth", str(tmp_path / "net"))
    assert visible(tmp_path) == []


# checkpoint: the cache below load_state_dict_from_url


@pytest.mark.parametrize(
    ("name", "digits"),
    [("net-1.0-f37072fd.pth", "f37072fd"), ("net-f37072fd.tar.gz", "f37072fd"),
     ("net-f37072fd.epoch-1.pth", "f37072fd"), ("resnet-18.pth", None), ("net-.pth", None),
     ("net.pth", None), ("net-f37072fd", None), ("f37072fd.pth", None)],
)  # fmt: skip
def test_the_digest_in_a_name(name: str, digits: str | None) -> None:
    assert hash_in_name(name) == digits


def test_a_url_is_fetched_once_and_recorded(server, client_home) -> None:
    url = f"{server.url}/net.pth"
    first, second = checkpoint(url), checkpoint(url)
    assert first == second
    assert first.read_bytes() == DATA
    assert first.name == DIGEST
    assert len(server.log) == 1
    entry = ledger(client_home)[url]
    assert (entry["sha256"], entry["size"]) == (DIGEST, len(DATA))
    assert set(entry) == {"sha256", "size", "mtime_ns", "etag", "time"}


def test_equal_file_names_of_different_urls_never_meet(server) -> None:
    server.files |= {"/a/net.pth": b"a", "/b/net.pth": b"b", "/a/net.pth?size=2": b"c"}
    urls = [f"{server.url}{path}" for path in ("/a/net.pth", "/b/net.pth", "/a/net.pth?size=2")]
    assert [checkpoint(url).read_bytes() for url in urls * 2] == [b"a", b"b", b"c"] * 2


def test_equal_bytes_of_different_urls_are_kept_once(server) -> None:
    assert checkpoint(f"{server.url}/net.pth") == checkpoint(f"{server.url}{NAMED}")


@pytest.mark.parametrize("check_hash", [False, True])
def test_a_tampered_cache_is_fetched_again(server, caplog, check_hash: bool) -> None:
    url = f"{server.url}{NAMED}"
    path = checkpoint(url)
    path.chmod(0o644)
    path.write_bytes(b"evil" + DATA[4:])
    assert checkpoint(url, check_hash=check_hash).read_bytes() == DATA
    assert "was changed or damaged" in caplog.text


def test_tampering_that_hides_its_time_is_found_by_check_hash(server) -> None:
    url = f"{server.url}{NAMED}"
    path = checkpoint(url)
    before = path.stat()
    path.chmod(0o644)
    path.write_bytes(b"evil" + DATA[4:])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert checkpoint(url, check_hash=True).read_bytes() == DATA


def test_a_file_that_was_only_touched_is_hashed_and_used(server) -> None:
    path = checkpoint(f"{server.url}/net.pth")
    os.utime(path)
    assert checkpoint(f"{server.url}/net.pth") == path
    assert len(server.log) == 1


def test_check_hash_finds_the_wrong_bytes(server, client_home) -> None:
    server.files[NAMED] = b"evil"
    with pytest.raises(CorruptContent, match="is not what its digest says"):
        checkpoint(f"{server.url}{NAMED}", check_hash=True)
    assert list((client_home / "snapshots/checkpoints/.reprise/incoming").iterdir()) == []
    server.files[NAMED] = DATA
    assert checkpoint(f"{server.url}{NAMED}", check_hash=True).read_bytes() == DATA


def test_check_hash_needs_a_digest_in_the_name(server) -> None:
    with pytest.raises(InvalidInput, match="check_hash needs a name such as"):
        checkpoint(f"{server.url}/net.pth", check_hash=True)


def test_a_damaged_ledger_costs_a_download_and_no_more(server, client_home) -> None:
    url = f"{server.url}/net.pth"
    checkpoint(url)
    path = client_home / "snapshots/checkpoints/.reprise/ledger.json"
    hostile = json.dumps({"version": 1, "urls": {url: {"sha256": "../../x"}}})
    for text in ("", "[]", "{", hostile):
        path.write_text(text)
        assert checkpoint(url).read_bytes() == DATA
    assert ledger(client_home)[url]["sha256"] == DIGEST


def test_a_password_in_a_url_is_not_written_down(server, client_home) -> None:
    checkpoint(f"{server.url.replace('://', '://ada:secret@')}/net.pth")
    text = (client_home / "snapshots/checkpoints/.reprise/ledger.json").read_text()
    assert "secret" not in text


def test_offline_uses_the_cache_and_says_what_is_missing(server, monkeypatch) -> None:
    path = checkpoint(f"{server.url}/net.pth")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert checkpoint(f"{server.url}/net.pth") == path
    with pytest.raises(OfflineMiss):
        checkpoint(f"{server.url}{NAMED}")


# what torch.hub left


def left_by_torch_hub(home: Path, name: str, data: bytes) -> Path:
    path = home / "snapshots/checkpoints" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return path


def test_a_file_with_its_digest_in_the_name_is_used(server, client_home) -> None:
    left = left_by_torch_hub(client_home, NAMED[1:], DATA)
    found = checkpoint(f"{server.url}{NAMED}")
    assert found.samefile(left)
    assert server.log == []


def test_a_damaged_file_is_not_used(server, client_home) -> None:
    left_by_torch_hub(client_home, NAMED[1:], DATA[:50_000])
    assert checkpoint(f"{server.url}{NAMED}").read_bytes() == DATA


def test_a_name_without_a_digest_proves_nothing(server, client_home, caplog) -> None:
    left_by_torch_hub(client_home, "net.pth", DATA[::-1])
    assert checkpoint(f"{server.url}/net.pth").read_bytes() == DATA
    assert "is not proved to be that of" in caplog.text


@pytest.mark.parametrize("digest", [DIGEST, md5(DATA).hexdigest()])
def test_the_servers_digest_proves_it(server, client_home, digest: str) -> None:
    left = left_by_torch_hub(client_home, "net.pth", DATA)
    server.headers = {"ETag": f'"{digest}"'}
    assert checkpoint(f"{server.url}/net.pth").samefile(left)
    assert [method for method, _, _ in server.log] == ["HEAD"]


def test_offline_an_unproved_file_has_to_be_named(server, client_home, monkeypatch, caplog) -> None:
    left = left_by_torch_hub(client_home, "net.pth", DATA)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(OfflineMiss, match=r"pass file_name='net\.pth'"):
        checkpoint(f"{server.url}/net.pth")
    assert checkpoint(f"{server.url}/net.pth", file_name="net.pth") == left
    assert caplog.records[-1].levelno == logging.WARNING


@pytest.mark.parametrize("name", ["../net.pth", "/etc/passwd", ""])
def test_a_file_name_stays_in_its_folder(server, name: str) -> None:
    with pytest.raises(InvalidId):
        checkpoint(f"{server.url}/net.pth", file_name=name)


# names in the folder


def test_a_folder_that_is_named_shows_the_file(server, tmp_path) -> None:
    kept = checkpoint(f"{server.url}/net.pth", tmp_path / "mine")
    assert (visible(tmp_path / "mine"), (tmp_path / "mine/net.pth").samefile(kept)) == (
        [".reprise", "net.pth"], True)  # fmt: skip
    checkpoint(f"{server.url}/net.pth?x=1", tmp_path / "mine", file_name="other.pth")
    assert visible(tmp_path / "mine") == [".reprise", "net.pth", "other.pth"]


def test_the_folder_of_all_repos_shows_no_names_unasked(server, client_home) -> None:
    checkpoint(f"{server.url}/net.pth")
    assert visible(client_home / "snapshots/checkpoints") == [".reprise"]


def test_a_name_that_two_urls_share_proves_nothing(server, tmp_path, monkeypatch) -> None:
    server.files["/2/net.pth"] = b"second"
    first = checkpoint(f"{server.url}/net.pth", tmp_path)
    second = checkpoint(f"{server.url}/2/net.pth", tmp_path)
    assert (first.read_bytes(), second.read_bytes()) == (DATA, b"second")
    assert (tmp_path / "net.pth").read_bytes() == b"second"
    assert checkpoint(f"{server.url}/net.pth", tmp_path) == first
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(OfflineMiss):
        checkpoint(f"{server.url}/3/net.pth", tmp_path, file_name="net.pth")


def test_files_of_others_keep_their_names(server, tmp_path) -> None:
    (tmp_path / "net.pth").write_bytes(b"mine")
    (tmp_path / "link.pth").symlink_to("net.pth")
    for name in ("net.pth", "link.pth"):
        checkpoint(f"{server.url}/net.pth", tmp_path, file_name=name)
    assert (tmp_path / "net.pth").read_bytes() == b"mine"
    assert (tmp_path / "link.pth").is_symlink()


@pytest.mark.parametrize("path", ["/a%2F..%2F..%2Fout.pth", "/%2e%2e", "/"])
def test_a_url_cannot_name_a_file_outside(server, tmp_path, path: str) -> None:
    server.files[path] = b"out"
    folder = tmp_path / "in"
    assert checkpoint(server.url + path, folder).read_bytes() == b"out"
    assert (visible(tmp_path), visible(folder)) == (["in"], [".reprise"])
