"""Names git may carry: file names inside a tree, names of refs."""

import re
from functools import lru_cache

from reprise.base.errors import InvalidId
from reprise.base.ids import MAX_PATH, check_path

# The rules of git-check-ref-format, each a reason why some git command would trip over the name.
_BAD_REF = re.compile(r"\.\.|@\{|//|/\.|\.lock(?:/|$)|[\x00-\x20\x7f~^:?*\[\\\ud800-\udfff]")
_FULL_OID = re.compile(r"[0-9a-f]{40}")
# git's own list, from utf8.c.
_HFS_IGNORED = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)
MAX_REF = 255
_MIN_PARTS = 3  # refs/heads/main
_REF_PREFIXES = ("refs/heads/", "refs/tags/")
# The same few thousand names recur in every version of a folder.
_CACHED_NAMES = 1 << 16


@lru_cache(_CACHED_NAMES)
def check_entry_name(name: str) -> str:
    """Return `name` when it may stand in a tree.

    Raises:
        InvalidId: Empty, `.`, `..`, a slash, a backslash, a control character, or a name that
            some file system reads as `.git`.
    """
    if "/" in name:
        raise InvalidId(f"A tree holds the name {name[:MAX_PATH]!r}; a '/' cannot be in a name.")
    return check_path(name)


def fold_hfs(name: str) -> str:
    """Drop the characters that HFS+ ignores when it compares names."""
    return name if name.isascii() else name.translate(_HFS_IGNORED)


def check_ref_name(name: str) -> str:
    """Return `name` when it may name a ref: `refs/heads/main`, `refs/tags/v1`, ….

    Follows git-check-ref-format. A branch or tag whose name is 40 hex digits is refused as well:
    it could not be told from a commit.

    Raises:
        InvalidId: The name breaks one of the rules.
    """
    short = next((name[len(p) :] for p in _REF_PREFIXES if name.startswith(p)), "")
    wrong = (
        not name.startswith("refs/")
        or len(name.split("/", 2)) < _MIN_PARTS
        or len(name.encode("utf-8", "replace")) > MAX_REF
        or name.endswith(("/", "."))
        or _BAD_REF.search(name) is not None
        or short.startswith("-")
        or short == "HEAD"
        or _FULL_OID.fullmatch(short) is not None
    )
    if wrong:
        raise InvalidId(
            f"Invalid reference name: {name[:MAX_REF]!r}. Use letters, digits, '-', '_', '.' and "
            "'/', without '..', '@{', spaces or control characters, not ending in '/', '.' or "
            "'.lock', and not 40 hex digits."
        )
    return name
