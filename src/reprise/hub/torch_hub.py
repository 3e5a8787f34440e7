"""Unmodified torch.hub, served by a hub: an opener for `urllib` that knows other ways to GitHub.

torch.hub asks github.com and nobody else, but through `urllib.request.urlopen`, whose opener can
be replaced for the whole process. Ours sends what torch.hub asks of GitHub to the hub, takes files
that the hub mirrors from there, and leaves everything else to the opener that was there before.
"""

import os
import re
import urllib.request
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from http import HTTPStatus
from http.client import HTTPMessage
from typing import IO, Any, Literal, cast, get_args
from urllib.error import HTTPError, URLError
from urllib.parse import urldefrag, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request

from reprise.base.errors import InvalidInput
from reprise.hub import api, settings

Mirror = Literal["first", "only", "off"]

_REPO = r"(?P<repo>[\w.-]+/[\w.-]+)"
# Host -> what is asked of it, and the hub's route for it.
_ROUTES = {
    "github.com": (
        (re.compile(rf"/{_REPO}/(?P<what>tree|zipball)/(?P<rest>.*)", re.ASCII), "{repo}/{what}/"),
        (re.compile(rf"/{_REPO}/archive/(?P<rest>.+)\.zip", re.ASCII), "{repo}/zipball/"),
    ),
    "codeload.github.com": (
        (re.compile(rf"/{_REPO}/(?:legacy\.)?zip/(?P<rest>.+)", re.ASCII), "{repo}/zipball/"),
    ),
    "api.github.com": (
        (
            re.compile(rf"/repos/{_REPO}/(?P<rest>branches|tags)", re.ASCII),
            "api/repos/{repo}/",
        ),
        (re.compile(rf"/repos/{_REPO}/zipball/(?P<rest>.*)", re.ASCII), "{repo}/zipball/"),
    ),
}
_PORTS = {"http": {None, 80}, "https": {None, 443}}
# The only headers that travel on: none of them says who somebody is.
_HARMLESS = ("Accept", "If-None-Match", "If-Range", "Range", "User-agent")
_HUB_TOKEN = re.compile(r"hf_[A-Za-z0-9_]+")  # GitHub's begin with gh or are hex
_ENDPOINT = re.compile(r"https?://[^/\s@?#]+(/[^\s@?#]*)?")
_OFF = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True)
class _Hub:
    """Where requests go instead. Everything is looked up when it is needed, nothing at start."""

    chosen: str | None
    token: str | bool | None
    mirror: Mirror

    @cached_property
    def endpoint(self) -> str:
        return (self.chosen or settings.endpoint()).rstrip("/")

    def authorization(self, request: Request) -> str | None:
        """Choose what says who is asking: only ever an access token of the hub itself."""
        sent = (request.get_header("Authorization") or "").partition(" ")[2]
        candidates = (sent, settings.github_token() or "", self._own_token())
        found = next((it for it in candidates if _HUB_TOKEN.fullmatch(it)), None)
        return f"Bearer {found}" if found else None

    def _own_token(self) -> str:
        token = api.token_for(self.endpoint, self.token)
        if token is None or token is True:
            import huggingface_hub

            token = huggingface_hub.get_token()
        return token or ""


