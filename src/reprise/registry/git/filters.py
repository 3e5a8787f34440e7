"""Partial clones: which trees and blobs a client wants to fetch later, one by one."""

import re
from dataclasses import dataclass

from reprise.base.errors import InvalidInput

_LIMIT = re.compile(r"blob:limit=(\d{1,15})([kmg]?)", re.IGNORECASE)
_TREE = re.compile(r"tree:(\d{1,6})")
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


@dataclass(frozen=True)
class Filter:
    """What stays out of a pack unless it was asked for by its id.

    `blob_limit`: blobs of so many bytes or more; 0 means every blob. `tree_depth`: trees and
    blobs so many folders below a root; 0 means every tree. None leaves nothing out.
    """

    blob_limit: int | None = None
    tree_depth: int | None = None

    @property
    def no_blobs(self) -> bool:
        """Whether no blob passes."""
        return self.blob_limit == 0 or (self.tree_depth is not None and self.tree_depth <= 1)


ALL = Filter()


def parse_filter(text: str) -> Filter:
    """Parse a filter as `git clone --filter` spells it.

    Raises:
        InvalidInput: A kind of filter that this hub does not offer.

    Example:
        >>> parse_filter("blob:limit=1k")
        Filter(blob_limit=1024, tree_depth=None)
    """
    if text == "blob:none":
        return Filter(blob_limit=0)
    if found := _LIMIT.fullmatch(text):
        return Filter(blob_limit=int(found[1]) * _UNITS[found[2].lower()])
    if found := _TREE.fullmatch(text):
        return Filter(tree_depth=int(found[1]))
    raise InvalidInput(
        f"Unknown filter {text[:100]!r}: use blob:none, blob:limit=<n>[kmg] or tree:<depth>."
    )
