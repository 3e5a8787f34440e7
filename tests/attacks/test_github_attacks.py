"""Hostile requests to the routes that stand in for GitHub, and hostile mirrors."""

import hashlib
import http.client
import io
import os
import urllib.request
import zipfile
from pathlib import Path
from urllib.error import URLError

import httpx2
import pytest

from reprise.base.errors import AlreadyExists, CorruptContent, InvalidInput, TooLarge
from reprise.base.ids import RepoId, RepoType
from reprise.cli.main import run
from reprise.formats.zip_stream import Member, ZipStream
from reprise.hub.torch_hub import patch_torch_hub, unpatch_torch_hub
from reprise.registry import mirror, repos
from reprise.registry.git import refs
from reprise.registry.git.objects import FILE, Commit, Kind, Signature, encode_commit
from reprise.registry.git.store import GitStore
from reprise.registry.registry import Limits, Registry
from tests.committing import commit
from tests.factories import Hub, make_repo

URL = "https://weights.example/a.pth"


@pytest.fixture
def client(hub: Hub) -> httpx2.Client:
    """Anybody, and a public repo of ada's."""
    make_repo(hub.registry, "ada/net")
    commit(hub.registry, "ada/net", {"hubconf.py": b"x = 1\n"})
    return hub.client()


def status_of(url: str, path: str) -> int:
    """Send a path as it is; other clients tidy it up first."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.getheader("X-Evil") is None
    return answer.status


# -- paths ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/github/../ada/net/zipball/main",
        "/github/ada/../../etc/zipball/passwd",
        "/github/%2e%2e/net/zipball/main",
        "/github/ada%2Fnet/x/zipball/main",
        "/github/ada/net/zipball/../../../api/whoami-v2",
        "/github/ada/net/zipball/%2e%2e%2f%2e%2e%2fhub.sqlite",
        "/github/ada/net/zipball/refs/heads/../heads/main",
        "/github/ada/net/zipball/--output=x",
        "/github/ada/net/zipball/main;ls",
        "/github/ada/net/tree/main%0d%0aX-Evil:1/",
        "/github/ada/net/tree/%00/",
        "/github/ada/net/tree/%ff/",
        "/github/ada/net/zipball/" + "a" * 5000,
        "/github/" + "a" * 3000 + "/net/zipball/main",
        "/github/api/repos/ada/net/branches/..",
        "/github/api/repos/ada%00/net/tags",
    ],
)
@pytest.mark.usefixtures("client")
def test_path_tricks_find_nothing(hub: Hub, path: str) -> None:
    assert status_of(hub.url, path) in {400, 404}


@pytest.mark.parametrize("page", ["0", "-1", "999999999", "9" * 400, "1e9", "٣", "x", "1.5"])
def test_page_numbers_of_any_kind_are_answered(client: httpx2.Client, page: str) -> None:
    for what in ("branches", "tags"):
        query = {"page": page, "per_page": page}
        answer = client.get(f"/github/api/repos/ada/net/{what}", params=query)
        assert answer.status_code == 200
        assert len(answer.json()) <= 100


def test_a_huge_page_number_is_an_empty_page(client: httpx2.Client) -> None:
    answer = client.get("/github/api/repos/ada/net/tags?per_page=100&page=" + "9" * 400)
    assert answer.json() == []


def test_nothing_can_be_written_through_these_routes(client: httpx2.Client) -> None:
    for path in ("/github/ada/net/zipball/main", "/github/mirror/x"):
        for method in ("POST", "PUT", "DELETE"):
            assert client.request(method, path).status_code == 405


# -- archives -------------------------------------------------------------------------------


def test_a_tree_nobody_could_clone_is_not_packed(hub: Hub, client: httpx2.Client) -> None:
    with hub.registry.db.write() as conn:
        repo = repos.lookup(conn, RepoType.MODEL, RepoId.parse("ada/net"))
        store = GitStore(conn, repo.id)
        blob = store.write(Kind.BLOB, b"evil")
        tree = store.write(Kind.TREE, b"100644 ..\\evil.py\0" + blob)
        who = Signature.at("Eve", "eve@example.org", 0)
        new = store.write(Kind.COMMIT, encode_commit(Commit(tree, (), who, who, "Evil")))
        refs.move(conn, repo.id, "refs/heads/evil", old=None, new=new)
    answer = client.get("/github/ada/net/zipball/evil")
    assert 400 <= answer.status_code < 500


def test_a_member_with_other_content_than_announced_cuts_the_archive() -> None:
    for pour in (False, True):
        wrong = ZipStream([Member("a", FILE, 3, lambda: [b"four"], pour=pour)], seconds=0)
        with pytest.raises(CorruptContent, match="'a' has 4 bytes; 3 are recorded"):
            b"".join(wrong)


def test_times_that_zip_cannot_say_are_clamped() -> None:
    for seconds, year in ((-(10**12), 1980), (0, 1980), (10**12, 2107)):
        data = b"".join(ZipStream([Member("a", FILE)], seconds=seconds))
        assert zipfile.ZipFile(io.BytesIO(data)).infolist()[0].date_time[0] == year


# -- the mirror -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://weights.example/a",
        "https://",
        "https:///a",
        "https://user:pw@weights.example/a",
        "https://weights.example/a#b",
        "https://weights.example/a b",
        "https://weights.example/\n",
        "https://weights.example/é",
        "https://[::1/a",
        "https://weights.example/" + "a" * 3000,
        "",
    ],
)
def test_only_plain_urls_can_be_mirrored(registry: Registry, url: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be mirrored"):
        mirror.add(registry, url, [b"x"])


def test_asking_for_a_url_never_makes_the_hub_fetch_it(hub: Hub) -> None:
    # The hub itself would answer under these addresses, if it asked.
    for target in (f"{hub.url}/health", "http://169.254.169.254/latest", "file:///etc/passwd"):
        key = target.replace("/", "%2F")
        assert hub.client().get(f"/github/mirror/{key}").status_code == 404
    with hub.registry.db.read() as conn:
        assert mirror.list_all(conn) == []


def test_a_key_that_is_no_digest_finds_nothing(hub: Hub) -> None:
    mirror.add(hub.registry, URL, [b"x"])
    digest = hashlib.sha256(URL.encode()).hexdigest()
    content = hashlib.sha256(b"x").hexdigest()
    for key in (digest.upper(), digest[:-1], digest + "0", content, "..%2f..%2fhub.sqlite", "%20"):
        assert hub.client().get(f"/github/mirror/{key}").status_code == 404


def test_the_mirror_shows_no_other_large_file(hub: Hub) -> None:
    make_repo(hub.registry, "ada/secret", private=True)
    commit(hub.registry, "ada/secret", {}, {"w.bin": b"secret weights"})
    digest = hashlib.sha256(b"secret weights").hexdigest()
    assert hub.client().get(f"/github/mirror/{digest}").status_code == 404


def kept(registry: Registry) -> tuple[list[str], list[str]]:
    with registry.db.read() as conn:
        urls = [it.url for it in mirror.list_all(conn)]
    return urls, [*registry.store.keys("sha256"), *registry.store.keys("tmp")]


def test_wrong_content_leaves_nothing_behind(registry: Registry) -> None:
    with pytest.raises(CorruptContent, match="has SHA-256"):
        mirror.add(registry, URL, [b"x"], sha256="0" * 64)
    with pytest.raises(CorruptContent, match="its name promises 01234567"):
        mirror.add(registry, "https://weights.example/net-01234567.pth", [b"x"])
    with pytest.raises(InvalidInput, match="64 lower-case hex digits"):
        mirror.add(registry, URL, [b"x"], sha256="0123")
    assert kept(registry) == ([], [])


def test_content_over_the_limit_leaves_nothing_behind(registry: Registry) -> None:
    small = Registry(registry.db, registry.store, registry.secret, limits=Limits(large_file=10))
    with pytest.raises(TooLarge, match="limit of 10 bytes"):
        mirror.add(small, URL, (b"123456" for _ in range(10**9)))
    assert kept(registry) == ([], [])


def test_a_mirrored_url_does_not_change_its_meaning_unasked(registry: Registry) -> None:
    mirror.add(registry, URL, [b"x"])
    with pytest.raises(AlreadyExists, match="mirrored with other content"):
        mirror.add(registry, URL, [b"y"])
    assert mirror.add(registry, URL, [b"x"]).size == 1
    mirror.add(registry, URL, [b"yy"], replace=True)
    with registry.db.read() as conn:
        assert [it.size for it in mirror.list_all(conn)] == [2]


def test_a_download_that_fails_is_not_mirrored(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "hub2"
    assert run(["mirror", "add", f"{hub.url}/nothing/here", "--data", str(data)]) == 1
    assert "Cannot fetch" in capsys.readouterr().err
    assert run(["mirror", "list", "--data", str(data), "--json"]) == 0
    assert capsys.readouterr().out.strip() == "[]"


# -- the client -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/../api/zipball/main",
        "https://github.com/ada/net/zipball/../../../../api/whoami-v2",
        "https://github.com/ada/net/zipball/%2e%2E/x",
        "https://api.github.com/repos/../net/branches",
    ],
)
def test_a_url_cannot_lead_out_of_the_hubs_prefix(url: str) -> None:
    patch_torch_hub("http://127.0.0.1:1")
    try:
        with pytest.raises(URLError, match="names no repo and revision"):
            urllib.request.urlopen(url)
    finally:
        unpatch_torch_hub()
    assert os.environ.get("REPRISE_PATCH_TORCH_HUB") is None
