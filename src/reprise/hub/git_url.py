"""URLs of git repos: what may be handed to git, and how a repo is filed under it.

git understands more than addresses: `ext::` runs a command, a host or path that begins with a
dash becomes an option of ssh. Only plain URLs pass.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from reprise.base.errors import InvalidId

SCHEMES = ("https", "http", "ssh", "git", "file")
HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?")
_GRAMMAR = (
    "Write https://host/path.git, ssh://git@host/path.git, git@host:path.git or "
    "file:///path.git, then perhaps @commit or :branch-or-tag, and #folder."
)
_ALWAYS = re.compile(r"(?:git\+(?:https?|ssh|file)|ssh|git|file)://", re.IGNORECASE)
_WEB = re.compile(r"https?://", re.IGNORECASE)
_DOT_GIT = re.compile(r"\.git(?=/?$|[@:#])")
_SCP = re.compile(r"(?P<user>[A-Za-z0-9_][A-Za-z0-9_.-]*)@(?P<host>[^/:@]+):(?P<path>[^:].*)")
# The path ends with the first `.git`, else before the first sign of a revision.
_PATH = re.compile(r"(?P<path>.+?\.git(?=$|[@:])|[^@:]+)(?P<rest>(?:[@:].*)?)", re.DOTALL)
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff\"'`$;|<>?*]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MAX_SHOWN = 200
_MAX_PART = 100  # characters of one folder's name in the cache
_KEPT = 40  # of them, when the rest becomes a digest
_DIGEST = 32  # hex digits


@dataclass(frozen=True)
class GitUrl:
    """A URL that git may be given, taken apart."""

    remote: str  # as git takes it
    base: str  # scheme, user, host and leading folders: all before owner and name
    owner: str  # last folder before the name; may be empty
    name: str  # without `.git`
    rest: str = ""  # `@commit` or `:revision`, as written


def is_git_url(text: str) -> bool:
    """Tell whether a text can only be meant for git: a scheme of git's, or a path with `.git`."""
    if _ALWAYS.match(text) or _SCP.match(text):
        return True
    return bool(_WEB.match(text) and _DOT_GIT.search(_path_of(text)))


def parse_git_url(text: str) -> GitUrl:
    """Check a URL, without `#folder`, and take it apart.

    Raises:
        InvalidId: It is none, holds a password, or could be taken for more than an address.
    """
    plain = text.removeprefix("git+")
    if _FORBIDDEN.search(plain):
        raise _refused(text, "it holds characters that a shell or git could take as something else")
    scp = _SCP.fullmatch(plain) if "://" not in plain else None
    if scp is not None:
        return _from_scp(text, scp)
    scheme, separator, rest = plain.partition("://")
    if not separator or scheme.lower() not in SCHEMES:
        raise _refused(text, f"its scheme is none of {', '.join(SCHEMES)}")
    netloc, _, path = rest.partition("/")
    return _from_parts(text, scheme.lower(), _check_place(text, scheme.lower(), netloc), path)


def folder_url(folder: Path) -> str:
    """Return the URL of a git repo in a folder of this machine."""
    return f"file://{quote(str(folder), safe='/~+,=')}"


def file_safe(text: str) -> str:
    """Return one folder's name for a part of an address; different parts get different names.

    Git servers may tell `Net` from `net`, file systems may not: capitals become `!` and the letter.

    Example:
        >>> file_safe("Ada's net")
        '!ada%27s%20net'
    """
    quoted = "".join(
        f"!{char.lower()}" if "A" <= char <= "Z" else quote(char, safe="~") for char in text
    )
    if quoted.startswith("."):
        quoted = f"%2E{quoted[1:]}"
    if len(quoted) <= _MAX_PART:
        return quoted
    from reprise.base.digests import sha256_hex

    return f"{quoted[:_KEPT]}!!{sha256_hex(quoted.encode())[:_DIGEST]}"


def _path_of(url: str) -> str:
    return url.partition("://")[2].partition("/")[2]


def _from_scp(text: str, found: "re.Match[str]") -> GitUrl:
    """`git@host:path`: relative to the account's home folder, unlike `ssh://git@host/path`."""
    place = _check_place(text, "ssh", f"{found['user']}@{found['host']}")
    path, rest = _split_revision(text, found["path"])
    *leading, owner, name = ["", *_segments(text, path.removeprefix("/"))]
    home = "" if path.startswith("/") else "~"
    base = "/".join([f"ssh://{place}", *filter(None, [home, *leading])])
    return GitUrl(f"{place}:{path}", base, owner, _without_suffix(name), rest)


def _from_parts(text: str, scheme: str, place: str, path: str) -> GitUrl:
    path, rest = _split_revision(text, path.rstrip("/"))
    *leading, owner, name = ["", *_segments(text, path)]
    base = "/".join([f"{scheme}://{place}", *filter(None, leading)])
    return GitUrl(f"{scheme}://{place}/{path}", base, owner, _without_suffix(name), rest)


def _without_suffix(name: str) -> str:
    return name.removesuffix(".git") or name


def _split_revision(text: str, path: str) -> tuple[str, str]:
    found = _PATH.fullmatch(path)
    if found is None:
        raise _refused(text, "it names no repo")
    return found["path"], found["rest"]


def _segments(text: str, path: str) -> list[str]:
    parts = path.split("/")
    for part in parts:
        plain = unquote(part)
        if plain in {"", ".", ".."} or "/" in plain or _CONTROL.search(plain):
            raise _refused(text, f"{part!r} cannot stand in its path")
    if parts[0].startswith("-"):
        raise _refused(text, "its path begins with a dash")
    return parts


def _check_place(text: str, scheme: str, netloc: str) -> str:
    """Return user, host and port as git may see them, the host in lower case."""
    user, at, host = netloc.rpartition("@")
    if ":" in user or (user and scheme != "ssh"):
        raise _refused(
            text.replace(user, "…"),
            "it holds credentials, which would be stored with what it names",
        )
    if scheme == "file":
        if host not in {"", "localhost"}:
            raise _refused(text, "a file lies on this machine: file:///path")
        return ""
    if not HOST.fullmatch(host) or (at and not _USER.fullmatch(user)):
        raise _refused(text, f"{netloc[:_MAX_SHOWN]!r} is not a host")
    return f"{user}{at}{host.lower()}"


def _refused(text: str, why: str) -> InvalidId:
    return InvalidId(f"{text[:_MAX_SHOWN]!r} is not the URL of a git repo: {why}.", hint=_GRAMMAR)
