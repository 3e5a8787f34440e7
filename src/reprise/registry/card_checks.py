"""Checks of a submission's card: metadata, licence, structure, links, images."""

import posixpath
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from reprise.base.errors import InvalidFormat
from reprise.base.ids import RepoType
from reprise.formats import card as cards
from reprise.registry.evidence import Evidence

_MAX_TEXT = 200_000  # characters of a card that are looked at
_MAX_LINKS = 2_000
_WORDS = 8  # in a description
_TITLE = re.compile(r"^#[ \t]+\S", re.MULTILINE)
_FENCE = re.compile(r" {0,3}(```|~~~)[`~]*[ \t]*(\w*)")
_EXAMPLES = {"python", "py", "console", "sh", "bash", "shell", "pycon"}
_LINK = re.compile(r"(!?)\[[^\[\]\n]{0,500}\]\(\s*<?([^\s<>()]{0,2000})")
_IMG = re.compile(r"<img\b[^<>]{0,1000}?\bsrc\s*=\s*[\"']([^\"'<>]{0,2000})", re.IGNORECASE)
_SCHEMES = {"http", "https", "mailto"}


def metadata(evidence: Evidence) -> Iterator[str]:
    """Name what is wrong with the metadata at the top of the card."""
    if not evidence.readme.strip():
        yield "there is no card (README.md)"
        return
    for problem in cards.check(evidence.readme, RepoType.MODEL):
        if problem.severity == "error":
            yield f"line {problem.line}: {problem.message}" if problem.line else problem.message


def licence(evidence: Evidence) -> Iterator[str]:
    """Tell whether a licence is missing."""
    data = _data(evidence)
    found = data.get("license")
    if not found or found == "unknown":
        yield "the card names no licence: add `license: …` to its metadata"
    elif found == "other" and not (data.get("license_name") or data.get("license_link")):
        yield "`license: other` needs `license_name` or `license_link` beside it"


def card(evidence: Evidence) -> Iterator[str]:
    """Name the parts that a card lacks."""
    text, languages = _parts(_body(evidence))
    prose = "\n".join(it for it in text.splitlines() if not it.lstrip().startswith("#"))
    if not _TITLE.search(text) and not _data(evidence).get("title"):
        yield "the card has no title: start it with a line `# Name`"
    if len(prose.split()) < _WORDS:
        yield f"the card has no description of at least {_WORDS} words"
    if not languages & _EXAMPLES:
        yield "the card has no example: add a ```python block"


def links(evidence: Evidence) -> Iterator[str]:
    """Name the links that cannot lead anywhere."""
    known = _known(evidence)
    for is_image, target in _targets(evidence):
        if is_image:
            continue
        if finding := _finding(known, target, schemes=_SCHEMES):
            yield f"link {target[:200]} {finding}"


def images(evidence: Evidence) -> Iterator[str]:
    """Name the images that are not there."""
    known = _known(evidence)
    for is_image, target in _targets(evidence):
        if not is_image:
            continue
        if finding := _finding(known, target, schemes={"http", "https"}):
            yield f"image {target[:200]} {finding}"


def _finding(known: set[str], target: str, *, schemes: set[str]) -> str:
    """Return what is wrong with an address, or an empty text."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return "is no address"
    if parts.scheme:
        if parts.scheme.lower() not in schemes:
            return f"has the scheme {parts.scheme[:20]!r}"
        return "" if parts.netloc or parts.scheme == "mailto" else "names no host"
    if parts.netloc or target.startswith(("#", "?", "/")):
        return ""  # another place on this page or this hub
    path = posixpath.normpath(unquote(parts.path))
    return "" if path in known else "leads to no file in the repo"


def _known(evidence: Evidence) -> set[str]:
    """Return every path a relative link may lead to, folders included."""
    found = {"."}
    for path in evidence.files:
        while path and path not in found:
            found.add(path)
            path = posixpath.dirname(path)  # noqa: PLW2901 - climbs to the root
    return found


def _parts(body: str) -> tuple[str, set[str]]:
    """Split a body into the text outside of code blocks, and the blocks' languages."""
    outside: list[str] = []
    languages: set[str] = set()
    closing = ""
    for line in body.splitlines():
        match = _FENCE.match(line)
        if closing:
            closing = "" if match and match[1] == closing else closing
        elif match:
            closing = match[1]
            languages.add(match[2].lower())
        else:
            outside.append(line)
    return "\n".join(outside), languages


def _targets(evidence: Evidence) -> list[tuple[bool, str]]:
    text, _ = _parts(_body(evidence))
    found = [(bool(mark), target) for mark, target in _LINK.findall(text)]
    found += [(True, target) for target in _IMG.findall(text)]
    return list(dict.fromkeys(found))[:_MAX_LINKS]


def _data(evidence: Evidence) -> dict[str, Any]:
    try:
        return cards.parse(evidence.readme).data
    except InvalidFormat:
        return {}


def _body(evidence: Evidence) -> str:
    try:
        return cards.parse(evidence.readme).body[:_MAX_TEXT]
    except InvalidFormat:
        return evidence.readme[:_MAX_TEXT]
