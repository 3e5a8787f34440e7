"""Entities in a sequence of tags: as conlleval finds them, or only those that are well formed."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Tag(NamedTuple):
    """A tag such as `B-PER`, with BILOU's letters turned into IOBES's."""

    prefix: str
    type: str


class Span(NamedTuple):
    """An entity: its type, its first token, and the token after its last."""

    type: str
    start: int
    end: int


class Scheme(NamedTuple):
    """How tags mark entities.

    Attributes:
        prefixes: Letters that may occur, `O` apart.
        starts: Letters that may start an entity.
        inside: Letters that may continue one.
        must_close: Whether an entity counts only when its last tag says so.
    """

    prefixes: str
    starts: str
    inside: str
    must_close: bool = False


SCHEMES = {
    "IOB1": Scheme("BI", "BI", "I"),
    "IOB2": Scheme("BI", "B", "I"),
    "IOE2": Scheme("IE", "IE", "IE", must_close=True),
    "IOBES": Scheme("BIES", "BS", "IE", must_close=True),
    "BILOU": Scheme("BILU", "BS", "IE", must_close=True),
}
CONLLEVAL, STRICT = "conlleval", "strict"
MODES = (CONLLEVAL, STRICT)
_OUTSIDE = Tag("O", "")
_AS_IOBES = {"L": "E", "U": "S"}


def parse(tag: str, scheme: str) -> Tag:
    """Read a tag.

    Raises:
        ValueError: It is not one of the scheme's.
    """
    prefix, _, type_ = tag.partition("-")
    if prefix == "O" and not type_:
        return _OUTSIDE
    if len(prefix) != 1 or prefix not in SCHEMES[scheme].prefixes:
        raise ValueError(tag)
    return Tag(_AS_IOBES.get(prefix, prefix), type_)


def spans(tags: Sequence[Tag], mode: str, scheme: str) -> set[Span]:
    """Return the entities of one sentence."""
    if mode == CONLLEVAL:
        return set(_as_conlleval(tags))
    return set(_well_formed(tags, scheme))


def _as_conlleval(tags: Sequence[Tag]) -> Iterator[Span]:
    """Forgive what is not well formed: an `I` after another type starts an entity, too."""
    start, before = 0, _OUTSIDE
    for place, tag in enumerate([*tags, _OUTSIDE]):
        if before is not _OUTSIDE and _ends(before, tag):
            yield Span(before.type, start, place)
        if tag is not _OUTSIDE and _begins(before, tag):
            start = place
        before = tag


def _ends(before: Tag, tag: Tag) -> bool:
    return before.prefix in "ES" or tag.prefix in "BSO" or before.type != tag.type


def _begins(before: Tag, tag: Tag) -> bool:
    return tag.prefix in "BS" or before.prefix in "OES" or before.type != tag.type


def _well_formed(tags: Sequence[Tag], scheme: str) -> Iterator[Span]:
    """Follow the scheme to the letter; tags that break it belong to no entity."""
    rules = SCHEMES[scheme]
    opened: Span | None = None
    for place, tag in enumerate([*tags, _OUTSIDE]):
        goes_on = opened is not None and tag.type == opened.type and tag.prefix in rules.inside
        if not goes_on:
            if opened is not None and not rules.must_close:
                yield opened._replace(end=place)
            opened = _opened(tag, place, opened, scheme)
        if opened is not None and tag.prefix in "ES":
            yield opened._replace(end=place + 1)
            opened = None


def _opened(tag: Tag, place: int, before: Span | None, scheme: str) -> Span | None:
    if tag is _OUTSIDE or tag.prefix not in SCHEMES[scheme].starts:
        return None
    # In IOB1, B only separates two entities of one type.
    if scheme == "IOB1" and tag.prefix == "B" and (before is None or before.type != tag.type):
        return None
    return Span(tag.type, place, place)
