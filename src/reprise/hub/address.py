"""What people type to name a repo: `[host:]owner/name[@commit | :revision][#subfolder]`.

In place of host, owner and name may stand the URL of a git repo, see `reprise.hub.git_url`.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from reprise.base.errors import InvalidId, InvalidInput
from reprise.base.ids import RepoId, RepoType, check_path, is_commit
from reprise.hub.git_url import HOST, file_safe, folder_url, is_git_url, parse_git_url

SOURCES = ("hub", "github", "git", "local")
GITHUB = "https://github.com"
_GRAMMAR = "Write owner/name, owner/name:branch-or-tag, owner/name@commit or ./folder."
# GitHub's names are a little wider than a hub's: `.github`, `a--b`.
_GITHUB_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}")
# What git itself refuses in a ref name, and what would need quoting in a shell.
_BAD_REVISION = re.compile(r"[\x00-\x20\x7f~^:?*\[\\\ud800-\udfff]|\.\.|@\{|//|^[-/]|[/.]$|\.lock$")
_MAX_REVISION = 250
_LOOPBACK = frozenset({"localhost", "127.0.0.1"})
_MAX_SHOWN = 200  # characters of somebody's input in a message


@dataclass(frozen=True)
class Address:
    """A repo on some hub, at the revision the caller asked for."""

    endpoint: str  # base URL: https://huggingface.co
    repo_id: RepoId
    revision: str | None = None  # None: the default branch
    subfolder: str = ""
    kind: str = "hub"  # hub, github, git
    repo_type: RepoType = RepoType.MODEL
    remote: str = ""  # of kind git only: the URL that git is given

    @property
    def host(self) -> str:
        """The endpoint as one path part: equal only for equal endpoints.

        Example:
            >>> Address("https://huggingface.co", RepoId("o", "n")).host
            'huggingface.co'
            >>> Address("http://localhost:8000", RepoId("o", "n")).host
            'localhost+8000+http'
        """
        parts = urlsplit(self.endpoint)
        port = f"+{parts.port}" if parts.port else ""
        scheme = "" if parts.scheme == "https" else f"+{parts.scheme}"
        path = parts.path.rstrip("/")
        # "+" cannot stand in a host name and the quoted path starts with %2F, so nothing collides.
        if self.kind != "git":
            return f"{parts.hostname}{port}{scheme}{'+' + quote(path, safe='') if path else ''}"
        user = f"{parts.username}@" if parts.username else ""
        below = f"+{file_safe(path)}" if path else ""
        return f"{user}{parts.hostname or ''}{port}+git+{parts.scheme}{below}"

    @property
    def place(self) -> tuple[str, str, str]:
        """Host, owner and name as names of folders; the owner may be empty.

        Hubs and GitHub do not tell capitals from small letters in ids; git servers may. A metric
        or data set may be called like a model, so its type follows; "+" stands in no name.
        """
        owner, name = self.repo_id.owner, self.repo_id.name
        if self.kind == "git":
            return self.host, file_safe(owner), file_safe(name)
        kind = "" if self.repo_type is RepoType.MODEL else f"+{self.repo_type}"
        return self.host, owner.lower(), name.lower() + kind

    @property
    def key(self) -> str:
        """Host, owner and name: what consent and cache are filed under."""
        return "/".join(filter(None, self.place))

    def at(self, commit: str) -> "Address":
        """The same repo, pinned to a commit."""
        return replace(self, revision=commit)

    def page(self, commit: str) -> str:
        """URL of the page that shows the repo's files at a commit, or the command that gets them.

        Git servers have no pages, or nobody knows where.
        """
        if self.kind == "git":
            return f"reprise download {self.at(commit)}"
        return f"{self.endpoint}/{self.repo_type.url_prefix}{self.repo_id}/tree/{commit}"

    @property
    def server(self) -> str:
        """What errors call the place that was asked."""
        return self.remote or self.endpoint

    def __str__(self) -> str:
        revision = f"@{self.revision}" if is_commit(self.revision or "") else ""
        if self.revision and not revision:
            revision = f":{self.revision}"
        name = str(self.repo_id)
        if self.remote:
            # GitHub's archives are another place: `git+` says that git is meant.
            name = f"git+{self.remote}" if self.remote.startswith("http") else self.remote
        return f"{name}{revision}{'#' + self.subfolder if self.subfolder else ''}"


@dataclass(frozen=True)
class LocalFolder:
    """A folder on this machine, used as it is."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