class HubOpener(OpenerDirector):
    """Sends some requests to a hub and all others to the opener that was there before."""

    def __init__(self, hub: _Hub, before: OpenerDirector | None) -> None:
        super().__init__()
        self.hub: _Hub | None = hub  # None: passes everything on
        self.before = before
        self._to_hub = urllib.request.build_opener(_StayOnHub)

    @cached_property
    def _default(self) -> OpenerDirector:
        return urllib.request.build_opener()

    def open(self, fullurl: str | Request, *args: Any, **kwargs: Any) -> Any:
        """Open a URL, as `OpenerDirector.open` does; `data` and `timeout` may follow."""
        request = Request(fullurl) if isinstance(fullurl, str) else fullurl  # noqa: S310
        if self.hub is not None and _only_reads(request, args, kwargs):
            path = _github_path(request.full_url)
            if path is not None:
                return self._ask_hub(self.hub, request, path, args, kwargs)
            if self.hub.mirror != "off" and not _is_below(request.full_url, self.hub.endpoint):
                found = self._from_mirror(self.hub, request, args, kwargs)
                if found is not None:
                    return found
        return (self.before or self._default).open(fullurl, *args, **kwargs)

    def _ask_hub(
        self, hub: _Hub, request: Request, path: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        mapped = _mapped(hub, request, path)
        who = hub.authorization(request)
        if who is not None:
            mapped.add_unredirected_header("Authorization", who)
        try:
            return self._to_hub.open(mapped, *args, **kwargs)
        except HTTPError as error:
            said = error.headers.get("X-Error-Message") or error.reason
            error.msg = f"{said} (asked of {hub.endpoint} instead of GitHub)"
            if path.startswith("api/") and not request.has_header("Authorization"):
                # torch.hub would answer an HTTPError here with KeyError: 'Authorization'.
                error.close()
                raise URLError(error.msg) from error
            raise

    def _from_mirror(
        self, hub: _Hub, request: Request, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        # By digest: the hub shall not learn what else this process opens.
        url = urldefrag(request.full_url).url
        key = sha256(url.encode(errors="surrogatepass")).hexdigest()
        try:
            answer = self._to_hub.open(_mapped(hub, request, f"mirror/{key}"), *args, **kwargs)
        except HTTPError as error:
            if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
            error.close()
        except OSError:
            if hub.mirror == "only":
                raise
        else:
            if answer.headers.get("X-Mirror-Of") == key:
                return answer
            answer.close()  # some other site, which answers 200 to everything
        if hub.mirror == "only":
            raise URLError(
                f"{url} is not mirrored on {hub.endpoint}, and this process may fetch from there "
                "only. Its operator adds it with: reprise mirror add URL --data DIR"
            )
        return None


class _StayOnHub(HTTPRedirectHandler):
    """Follows redirects (a repo may have moved) with the access token, but never off the hub."""

    def redirect_request(  # noqa: PLR0917 - urllib's signature
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        if _origin(newurl) != _origin(req.full_url):
            raise HTTPError(req.full_url, code, f"The hub points elsewhere: {newurl}", headers, fp)
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None:
            following.unredirected_hdrs.update(req.unredirected_hdrs)
            following.unredirected_hdrs.pop("Host", None)
        return following


# What `unpatch_torch_hub` takes back; the process has one opener, so this is one list, too.
_ours: list[HubOpener] = []


def patch_torch_hub(
    endpoint: str | None = None,
    *,
    token: str | bool | None = None,
    mirror: Mirror = "first",
) -> None:
    """Let torch.hub in this process load from a hub instead of from GitHub.

    `torch.hub.list`, `help` and `load` then work with the hub's model repos, unmodified: by
    branch, tag, default branch `main` or `master`, and by any of the default branch's newest
    10,000 commits. Calling it again changes the settings. Nothing is imported or asked before
    the first request.

    Args:
        endpoint: Base URL of the hub; `HF_ENDPOINT` by default.
        token: An access token of that hub. By default `GITHUB_TOKEN` if it holds one of a hub's,
            else the stored one if the hub is the one in use; False sends none. Tokens of the hub
            go nowhere else, those of GitHub are not sent to the hub.
        mirror: What becomes of other downloads, weights above all. `first`: the hub's copy when
            it has one, else the network; `only`: the hub's copy or an error, for machines that
            must not reach further; `off`: the network.

    Raises:
        InvalidInput: The endpoint is no http(s) URL, or `mirror` none of the three words.

    Example:
        >>> patch_torch_hub("https://hub.example")
        >>> unpatch_torch_hub()
    """
    if mirror not in get_args(Mirror):
        raise InvalidInput(f"mirror is one of {', '.join(get_args(Mirror))}; not {mirror!r}.")
    if endpoint is not None and not _ENDPOINT.fullmatch(endpoint):
        raise InvalidInput(f"{endpoint!r} is no hub: write its URL, as in https://hub.example.")
    hub = _Hub(endpoint, token, mirror)
    current = _installed()
    if isinstance(current, HubOpener):
        current.hub = hub
        return
    _ours.append(HubOpener(hub, current))
    urllib.request.install_opener(_ours[-1])


def unpatch_torch_hub() -> None:
    """Take `patch_torch_hub` back. What was installed before or since stays."""
    for opener in _ours:
        opener.hub = None  # one that somebody wrapped in an opener of theirs only passes on
    current = _installed()
    if isinstance(current, HubOpener):
        urllib.request._opener = current.before  # type: ignore[attr-defined]  # noqa: SLF001
    _ours.clear()


def patch_from_environment() -> None:
    """Patch as the environment says; what the `.pth` file of `reprise torch-hub enable` calls.

    `REPRISE_PATCH_TORCH_HUB` is a hub's URL, or 1 for the hub in use; `REPRISE_TORCH_HUB_MIRROR`
    is `first`, `only` or `off`.
    """
    wanted = os.environ.get("REPRISE_PATCH_TORCH_HUB", "").strip()
    if wanted.lower() in _OFF:
        return
    mirror = os.environ.get("REPRISE_TORCH_HUB_MIRROR") or "first"
    patch_torch_hub(wanted if "://" in wanted else None, mirror=cast("Mirror", mirror))


def _installed() -> OpenerDirector | None:
    return urllib.request._opener  # type: ignore[attr-defined, no-any-return]  # noqa: SLF001


def _only_reads(request: Request, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    data = args[0] if args else kwargs.get("data")
    plain = request.data is None and data is None and request.type in _PORTS
    return plain and request.get_method() in {"GET", "HEAD"}


def _github_path(url: str) -> str | None:
    """Return where below `/github/` the hub has what a GitHub URL names, or None."""
    try:
        parts = urlsplit(url)
        plain = parts.port in _PORTS.get(parts.scheme, ())
    except ValueError:
        return None
    for pattern, route in _ROUTES.get(parts.hostname or "", ()) if plain else ():
        found = pattern.fullmatch(parts.path)
        if found is None:
            continue
        named = found.groupdict()
        path = route.format_map(named) + named["rest"]
        if {".", ".."} & set(path.replace("%2e", ".").replace("%2E", ".").split("/")):
            raise URLError(f"{url!r} names no repo and revision.")
        return f"{path}?{parts.query}" if parts.query else path
    return None


def _mapped(hub: _Hub, request: Request, path: str) -> Request:
    url = f"{hub.endpoint}/github/{path}"
    sent = {name: text for name, text in request.header_items() if name in _HARMLESS}
    return Request(url, headers=sent, method=request.get_method())  # noqa: S310 - http(s), checked


def _is_below(url: str, endpoint: str) -> bool:
    return _origin(url) == _origin(endpoint)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, parts.port or default
