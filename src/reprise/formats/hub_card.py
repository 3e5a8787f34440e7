"""Cards of PyTorch Hub's catalogue, turned into model cards."""

import re
from typing import Any

from reprise.base.errors import InvalidFormat
from reprise.formats import card as cards

# How the page was laid out says nothing about the model.
_LAYOUT = {"layout", "background-class", "body-class", "order", "category"}
_SAME = ("title", "summary", "author", "accelerator")
_IMAGES = ("image", "featured_image_1", "featured_image_2")
_NO_IMAGE = frozenset({"", "no-image"})
_GITHUB = re.compile(r"https?://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?(?:/.*)?")
_QUOTES = "\"'\u201c\u201d\u2018\u2019"  # some cards carry typographic quotes


def from_hub_card(text: str) -> str:
    """Return a README whose metadata says what the catalogue's front matter said.

    Tags, author, summary, accelerator, demo, code and images are kept; what only laid out the page
    is dropped. The catalogue names no licence: add `license` before publishing.

    Raises:
        InvalidFormat: There is no front matter, or it is no YAML mapping, or it has no title.
    """
    found = cards.parse(text)
    title = _text(found.data.get("title"))
    if not title:
        raise InvalidFormat("This is no card of the catalogue: its front matter has no title.")
    data: dict[str, Any] = {name: _text(found.data.get(name)) for name in _SAME}
    data["tags"] = _tags(found.data.get("tags"))
    data["demo"] = _text(found.data.get("demo-model-link"))
    data["code"] = _code(found.data)
    images = (_text(found.data.get(name)) for name in _IMAGES)
    data["images"] = list(dict.fromkeys(it for it in images if it not in _NO_IMAGE))
    known = {*_SAME, *_IMAGES, *_LAYOUT, "tags", "demo-model-link", "github-link", "github-id"}
    data |= {name: value for name, value in found.data.items() if name not in known}
    kept = {name: value for name, value in data.items() if value}
    body = found.body.lstrip("\n")
    heading = "" if re.match(r"# \S", body) else f"# {title}\n\n"
    return cards.render(kept, f"\n{heading}{body}")


def _tags(value: Any) -> list[str]:
    words = value if isinstance(value, list) else [value]
    tags = [word for word in map(_text, words) if word]
    return list(dict.fromkeys([*tags, "torch-hub"]))


def _code(data: dict[str, Any]) -> str:
    link, name = _text(data.get("github-link")), _text(data.get("github-id"))
    match = _GITHUB.fullmatch(link)
    if link and match is None:
        return link
    return f"https://github.com/{name or (match[1] if match else '')}" if name or match else ""


def _text(value: Any) -> str:
    """Return a scalar as text without the quotes that some cards carry."""
    return str(value).strip().strip(_QUOTES).strip() if isinstance(value, str | int | float) else ""