def parse(
    text: str, *, source: str = "hub", endpoint: str, github: str = GITHUB
) -> Address | LocalFolder:
    """Read what somebody typed.

    Args:
        text: An address, the URL of a repo's page or of a git repo, or a folder's path. A path is
            taken for a folder when it starts with `.`, `/` or `~`, or names a folder with a
            `hubconf.py`.
        source: `hub`, `github`, `git` or `local`. `git` fetches with git from wherever it is,
            also from a git repo in a folder.
        endpoint: Base URL of the hub in use, for addresses without a host.
        github: Base URL of the GitHub in use: github.com, or a company's own.

    Raises:
        InvalidId: The text breaks the grammar; the message shows it.
        InvalidInput: Unknown source, or no such folder.
    """
    if source not in SOURCES:
        raise InvalidInput(f"Unknown source {source!r}; use one of {', '.join(SOURCES)}.")
    if not isinstance(text, str) or not text.strip():
        raise InvalidId(f"A repo must be a non-empty text, not {text!r}. {_GRAMMAR}")
    if source == "local" or (_is_folder(text) and source != "git"):
        return LocalFolder(_existing_folder(text))
    bases = _Bases(check_endpoint(endpoint), check_endpoint(github))
    if source == "git" or (is_git_url(text) and not _is_github_page(text, source, bases)):
        return _from_git(text, bases.hub)
    if text.startswith(("https://", "http://")):
        return _from_url(text, source, bases)
    return _from_grammar(text, source, bases)


@dataclass(frozen=True)
class _Bases:
    """Base URLs of what is in use."""

    hub: str
    github: str

    def is_github(self, netloc: str) -> bool:
        return netloc.lower() in {urlsplit(GITHUB).netloc, urlsplit(self.github).netloc.lower()}


def check_endpoint(endpoint: str) -> str:
    """Return the base URL of a hub without a trailing slash.

    Raises:
        InvalidInput: It is no such URL.
    """
    parts = urlsplit(endpoint)
    if parts.scheme not in {"http", "https"} or not HOST.fullmatch(parts.netloc):
        raise InvalidInput(
            f"{endpoint[:_MAX_SHOWN]!r} is not the address of a hub.",
            hint="HF_ENDPOINT, REPRISE_GITHUB and --endpoint want a URL such as "
            "https://hub.example.org.",
        )
    return endpoint.rstrip("/")


def check_revision(revision: str) -> str:
    """Return a branch, tag, other ref or commit that git would accept.

    Raises:
        InvalidId: It would not.
    """
    if not revision or len(revision) > _MAX_REVISION or _BAD_REVISION.search(revision):
        raise InvalidId(f"{revision[:_MAX_SHOWN]!r} cannot be a revision: not a branch, tag or ref")
    return revision


def _is_folder(text: str) -> bool:
    if text in {".", ".."} or text.startswith(("./", "../", "/", "~")):
        return True
    try:
        return (Path(text) / "hubconf.py").is_file()
    except (OSError, ValueError):  # too long for a path, or a null byte: no folder
        return False


def _existing_folder(text: str) -> Path:
    try:
        path = Path(text).expanduser()
        found = path.is_dir()
    except (OSError, ValueError, RuntimeError):
        found = False
    if not found:
        raise InvalidInput(f"There is no folder {text[:_MAX_SHOWN]!r}.")
    return path.resolve()


def _from_git(text: str, endpoint: str) -> Address:
    """Read the URL of a git repo, a folder that holds one, or `[host:]owner/name`."""
    rest, hash_sign, subfolder = text.partition("#")
    if hash_sign:
        check_path(subfolder)
    found = parse_git_url(_git_url(rest, endpoint))
    sign, revision = found.rest[:1], found.rest[1:]
    return Address(
        found.base,
        RepoId(found.owner, found.name),
        _read_revision(sign, revision),
        subfolder,
        kind="git",
        remote=found.remote,
    )


def _git_url(text: str, endpoint: str) -> str:
    if "://" in text or is_git_url(text):
        return text
    if _is_folder(text):
        path, sign, revision = _split_revision(text)
        return f"{folder_url(_existing_folder(path))}{sign}{revision}"
    head, slash, tail = text.partition("/")
    host, _, owner = head.rpartition(":")
    if not slash or "::" in text:
        raise InvalidId(f"{text[:_MAX_SHOWN]!r} names no git repo. {_GRAMMAR}")
    base = f"{_scheme_of(host)}://{host}" if host else endpoint
    return f"{base}/{owner}/{tail}"


