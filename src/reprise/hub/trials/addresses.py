"""Do the addresses in a card, and those of weights, still answer?

What a repo names is asked from this machine, so nothing private may be reached through it: only
hosts with public addresses are asked, each redirect checked anew, and nothing is read but the
status.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from reprise import __version__
from reprise.hub.manifest import Manifest
from reprise.hub.trials.records import Trial, judged, not_run
from reprise.hub.url_transfer import public_url

if TYPE_CHECKING:
    import httpx2

MAX_ADDRESSES = 200
_THREADS = 8
_TIMEOUT = 15.0  # seconds
_MAX_HOPS = 8
_LINK = re.compile(
    r"\]\(\s*<?(https?://[^\s<>()]+(?:\([^\s<>()]*\)[^\s<>()]*)*)"
    r"|\b(?:src|href)\s*=\s*[\"'](https?://[^\"'<>\s]+)|<(https?://[^<>\s]+)>",
    re.IGNORECASE,
)
_ERROR = 400
_NO_HEAD = frozenset({403, 404, 405, 406, 429, 500, 501, 503})  # some sites only answer GET
# The site is there and does not talk to programs: nothing can be told.
_SHY = frozenset({401, 403, 406, 407, 418, 429, 451, 503, 999})

# Tells whether a host may be asked.
MayAsk = Callable[[str], bool]


@dataclass(frozen=True)
class Answer:
    """What an address said: `problem` is empty for one that lives; `size` in bytes, if told."""

    url: str
    problem: str = ""
    size: int | None = None
    unreached: bool = False  # no connection at all: it may be us


def links_alive(readme: str, may_ask: MayAsk) -> Trial:
    """Ask every address of links and images in a card."""
    name = "links-alive"
    urls = list(dict.fromkeys(found for match in _LINK.findall(readme) for found in match if found))
    if not urls:
        return Trial(name, "passed", "the card has no addresses of other sites")
    answers = ask_all(urls[:MAX_ADDRESSES], may_ask)
    if all(answer.unreached for answer in answers):
        return not_run(name, f"no site answered from here: {answers[0].problem}")
    problems = [f"{answer.url[:200]} {answer.problem}" for answer in answers if answer.problem]
    left = len(urls) - len(answers)
    tail = f"; {left} more were not asked" if left > 0 else ""
    return judged(name, problems, f"{len(answers)} addresses answer{tail}")


def weight_urls_alive(manifest: Manifest, may_ask: MayAsk) -> tuple[Trial, dict[str, Answer]]:
    """Ask every literal address of weights in the code; also return the answers by address."""
    name = "weight-urls-alive"
    known = {it.url: it for it in manifest.weight_urls}
    computed = "computed-weight-urls" in manifest.flags
    if not known and computed:
        return not_run(name, "addresses of weights are put together while the code runs"), {}
    if not known:
        return Trial(name, "passed", "the code names no addresses of weights"), {}
    answers = {it.url: it for it in ask_all(list(known)[:MAX_ADDRESSES], may_ask)}
    if all(answer.unreached for answer in answers.values()):
        first = next(iter(answers.values()))
        return not_run(name, f"no site answered from here: {first.problem}"), {}
    problems = [
        f"{known[url].file}:{known[url].line}: {public_url(url)[:200]} {answer.problem}"
        for url, answer in answers.items()
        if answer.problem
    ]
    states = [it.state for it in known.values()]
    hashed = f"{states.count('checked')} verified by the code, {states.count('named')} only named"
    passed = f"{len(answers)} addresses answer; hashes: {hashed}, {states.count('none')} without"
    return judged(name, problems, passed, sizes={u: a.size for u, a in answers.items()}), answers


def ask_all(urls: Iterable[str], may_ask: MayAsk) -> list[Answer]:
    """Ask several addresses at a time, once each."""
    import httpx2

    headers = {"User-Agent": f"reprise/{__version__}", "Accept-Encoding": "identity"}
    with (
        httpx2.Client(headers=headers, timeout=_TIMEOUT, follow_redirects=False) as client,
        ThreadPoolExecutor(_THREADS) as pool,
    ):
        return list(pool.map(lambda url: _ask(client, url, may_ask), urls))


def public_only(*exceptions: str) -> MayAsk:
    """Allow hosts whose every address is public, and those named as exceptions."""

    def may_ask(host: str) -> bool:
        if host.lower() in exceptions:
            return True
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
        return all(ipaddress.ip_address(str(it).partition("%")[0]).is_global for it in found)

    return may_ask


def _ask(client: "httpx2.Client", url: str, may_ask: MayAsk) -> Answer:
    import httpx2

    try:
        return _followed(client, url, may_ask)
    except (httpx2.TransportError, OSError) as error:
        lost = str(error) or type(error).__name__
        return Answer(url, f"cannot be reached: {lost[:200]}", unreached=True)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, UnicodeError) as error:
        return Answer(url, f"cannot be asked: {str(error)[:200]}")


def _followed(client: "httpx2.Client", url: str, may_ask: MayAsk) -> Answer:
    here = url
    for _ in range(_MAX_HOPS):
        parts = urlsplit(here)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            return Answer(url, f"leads to {here[:100]!r}, which is no web address")
        if not may_ask(parts.hostname):
            return Answer(url, f"leads to {parts.hostname}, which is no public address")
        status, location, length = _status(client, here)
        if location is None:
            return Answer(url, _problem(status), length)
        here = urljoin(here, location)
    return Answer(url, f"redirects more than {_MAX_HOPS} times")


def _status(client: "httpx2.Client", url: str) -> tuple[int, str | None, int | None]:
    answer = client.head(url)
    status, headers = answer.status_code, answer.headers
    if status in _NO_HEAD:
        with client.stream("GET", url) as body:  # its bytes are never read
            status, headers = body.status_code, body.headers
    moved = headers.get("Location") if status in {301, 302, 303, 307, 308} else None
    length = headers.get("Content-Length", "")
    return status, moved, int(length) if length.isascii() and length.isdigit() else None


def _problem(status: int) -> str:
    if status < _ERROR or status in _SHY:
        return ""
    return f"answers with status {status}"
