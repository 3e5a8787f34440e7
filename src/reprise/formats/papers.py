"""Papers that a card cites: by arXiv's identifier, by DOI, or by address; each written one way."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, unquote, urlsplit

Kind = Literal["arxiv", "doi", "link"]

MAX_PAPERS = 50
_MAX_TEXT = 1_000_000  # characters of a card that are looked at
_MAX_ID = 200  # characters; real ones are shorter
_TRAILING = ".,;:!?*_"  # of the sentence around it
_SAFE = "/:;()._-"  # in the address of a DOI

_NEW = r"\d{4}\.\d{4,5}"  # since 2007
_OLD = r"[a-z]+(?:-[a-z]+)?(?:\.[A-Za-z]{2})?/\d{7}"
_ARXIV_ID = rf"(?:{_NEW}|{_OLD})(?!\d)(?:v\d{{1,3}})?"
_DOI_ID = rf"10\.\d{{4,9}}/[^\s<>\"'{{}}|\\^`\[\]]{{1,{_MAX_ID}}}"
# A citation in text, an address or BibTeX; arXiv's own DOIs are its identifiers.
_CITED = re.compile(
    rf"(?:https?://)?(?:www\.|export\.|dx\.)?"  # so that an address is not taken for a mere link
    rf"(?:(?:(?:arxiv|ar5iv|alphaxiv)\.(?:org|labs\.arxiv\.org)/(?:abs|pdf|html|format)/|arxiv:\s?"
    rf"|/papers/|eprint\s{{0,4}}=\s{{0,4}}[{{\"']\s?(?:arxiv:)?|10\.48550/arxiv\.)"
    rf"(?P<arxiv>{_ARXIV_ID})"
    rf"|(?:doi\.org/|\bdoi:\s?|\bdoi\s{{0,4}}=\s{{0,4}}[{{\"']\s?)(?P<doi>{_DOI_ID}))"
    r"|(?P<link>https?://[^\s<>\"'()\[\]{}]{1,500})",
    re.IGNORECASE,
)
_ONLY_ARXIV = re.compile(_ARXIV_ID, re.IGNORECASE)
_ONLY_DOI = re.compile(_DOI_ID)
# Where papers stand that have neither: host -> how the path begins.
_SITES = {
    "openreview.net": ("/forum", "/pdf"),
    "aclanthology.org": ("/",),
    "proceedings.mlr.press": ("/v",),
    "proceedings.neurips.cc": ("/paper",),
    "papers.nips.cc": ("/paper",),
    "papers.neurips.cc": ("/paper",),
    "openaccess.thecvf.com": ("/content",),
    "jmlr.org": ("/papers",),
    "www.jmlr.org": ("/papers",),
    "www.isca-archive.org": ("/",),
    "www.semanticscholar.org": ("/paper",),
}
# Fields of cards: what a bare value in them is.
_FIELDS: dict[str, Kind] = {
    "arxiv": "arxiv", "arxiv_id": "arxiv", "doi": "doi", "paper": "link", "papers": "link",
    "paper_url": "link", "paper_link": "link", "paper-link": "link", "arxiv_paper": "arxiv",
}  # fmt: skip


@dataclass(frozen=True)
class Paper:
    """A paper.

    Attributes:
        kind: What its `id` is.
        id: `1910.01108`, without a version; `10.1000/182`, lower case; or an address.
    """

    kind: Kind
    id: str

    @property
    def tag(self) -> str:
        """The tag by which a hub files it; empty for mere addresses."""
        return "" if self.kind == "link" else f"{self.kind}:{self.id}"

    @property
    def url(self) -> str:
        """Where it can be read."""
        if self.kind == "arxiv":
            return f"https://arxiv.org/abs/{self.id}"
        return f"https://doi.org/{quote(self.id, safe=_SAFE)}" if self.kind == "doi" else self.id


def papers_of(data: Mapping[str, Any], body: str) -> list[Paper]:
    """List the papers that a card cites: those of its metadata first, each once.

    Args:
        data: Its metadata; the fields `arxiv`, `doi`, `paper` and `papers` count.
        body: Its text.

    Example:
        >>> papers_of({"doi": "10.1000/182"}, "See https://arxiv.org/abs/1910.01108v2.")
        [Paper(kind='doi', id='10.1000/182'), Paper(kind='arxiv', id='1910.01108')]
    """
    found = dict.fromkeys(_in_fields(data))
    for paper in _in_text(body[:_MAX_TEXT]):
        found[paper] = None
        if len(found) >= MAX_PAPERS:
            break
    return list(found)[:MAX_PAPERS]


def parse(text: str) -> Paper | None:
    """Return the paper that one identifier or address names, however it is written; else None."""
    bare = text.strip()[:500]
    if _ONLY_ARXIV.fullmatch(bare):
        return _arxiv(bare)
    if _ONLY_DOI.fullmatch(bare):
        return _doi(bare)
    return next(_in_text(bare), None)


def _in_fields(data: Mapping[str, Any]) -> Iterator[Paper]:
    for key, kind in _FIELDS.items():
        value = data.get(key)
        for item in (value if isinstance(value, list) else [value])[:MAX_PAPERS]:
            text = item.get("url", "") if isinstance(item, dict) else item
            if isinstance(text, float):  # `arxiv: 1910.01108` without quotes
                text = f"{text:010.5f}"
            paper = parse(text) if isinstance(text, str) else None
            if paper is None and kind == "link" and isinstance(text, str):
                paper = _link(text.strip(), anywhere=True)
            if paper is not None:
                yield paper


def _in_text(text: str) -> Iterator[Paper]:
    for match in _CITED.finditer(text):
        paper = _named(match)
        if paper is None and match["link"]:
            inner = _CITED.search(match["link"].partition("://")[2])  # an address with an id in it
            paper = (_named(inner) if inner else None) or _link(match["link"])
        if paper is not None:
            yield paper


def _named(match: re.Match[str]) -> Paper | None:
    if match["arxiv"]:
        return _arxiv(match["arxiv"])
    return _doi(match["doi"]) if match["doi"] else None


def _arxiv(text: str) -> Paper:
    plain = re.sub(r"v\d{1,3}$", "", text, flags=re.IGNORECASE)
    archive, slash, number = plain.rpartition("/")
    return Paper("arxiv", f"{archive.partition('.')[0].lower()}{slash}{number}")


def _doi(text: str) -> Paper | None:
    plain = unquote(text).rstrip(_TRAILING).lower()
    if not plain.isprintable() or re.search(r"\s", plain):
        return None
    while plain.endswith(")") and plain.count(")") > plain.count("("):
        plain = plain[:-1].rstrip(_TRAILING)
    if plain.endswith("/"):  # nothing but dots behind the prefix
        return None
    own = re.fullmatch(rf"10\.48550/arxiv\.({_ARXIV_ID})", plain, re.IGNORECASE)
    return _arxiv(own[1]) if own else Paper("doi", plain)


def _link(url: str, *, anywhere: bool = False) -> Paper | None:
    """Return a paper when an address is that of one: by its site, or because a field says so."""
    try:
        parts = urlsplit(url.rstrip(_TRAILING))
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    known = host in _SITES and len(parts.path) > 1 and parts.path.startswith(_SITES[host])
    if parts.scheme.lower() not in {"http", "https"} or not host or not (known or anywhere):
        return None
    query = f"?{parts.query}" if parts.query else ""
    return Paper("link", f"https://{host}{parts.path}{query}"[:500])
