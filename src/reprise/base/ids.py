"""Names on a hub: repo types, repo ids, commits and paths inside a repo."""

import re
from dataclasses import dataclass
from enum import StrEnum

from reprise.base.errors import InvalidId

# One part of a repo id, as the public hub defines it: letters, digits, `-`, `_`, `.`.
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
# Backslashes, ASCII control characters and lone surrogates never occur in an honest path.
_FORBIDDEN_IN_PATH = re.compile(r"[\\\x00-\x1f\x7f\ud800-\udfff]")
MAX_NAME = 96
MAX_PATH = 1024
# First path segments of routes: nobody may be called so.
RESERVED_OWNERS = frozenset(
    "api cas claims datasets docs github health info join leaderboards login logout metrics models "
    "new oauth organizations past-leaderboards pipeline repos search settings spaces static users "
    "v1".split()
)
# What follows a repo id in routes: `owner/refs` would hide behind the refs of a legacy id.
RESERVED_REPOS = frozenset(
    "auth-check badge.svg blob claims commits discussions entry-points git-receive-pack "
    "git-upload-pack leaderboard lfs-files like likers notebook papers raw refs reports resolve "
    "settings submission tree try vote".split()
)


class RepoType(StrEnum):
    """Kind of repo; the value is the singular used in the protocol."""

    MODEL = "model"
    DATASET = "dataset"
    SPACE = "space"
    METRIC = "metric"

    @property
    def plural(self) -> str:
        """The spelling in URLs: `models`, `datasets`, `spaces`, `metrics`."""
        return f"{self.value}s"

    @property
    def url_prefix(self) -> str:
        """What stands before the id in web and git URLs; models have none."""
        return "" if self is RepoType.MODEL else f"{self.plural}/"


@dataclass(frozen=True)
class RepoId:
    """A parsed repo id, `owner/name`; legacy ids have no owner."""

    owner: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "RepoId":
        """Parse `owner/name` or a legacy `name`.

        Raises:
            InvalidId: The text breaks the grammar; the message says how.
        """
        owner, slash, name = text.rpartition("/")
        if "/" in owner:
            raise InvalidId(f"Repo id {text!r} has more than one '/'; write owner/name.")
        return cls(check_name(owner) if slash else "", check_name(name))

    @property
    def key(self) -> str:
        """The id folded for comparison: ids match without regard to case."""
        return str(self).lower()

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}" if self.owner else self.name


def check_name(name: str) -> str:
    """Return `name` when it may stand in a repo id.

    Raises:
        InvalidId: Too long, forbidden characters, `..`, `--` or a forbidden ending.
    """
    wrong = (
        len(name) > MAX_NAME
        or not _NAME.fullmatch(name)
        or ".." in name
        or "--" in name
        or name.lower().endswith((".git", ".ipynb"))
    )
    if wrong:
        raise InvalidId(
            f"{name[:MAX_NAME]!r} cannot be used as a name: use 1 to {MAX_NAME} letters, digits, "
            "'-', '_' or '.', not starting or ending with '-' or '.', without '--' or '..', "
            "not ending in .git or .ipynb."
        )
    return name


def check_new_name(name: str, reserved: frozenset[str]) -> str:
    """Return `name` when a new owner or repo may take it.

    Raises:
        InvalidId: As `check_name`, or a name that the hub keeps for its own pages.
    """
    if name.lower() in reserved:
        raise InvalidId(f"{name!r} is kept for the hub's own pages; choose another name.")
    return check_name(name)


def is_commit(revision: str) -> bool:
    """Tell whether a revision is a full commit id: 40 lower-case hex digits."""
    return _COMMIT.fullmatch(revision) is not None


def check_path(path: str) -> str:
    """Return `path` when it may name a file inside a repo.

    Paths are relative, use `/`, and hold no part that a clone could turn against its user:
    `.`, `..`, anything git reads as `.git`, control characters, backslashes.

    Raises:
        InvalidId: The path breaks one of these rules; the message names the rule.
    """
    if not path or len(path.encode(errors="replace")) > MAX_PATH:
        raise InvalidId(f"A path must have 1 to {MAX_PATH} bytes: {path[:80]!r}.")
    if _FORBIDDEN_IN_PATH.search(path):
        raise InvalidId(f"Path {path!r} holds a backslash, a control or an invalid character.")
    for part in path.split("/"):
        if part in {"", ".", ".."}:
            raise InvalidId(f"Path {path!r} must be relative, without empty, '.' or '..' parts.")
        if looks_like_dot_git(part):
            raise InvalidId(f"Path {path!r} holds {part!r}, which git reads as its own folder.")
    return path


# Code points that HFS+ ignores when it compares names (git's fsck list).
_HFS_IGNORED = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)


def looks_like_dot_git(part: str) -> bool:
    """Tell whether some file system reads a path part as `.git`.

    Follows git's own fsck: case is ignored, HFS+ drops invisible code points, NTFS drops trailing
    dots and spaces, everything after a colon, and knows the short names `git~1`, `git~2`, ….
    """
    plain = part.translate(_HFS_IGNORED).lower().split(":", 1)[0].rstrip(". ")
    return plain == ".git" or re.fullmatch(r"git~\d+", plain) is not None
