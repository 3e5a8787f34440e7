"""Keys as module names: `github.com/owner/name/<commit>` becomes one identifier, reversibly."""

import re

# Modules of all repos live below this package, so that importing one by name finds the finder.
PREFIX = "reprise.hub.namespace.repos"
_SHORT = {"_": "__", ".": "_d", "-": "_h", "/": "_s", ":": "_c"}
_LONG = {code: sign for sign, code in _SHORT.items()}
_PLAIN = re.compile(r"[A-Za-z0-9]")
_CODE = re.compile(r"_x([0-9a-f]+)_|__|_[dhsc]|[A-Za-z0-9]+")
_START = "r_"  # identifiers do not start with a digit


def to_slug(key: str) -> str:
    """Return the identifier for a key.

    Example:
        >>> to_slug("hub.org/o/my-net")
        'r_hub_dorg_so_smy_hnet'
    """
    return _START + "".join(map(_encoded, key))


def to_key(slug: str) -> str | None:
    """Return the key behind an identifier, None when `to_slug` never made it."""
    parts: list[str] = []
    place = len(_START)
    while place < len(slug):
        match = _CODE.match(slug, place)
        if match is None:
            return None
        code = int(match[1], 16) if match[1] else None
        if code is not None and code > _LAST_CODE_POINT:
            return None
        parts.append(_LONG.get(match[0], match[0]) if code is None else chr(code))
        place = match.end()
    key = "".join(parts)
    return key if to_slug(key) == slug else None


_LAST_CODE_POINT = 0x10FFFF


def module_name(slug: str, bare: str) -> str:
    """Return the full name of a repo's module: `models.yolo` below its prefix."""
    return f"{PREFIX}.{slug}.{bare}"


def split_name(name: str) -> tuple[str, str]:
    """Split a full module name into slug and bare name; the latter is empty for the root."""
    slug, _, bare = name[len(PREFIX) + 1 :].partition(".")
    return slug, bare


def _encoded(sign: str) -> str:
    if _PLAIN.match(sign):
        return sign
    return _SHORT.get(sign) or f"_x{ord(sign):x}_"
