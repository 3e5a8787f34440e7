"""Leaderboards and evidence pages in a real browser: readable, whole, and nothing runs."""

from itertools import product
from urllib.parse import urlsplit

import pytest

from reprise.formats.sota import PastResult
from reprise.registry import leaderboards, past_results
from reprise.registry.access import ANONYMOUS
from tests.boards import Verifier, examples, flips, state, stated
from tests.browser.chromium import BINARY, Chromium
from tests.browser.test_pages import CONTRAST

pytestmark = pytest.mark.skipif(BINARY is None, reason="no Chromium on this machine")

VIEWS = ((320, True), (768, False), (1280, False))
LONG = "AVeryLongWordWithoutAnyPlaceToBreakItAtAllWhichGoesOnAndOnAndOn"


def fill(hub) -> list[str]:
    """Make a board with everything on it; returns the addresses of its pages."""
    bob = Verifier(hub.registry, "bob", hardware={"machine": LONG * 3, "system": LONG})
    names = ["ada/one", f"ada/{LONG.lower()}", "eve/three"]
    good = [stated(name, f"0.9{k}00", config=LONG) for k, name in enumerate(names)]
    lie = stated("dan/lie", "0.9990", config=LONG)
    digests = state(hub.registry, *good, lie)
    for it in good:
        bob.post(it, evidence={"examples.jsonl": examples([True] * 4), "log.txt": LONG * 20})
    bob.post(lie, "0.5", flips=flips(40), reason=LONG * 3)
    past = [PastResult(LONG, "data", LONG, LONG, "1", LONG, "https://x.org/", "2019")]
    with hub.registry.db.write() as conn:
        past_results.take_in(conn, "old", past, now=1)
        (board,) = leaderboards.benchmarks(conn, ANONYMOUS)
    return [
        "/leaderboards", f"/leaderboards/{board.id}", f"/claims/{digests[3]}",
        f"/claims/{digests[1]}", f"/past-leaderboards/{past_results.board_of(past[0])}", "/dan/lie",
    ]  # fmt: skip


def test_pages_are_whole_readable_and_quiet(hub) -> None:
    paths = fill(hub)
    with Chromium() as chromium:
        for path, (width, dark) in product(paths, VIEWS):
            chromium.view(width, dark=dark)
            chromium.open(hub.url + path)
            assert chromium.ask("document.documentElement.scrollWidth") == width, path
            worst, ratio = chromium.ask(CONTRAST)
            assert ratio >= 4.5, f"{path}: {worst}"
            assert chromium.complaints() == []
            assert chromium.ask("document.scripts.length") == 0
            assert {urlsplit(url).netloc for url in chromium.requests()} == {
                urlsplit(hub.url).netloc
            }
            assert chromium.ask("document.querySelectorAll('h1').length") == 1, path
            ids = chromium.ask("[...document.querySelectorAll('[id]')].map(it => it.id)")
            assert len(ids) == len(set(ids)), path
        chromium.open(hub.url + paths[1])
        boxes = "[...document.querySelectorAll('svg.bar')].map(it => it.getBoundingClientRect())"
        assert chromium.ask(f"{boxes}.every(it => it.width > 60 && it.height > 10)")
