"""The opener that sends what torch.hub asks of GitHub to a hub, and nothing else."""

import contextlib
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import OpenerDirector, Request, urlopen

import pytest

import reprise
from reprise.base.errors import InvalidInput
from reprise.hub import settings, torch_hub
from reprise.registry import mirror
from tests.committing import commit
from tests.factories import Hub, make_repo

ZIP = "https://github.com/ada/net/zipball/main"


class Network(OpenerDirector):
    """Stands where the network was: remembers what would have gone out."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def open(self, fullurl: Any, *_args: Any, **_kwargs: Any) -> BytesIO:
        self.asked.append(fullurl if isinstance(fullurl, str) else fullurl.full_url)
        return BytesIO(b"network")


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    """The opener installed before ours; without tokens in the environment."""
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    monkeypatch.setattr(settings, "endpoint", lambda: "http://127.0.0.1:1")
    network = Network()
    monkeypatch.setattr(urllib.request, "_opener", network)
    yield network
    reprise.unpatch_torch_hub()


@pytest.fixture
def net(hub: Hub) -> Hub:
    """A hub with a repo; torch.hub is sent there."""
    make_repo(hub.registry, "ada/net")
    commit(hub.registry, "ada/net", {"hubconf.py": b"def net(): pass\n"})
    reprise.patch_torch_hub(hub.url)
    return hub


class Recorder(BaseHTTPRequestHandler):
    """A site that notes every request and redirects to `target` when it has one."""

    seen: list[tuple[str, dict[str, str]]]
    target: str | None

    def do_GET(self) -> None:
        self.seen.append((self.path, dict(self.headers)))
        self.send_response(302 if self.target else 200)
        if self.target:
            self.send_header("Location", self.target)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[tuple[str, type[Recorder]]]:
    """A site of somebody else's: its URL, and what it saw."""
    handler = type("Site", (Recorder,), {"seen": [], "target": None})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler
        server.shutdown()
        thread.join()


def read(url: str | Request) -> bytes:
    with urlopen(url) as answer:
        return answer.read()


@pytest.mark.parametrize(
    "url",
    [
        ZIP,
        "https://github.com/ada/net/archive/refs/heads/main.zip",
        "https://codeload.github.com/ada/net/zip/refs/heads/main",
        "https://codeload.github.com/ada/net/legacy.zip/main",
        "https://api.github.com/repos/ada/net/zipball/main",
        "https://github.com/ada/net/zipball/",
        "http://GitHub.com:80/ada/net/zipball/main",
    ],
)
def test_every_spelling_of_an_archive_leads_to_the_hub(
    net: Hub, network: Network, url: str
) -> None:
    assert read(url) == net.client().get("/github/ada/net/zipball/main").content
    assert network.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/ada/net/releases/download/v1/net.pth",
        "https://example.org/github.com/ada/net/zipball/main",
        "https://github.com.evil.example/ada/net/zipball/main",
        "https://github.com@evil.example/ada/net/zipball/main",
        "https://github.com:8443/ada/net/zipball/main",
        "https://gist.github.com/ada/net/zipball/main",
        "ftp://github.com/ada/net/zipball/main",
    ],
)
@pytest.mark.usefixtures("net")
def test_everything_else_goes_where_it_went_before(network: Network, url: str) -> None:
    assert (read(url), network.asked) == (b"network", [url])


@pytest.mark.usefixtures("net")
def test_what_is_sent_somewhere_is_left_alone() -> None:
    assert read(Request(ZIP, data=b"x")) == b"network"
    assert read(Request(ZIP, method="DELETE")) == b"network"
    for data in (b"x", b""):
        with urlopen(ZIP, data=data) as answer:
            assert answer.read() == b"network"


def test_mirrored_urls_come_from_the_hub_and_others_do_not(net: Hub) -> None:
    mirror.add(net.registry, "https://weights.example/a.pth", [b"weights"])
    assert read("https://weights.example/a.pth#part") == b"weights"
    assert read("https://weights.example/b.pth") == b"network"
    reprise.patch_torch_hub(net.url, mirror="off")
    assert read("https://weights.example/a.pth") == b"network"


def test_with_the_mirror_only_nothing_else_is_reached(net: Hub, network: Network) -> None:
    reprise.patch_torch_hub(net.url, mirror="only")
    with pytest.raises(URLError, match="is not mirrored on"):
        read("https://weights.example/b.pth")
    reprise.patch_torch_hub("http://127.0.0.1:1", mirror="only")
    with pytest.raises(URLError, match="refused"):
        read("https://weights.example/b.pth")
    assert network.asked == []


def test_a_hub_that_is_down_does_not_stop_other_downloads() -> None:
    reprise.patch_torch_hub("http://127.0.0.1:1")
    assert read("https://weights.example/b.pth") == b"network"
    with pytest.raises(URLError, match="refused"):
        read(ZIP)


def test_a_site_that_answers_everything_is_no_mirror(site: tuple[str, type[Recorder]]) -> None:
    reprise.patch_torch_hub(site[0])
    assert read("https://weights.example/b.pth") == b"network"


