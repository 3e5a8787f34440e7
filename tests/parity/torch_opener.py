"""Send what torch.hub asks of github.com to a scripted host, through urllib's opener."""

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from typing import Any

API, PAGES = "https://api.github.com/", "https://github.com/"


class ToHost(urllib.request.HTTPSHandler):
    """Answers https requests for GitHub from another base URL."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def https_open(self, req: urllib.request.Request) -> HTTPResponse:
        wanted = req.full_url
        assert wanted.startswith((API, PAGES)), wanted
        local = wanted.replace(API, f"{self._url}/api/v3/").replace(PAGES, f"{self._url}/")
        return self.parent.open(urllib.request.Request(local, headers=dict(req.header_items())))


def install(url: str) -> None:
    """Redirect this process for good: for scripts that run in one of their own."""
    urllib.request.install_opener(urllib.request.build_opener(ToHost(url)))


@contextmanager
def github_at(url: str) -> Iterator[None]:
    """Redirect this process while the block runs."""
    import urllib.request as module

    before: Any = module._opener
    install(url)
    try:
        yield
    finally:
        urllib.request.install_opener(before)