def _is_github_page(url: str, source: str, bases: _Bases) -> bool:
    """Tell whether a URL, though git could take it, is better asked of GitHub's archives."""
    is_web = url.startswith(("https://", "http://"))
    return is_web and (source == "github" or bases.is_github(urlsplit(url).netloc))


def _from_grammar(text: str, source: str, bases: _Bases) -> Address:
    rest, hash_sign, subfolder = text.partition("#")
    if hash_sign:
        check_path(subfolder)
    head, slash, tail = rest.partition("/")
    if not slash:
        head, tail = "", rest  # a legacy id such as gpt2
    host, _, owner = head.rpartition(":")
    name, sign, revision = _split_revision(tail.removesuffix(":"))  # torch.hub takes it, too
    address = _at_host(host, source, bases)
    return replace(
        address,
        repo_id=_read_id(f"{owner}/{name}" if slash else name, address.kind),
        revision=_read_revision(sign, revision),
        subfolder=subfolder,
    )


def _read_id(text: str, kind: str) -> RepoId:
    if kind == "github" and _GITHUB_ID.fullmatch(text) and not text.endswith(("/.", "/..")):
        owner, _, name = text.partition("/")
        return RepoId(owner, name)
    if kind == "github" and "/" not in text:  # only hubs have names without an owner
        raise InvalidId(f"{text[:_MAX_SHOWN]!r} names no owner. {_GRAMMAR}")
    try:
        return RepoId.parse(text)
    except InvalidId as error:
        raise InvalidId(f"{error} {_GRAMMAR}") from None


def _split_revision(tail: str) -> tuple[str, str, str]:
    found = re.search(r"[@:]", tail)
    if found is None:
        return tail, "", ""
    return tail[: found.start()], found[0], tail[found.end() :]


def _read_revision(sign: str, revision: str) -> str | None:
    if not sign:
        return None
    if sign == "@" and not is_commit(revision.lower()):
        shown = revision[:_MAX_SHOWN]
        raise InvalidId(
            f"{shown!r} is not a commit: 40 hex digits follow '@'. "
            f"For a branch or tag write ':{shown}'."
        )
    if is_commit(revision.lower()):
        return revision.lower()
    return check_revision(revision)


def _at_host(host: str, source: str, bases: _Bases) -> Address:
    nobody = RepoId("", "_")
    if not host:
        if source == "github":
            return Address(bases.github, nobody, kind="github")
        return Address(bases.hub, nobody)
    if not HOST.fullmatch(host):
        raise InvalidId(f"{host[:_MAX_SHOWN]!r} is not a host name. {_GRAMMAR}")
    host = host.lower()
    if host == urlsplit(bases.github).netloc.lower():
        return Address(bases.github, nobody, kind="github")
    if source == "github" or bases.is_github(host):
        return Address(f"{_scheme_of(host)}://{host}", nobody, kind="github")
    if host == urlsplit(bases.hub).netloc.lower():
        return Address(bases.hub, nobody)
    return Address(f"{_scheme_of(host)}://{host}", nobody)


def _scheme_of(host: str) -> str:
    return "http" if host.partition(":")[0].lower() in _LOOPBACK else "https"


def _from_url(url: str, source: str, bases: _Bases) -> Address:
    """Read the address of a repo's page, as copied from a browser."""
    parts = urlsplit(url)
    if parts.username or not HOST.fullmatch(parts.netloc):
        raise InvalidId(f"{url[:_MAX_SHOWN]!r} is not the URL of a repo. {_GRAMMAR}")
    segments = [unquote(part) for part in parts.path.strip("/").split("/")]
    match segments:
        case [owner, name]:
            revision = None
        case [owner, name, "tree" | "commit", *rest] if rest:
            revision = _read_revision(":", "/".join(rest))
        case _:
            raise InvalidId(
                f"{url[:_MAX_SHOWN]!r} is not the URL of a repo: https://host/owner/name."
            )
    kind = "github" if source == "github" or bases.is_github(parts.netloc) else "hub"
    endpoint = f"{parts.scheme}://{parts.netloc.lower()}"
    repo_id = _read_id(f"{owner}/{name.removesuffix('.git') if kind == 'github' else name}", kind)
    subfolder = check_path(parts.fragment) if parts.fragment else ""
    return Address(endpoint, repo_id, revision, subfolder, kind)