@pytest.mark.usefixtures("net")
def test_unpatching_brings_the_former_opener_back(network: Network) -> None:
    reprise.unpatch_torch_hub()
    assert urllib.request._opener is network
    assert read(ZIP) == b"network"


@pytest.mark.usefixtures("net")
def test_an_opener_that_wraps_ours_survives_unpatching() -> None:
    ours = urllib.request._opener

    class Wrapper(OpenerDirector):
        def open(self, *args: Any, **kwargs: Any) -> Any:
            return ours.open(*args, **kwargs)

    wrapper = Wrapper()
    urllib.request.install_opener(wrapper)
    assert read(ZIP) != b"network"
    reprise.unpatch_torch_hub()
    assert (urllib.request._opener, read(ZIP)) == (wrapper, b"network")


@pytest.mark.usefixtures("net")
def test_patching_twice_changes_the_settings_only(network: Network) -> None:
    reprise.patch_torch_hub("http://127.0.0.1:1", mirror="off")
    opener = urllib.request._opener
    assert isinstance(opener, torch_hub.HubOpener)
    assert opener.before is network


# -- who is told which secret ---------------------------------------------------------------


def secrets_seen(site: tuple[str, type[Recorder]], url: str, **sent: str) -> list[str | None]:
    headers = {"Authorization": sent["authorization"]} if sent else {}
    with contextlib.suppress(OSError):
        read(Request(url, headers=headers))
    return [headers.get("Authorization") for _, headers in site[1].seen]


def test_a_github_token_is_not_sent_to_the_hub(
    site: tuple[str, type[Recorder]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_secret")
    reprise.patch_torch_hub(site[0])
    assert secrets_seen(site, ZIP, authorization="token ghp_secret") == [None]


def test_an_access_token_of_the_hub_is_sent_to_it_whatever_it_was_meant_for(
    site: tuple[str, type[Recorder]], monkeypatch: pytest.MonkeyPatch
) -> None:
    reprise.patch_torch_hub(site[0])
    assert secrets_seen(site, ZIP, authorization="token hf_mine") == ["Bearer hf_mine"]
    monkeypatch.setenv("GITHUB_TOKEN", "hf_mine")
    assert secrets_seen(site, ZIP)[1:] == ["Bearer hf_mine"]


def test_the_stored_access_token_goes_only_to_the_hub_in_use(
    site: tuple[str, type[Recorder]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_stored")
    reprise.patch_torch_hub(site[0])
    assert secrets_seen(site, ZIP) == [None]
    monkeypatch.setattr(settings, "endpoint", lambda: site[0])
    reprise.patch_torch_hub()
    assert secrets_seen(site, ZIP)[1:] == ["Bearer hf_stored"]


def test_the_mirror_is_asked_without_the_headers_meant_for_another_site(
    site: tuple[str, type[Recorder]],
) -> None:
    reprise.patch_torch_hub(site[0], token="hf_mine")
    headers = {"Authorization": "Bearer theirs", "Cookie": "id=1", "X-Api-Key": "k"}
    read(Request("https://weights.example/a.pth?signature=s3cret", headers=headers))
    ((path, seen),) = site[1].seen
    assert {"Authorization", "Cookie", "X-Api-Key"} & seen.keys() == set()
    assert path.startswith("/github/mirror/")
    assert "s3cret" not in path


def test_a_hub_cannot_send_a_client_elsewhere(
    net: Hub, network: Network, site: tuple[str, type[Recorder]]
) -> None:
    site[1].target = f"{net.url}/elsewhere"
    reprise.patch_torch_hub(site[0], token="hf_mine")
    with pytest.raises(HTTPError, match="instead of GitHub"):
        read(ZIP)
    assert network.asked == []


def test_a_moved_private_repo_is_followed_with_the_access_token(net: Hub) -> None:
    net.api().update_repo_settings("ada/net", private=True)
    net.api().move_repo("ada/net", "ada/web")
    reprise.patch_torch_hub(net.url, token=net.token)
    assert read(ZIP)[:2] == b"PK"


# -- mistakes -------------------------------------------------------------------------------


def test_wrong_settings_are_named() -> None:
    with pytest.raises(InvalidInput, match="mirror is one of first, only, off"):
        reprise.patch_torch_hub(mirror="never")
    for endpoint in ("hub.example", "file:///etc", "https://user@hub.example", ""):
        with pytest.raises(InvalidInput, match="is no hub"):
            reprise.patch_torch_hub(endpoint)


def test_the_environment_switches_the_patch_on(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    for off in ("", "0", "false", "No"):
        monkeypatch.setenv("REPRISE_PATCH_TORCH_HUB", off)
        torch_hub.patch_from_environment()
        assert urllib.request._opener is network
    monkeypatch.setenv("REPRISE_PATCH_TORCH_HUB", "https://hub.example/")
    monkeypatch.setenv("REPRISE_TORCH_HUB_MIRROR", "only")
    torch_hub.patch_from_environment()
    opener = urllib.request._opener
    assert isinstance(opener, torch_hub.HubOpener)
    assert (opener.hub.endpoint, opener.hub.mirror) == ("https://hub.example", "only")
