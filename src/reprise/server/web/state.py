"""What pages share between requests: templates, static files and caches."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from reprise.base.clock import iso
from reprise.base.lru import Lru
from reprise.formats.languages import language_name
from reprise.formats.tasks import task_label
from reprise.registry.tag_catalogue import label_of
from reprise.registry.wording import interval_text, value_text
from reprise.server.web import links, wording
from reprise.server.web.trying import can_try

_CACHE_BYTES = 32 << 20
_DIGEST = 12  # hex digits of a static file's digest in its address
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True)
class StaticFile:
    """A file that pages refer to."""

    body: bytes
    media_type: str
    version: str  # changes with the bytes


@dataclass(frozen=True)
class Web:
    """The shared state."""

    templates: Environment
    static: Mapping[str, StaticFile]  # by path below `static/`
    html: Lru[tuple[object, ...], str]  # rendered Markdown and highlighted files
    data: Lru[tuple[object, ...], bytes]  # encoded answers that cost more than a moment

    @classmethod
    def open(cls) -> "Web":
        """Load templates and static files from the package."""
        static = dict(_walk(files("reprise.server.web") / "static", ""))
        return cls(_environment(static), static, Lru(_CACHE_BYTES, _chars), Lru(_CACHE_BYTES, len))


def _environment(static: Mapping[str, StaticFile]) -> Environment:
    env = Environment(
        loader=PackageLoader("reprise.server.web"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {
        "count": wording.short_count,
        "size": wording.file_size,
        "date": wording.date,
        "iso": iso,
        "task": task_label,
        "language": language_name,
        "tag_label": label_of,
        "measured": value_text,
        "spread": interval_text,
    }
    env.globals |= {
        "links": links,
        "static": lambda name: f"/static/{name}?v={static[name].version}",
        "ago": wording.ago,
        "can_try": can_try,
    }
    return env


def _walk(folder: Traversable, prefix: str) -> "list[tuple[str, StaticFile]]":
    found = []
    for child in folder.iterdir():
        if child.is_dir():
            found += _walk(child, f"{prefix}{child.name}/")
            continue
        body = child.read_bytes()
        media_type = _TYPES.get(f".{child.name.rpartition('.')[2]}", "application/octet-stream")
        version = sha256(body).hexdigest()[:_DIGEST]
        found.append((prefix + child.name, StaticFile(body, media_type, version)))
    return found


def _chars(text: str) -> int:
    return 4 * len(text)  # as many bytes as Python needs at most
