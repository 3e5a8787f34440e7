"""What HTML from strangers may contain: text, structure, pictures from this hub, links."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from posixpath import normpath
from urllib.parse import quote, unquote, urlsplit

import nh3

from reprise.server.web.highlight import CLASS_PREFIX

ID_PREFIX = "user-content-"

_TAGS = set(
    "a abbr b blockquote br caption center cite code dd del details dfn div dl dt em figcaption "
    "figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp section small "
    "span strong sub summary sup table tbody td tfoot th thead tr tt u ul var".split()
)
# Of these not even the text inside is kept.
_DROPPED = set(
    "script style template iframe object embed noscript noembed noframes textarea title xmp svg "
    "math select".split()
)
_ALIGNED = "div p h1 h2 h3 h4 h5 h6 td th tr table img".split()
_ATTRIBUTES: Mapping[str, set[str]] = {
    "*": {"title", "lang", "dir", "id"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan", "width"},
    "th": {"colspan", "rowspan", "scope", "width"},
    "table": {"width"},
    "ol": {"start"},
    "details": {"open"},
    "span": {"class"},
}
_SCHEMES = {"http", "https", "mailto"}
_SIZE = re.compile(r"[0-9]{1,4}(?:px|%)?")
_COUNT = re.compile(r"[0-9]{1,3}")
_CLASS = re.compile(rf"{CLASS_PREFIX}[a-z0-9]{{1,4}}")
_CHECKED = {
    "width": _SIZE,
    "height": _SIZE,
    "colspan": _COUNT,
    "rowspan": _COUNT,
    "start": _COUNT,
    "align": re.compile(r"left|right|center"),
}
_BLOCK = re.compile(
    r"<(/?)(?:div|blockquote|ul|ol|dl|section|details|center|figure|table)\b", re.IGNORECASE
)
_MAX_DEPTH = 2000
# Files of repos are the only pictures shown: other addresses of the hub are not for looking at.
_PICTURE = re.compile(r"/(?:[^/]+/){1,3}resolve/[^/]+/.+")


@dataclass(frozen=True)
class Base:
    """Where relative addresses lead: `blob` for links, `resolve` for pictures."""

    blob: str  # /owner/name/blob/main
    resolve: str  # /owner/name/resolve/main
    folder: str = ""  # of the file that is shown, inside the repo


def clean(html: str, base: Base) -> str:
    """Return HTML that is safe on a page of ours, with addresses made absolute."""

    def attribute(tag: str, name: str, value: str) -> str | None:
        return _attribute(base, tag, name, value)

    if _depth(html) > _MAX_DEPTH:
        return f"<pre>{escape(html)}</pre>"
    attributes = {tag: set(names) for tag, names in _ATTRIBUTES.items()}
    for tag in _ALIGNED:
        attributes.setdefault(tag, set()).add("align")
    return nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags=_DROPPED,
        attributes=attributes,
        attribute_filter=attribute,
        url_schemes=_SCHEMES,
        link_rel="nofollow ugc noopener",
        id_prefix=ID_PREFIX,
    )


def _depth(html: str) -> int:
    """Count how deep blocks are nested, at most; parsing takes the square of that."""
    depth = deepest = 0
    for match in _BLOCK.finditer(html):
        depth = max(depth - 1, 0) if match[1] else depth + 1
        deepest = max(deepest, depth)
    return deepest


def _attribute(base: Base, tag: str, name: str, value: str) -> str | None:
    if name == "href":
        return link(base, value)
    if name == "src":
        return picture(base, value)
    if name == "class":
        return value if tag == "span" and _CLASS.fullmatch(value) else None
    if name in _CHECKED:
        return value if _CHECKED[name].fullmatch(value.strip().lower()) else None
    return value


def link(base: Base, address: str) -> str | None:
    """Resolve the address of a link; None when it leads nowhere safe."""
    address = address.strip()
    if address.startswith("#"):
        return f"#{ID_PREFIX}{address[1:]}" if len(address) > 1 else "#"
    parts = _split(address)
    if parts is None or (parts[0] and parts[0] not in _SCHEMES):
        return None
    if parts[0] or address.startswith("/"):
        return address
    return _inside(base.blob, base.folder, address)


def picture(base: Base, address: str) -> str | None:
    """Resolve the address of a picture; None unless it is a file of a repo of this hub."""
    address = address.strip()
    parts = _split(address)
    if parts is None or parts[0] or parts[1] or not parts[2]:
        return None
    if not address.startswith("/"):
        return _inside(base.resolve, base.folder, address)
    return address if _PICTURE.fullmatch(parts[2]) and ".." not in parts[2] else None


def _split(address: str) -> tuple[str, str, str] | None:
    if "\\" in address or any(ord(char) < ord(" ") for char in address):
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return parts.scheme.lower(), parts.netloc, parts.path


def _inside(root: str, folder: str, address: str) -> str | None:
    """Resolve a relative path inside a repo; paths that leave it lead nowhere."""
    path, mark, tail = address.partition("#")
    path = path.partition("?")[0]
    joined = normpath(f"{folder}/{unquote(path)}" if folder else unquote(path)) if path else ""
    if joined.startswith(("..", "/")):
        return None
    fragment = f"#{ID_PREFIX}{tail}" if mark and tail else ""
    return f"{root}/{quote(joined)}{fragment}" if joined not in {"", "."} else fragment or root
