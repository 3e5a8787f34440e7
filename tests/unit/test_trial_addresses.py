"""Whether addresses answer: each asked once, nothing private reached, nothing read."""

import socket
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from reprise.hub.manifest import Manifest, WeightUrl
from reprise.hub.trials.addresses import (
    ask_all,
    links_alive,
    public_only,
    weight_urls_alive,
)
from reprise.hub.trials.files import fetch
from reprise.hub.trials.records import Trial
from tests.scripted_files import ScriptedFiles

NET = b"weights"
DIGITS = sha256(NET).hexdigest()[:8]


@pytest.fixture
def site() -> Iterator[ScriptedFiles]:
    with ScriptedFiles(
        {"/page": b"page", f"/net-{DIGITS}.pth": NET, "/bad-00000000.pth": NET}
    ) as it:
        yield it


def anything(_host: str) -> bool:
    return True


def weights(site: ScriptedFiles, *names: str) -> Manifest:
    found = []
    for line, name in enumerate(names, 1):
        digits = name.partition("-")[2].partition(".")[0] or None
        state = "checked" if digits else "none"
        found.append(WeightUrl(f"{site.url}/{name}", "hubconf.py", line, digits, state))
    return Manifest(weight_urls=tuple(found))


def test_every_link_and_image_is_asked_once(site: ScriptedFiles) -> None:
    page = f"{site.url}/page"
    card = f"[a]({page}) [b]({page} 'title') ![c](<{page}>) <{page}> <img src='{page}'> [d](#e)"
    assert links_alive(card, anything) == Trial("links-alive", "passed", "1 addresses answer")
    assert site.log == [("HEAD", "/page", "")]


def test_a_dead_link_fails_with_its_status(site: ScriptedFiles) -> None:
    found = links_alive(f"[a]({site.url}/page) [b]({site.url}/gone)", anything)
    assert (found.outcome, found.reason) == ("failed", f"{site.url}/gone answers with status 404")


def test_a_site_that_refuses_programs_is_alive(site: ScriptedFiles) -> None:
    site.statuses = [403, 403]
    assert links_alive(f"[a]({site.url}/page)", anything).outcome == "passed"


def test_a_site_that_only_answers_get_is_alive(site: ScriptedFiles) -> None:
    site.statuses = [405]
    assert links_alive(f"[a]({site.url}/page)", anything).outcome == "passed"
    assert [method for method, _, _ in site.log] == ["HEAD", "GET"]


def test_redirects_are_followed_and_each_host_is_judged(site: ScriptedFiles) -> None:
    site.statuses, site.headers = [301], {"Location": "/page"}
    assert ask_all([f"{site.url}/old"], anything)[0].problem == ""
    site.statuses, site.headers = [302], {"Location": "http://localhost:1/secret"}
    [answer] = ask_all([f"{site.url}/old"], lambda host: host == "127.0.0.1")
    assert answer.problem == "leads to localhost, which is no public address"
    site.statuses, site.headers = [302], {"Location": "file:///etc/passwd"}
    [answer] = ask_all([f"{site.url}/old"], anything)
    assert answer.problem == "leads to 'file:///etc/passwd', which is no web address"
    site.statuses, site.headers = [302] * 20, {"Location": "/old"}
    [answer] = ask_all([f"{site.url}/old"], anything)
    assert answer.problem == "redirects more than 8 times"


@pytest.mark.parametrize("host", [
    "127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "[::1]", "0.0.0.0", "192.168.1.1",
    "[::ffff:127.0.0.1]", "100.64.0.1",
])  # fmt: skip
def test_private_hosts_are_not_asked(host: str) -> None:
    [answer] = ask_all([f"http://{host}:1/secret"], public_only())
    assert answer.problem == f"leads to {host.strip('[]')}, which is no public address"


def test_the_hub_in_use_may_be_asked_wherever_it_is(site: ScriptedFiles) -> None:
    assert ask_all([f"{site.url}/page"], public_only("127.0.0.1"))[0].problem == ""


@pytest.mark.parametrize("url", [
    "http://[::1", "http://a b/", "http://" + "a" * 300 + ".example/", "http://x:99999/", "http:///",
    "http://\u2603.invalid/",
])  # fmt: skip
def test_a_broken_address_is_a_finding(url: str) -> None:
    assert ask_all([url], anything)[0].problem


def test_without_a_network_nothing_is_said_about_the_links() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = links_alive(f"[a](http://127.0.0.1:{port}/)", anything)
    assert (found.outcome, found.reason[:29]) == ("not-run", "no site answered from here: c")


def test_addresses_of_weights_tell_their_hash_state(site: ScriptedFiles) -> None:
    trial, answers = weight_urls_alive(weights(site, f"net-{DIGITS}.pth", "page"), anything)
    told = "2 addresses answer; hashes: 1 verified by the code, 0 only named, 1 without"
    assert (trial.outcome, trial.reason) == ("passed", told)
    assert [it.size for it in answers.values()] == [7, 4]
    trial, _ = weight_urls_alive(weights(site, "page", "gone.pth"), anything)
    assert trial.reason == f"hubconf.py:2: {site.url}/gone.pth answers with status 404"


@pytest.mark.usefixtures("client_home")
def test_weights_are_fetched_and_their_hash_compared(site: ScriptedFiles) -> None:
    manifest = weights(site, f"net-{DIGITS}.pth", "bad-00000000.pth", "page")
    _, answers = weight_urls_alive(manifest, anything)
    found = fetch(manifest, answers, limit=15)
    assert {Path(url).name: path.read_bytes() for url, path in found.files.items()} == {
        f"net-{DIGITS}.pth": NET, "bad-00000000.pth": NET}  # fmt: skip
    told = f"{site.url}/bad-00000000.pth has the SHA-256 {sha256(NET).hexdigest()}"
    assert (found.problems, found.left) == ((told,), (f"{site.url}/page (4 bytes)",))
