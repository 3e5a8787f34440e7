"""Ask any git server over HTTP what its branches and tags are, in one request.

Git's protocol version 2, command `ls-refs` (gitprotocol-v2(5)). Unlike hosts' own APIs it needs
no account and has no hourly limit.
"""

import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reprise.base.errors import CorruptContent, RevisionNotFound, TooLarge
from reprise.base.ids import is_commit
from reprise.hub.address import Address

if TYPE_CHECKING:
    import httpx2

log = logging.getLogger("reprise.hub")

_MAX_ANSWER = 64 << 20  # bytes; about half a million refs
_MAX_MOVES = 4  # a renamed repo answers with its new address
_WANTED = "peel|symrefs|ref-prefix HEAD|ref-prefix refs/heads/|ref-prefix refs/tags/".split("|")
_SHORT = 7  # hex digits of a commit, as git shortens them
_LENGTH = 4  # hex digits before each packet, which count themselves
_HEADERS = {
    "Content-Type": "application/x-git-upload-pack-request",
    "Accept": "application/x-git-upload-pack-result",
    "Git-Protocol": "version=2",
}


@dataclass(frozen=True)
class Refs:
    """Names and the commits they mean; annotated tags mean the commit they point to."""

    commits: dict[str, str]  # HEAD, refs/heads/…, refs/tags/…
    default: str = ""  # what HEAD stands for: refs/heads/main

    @property
    def tips(self) -> set[str]:
        """Commits that a branch or tag ends in; other refs may be what strangers proposed."""
        own = ("refs/heads/", "refs/tags/")
        return {c for name, c in self.commits.items() if name == "HEAD" or name.startswith(own)}

    def find(self, revision: str | None) -> str | None:
        """Return the commit of a revision as people write it.

        A branch goes before a tag of the same name, as in torch.hub. Then comes a full name, and
        the beginning of a commit that some branch or tag ends in.
        """
        if revision is None:
            return self.commits.get("HEAD")
        for name in (f"refs/heads/{revision}", f"refs/tags/{revision}", revision):
            if name in self.commits:
                return self.commits[name]
        begun = {commit for commit in self.tips if commit.startswith(revision)}
        is_sure = len(revision) >= _SHORT and len(begun) == 1
        return begun.pop() if is_sure else None

    def is_ambiguous(self, revision: str | None) -> bool:
        """Tell whether a branch and a tag of this name mean different commits."""
        both = [self.commits.get(f"refs/{kind}/{revision}") for kind in ("heads", "tags")]
        return None not in both and both[0] != both[1]

    def names(self) -> list[str]:
        """Return branches and tags as people write them."""
        short = (n.removeprefix("refs/heads/").removeprefix("refs/tags/") for n in self.commits)
        return [name for name in short if name != "HEAD" and not name.startswith("refs/")]


def choose(refs: Refs, address: Address, revision: str | None) -> str:
    """Return the commit that a revision means, and say so when it could mean two.

    Raises:
        RevisionNotFound: It means none; the hint names some that are spelled alike.
    """
    found = refs.find(revision)
    if found is None:
        names = refs.names()
        close = get_close_matches(revision or "", names, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(close)}?" if close else f"It has {len(names)} others."
        raise RevisionNotFound(f"{address} does not exist.", hint=hint)
    if refs.is_ambiguous(revision):
        log.warning(
            "%s is a branch and a tag; taking the branch. refs/tags/%s means the tag.",
            address,
            revision,
        )
    return found


def ls_refs(client: "httpx2.Client", url: str) -> Refs:
    """Ask for HEAD, branches and tags.

    Args:
        client: Knows proxies and credentials.
        url: Of the repo, `https://host/owner/name.git`.

    Raises:
        httpx2.HTTPError: No connection, or a status that is an error.
        CorruptContent: The answer is not git's.
        TooLarge: It has no end.
    """
    body = b"".join([*_lines("command=ls-refs"), b"0001", *_lines(*_WANTED), b"0000"])
    asked = _origin(url)
    for _ in range(_MAX_MOVES):
        request = client.build_request(
            "POST", f"{url}/git-upload-pack", content=body, headers=_HEADERS
        )
        with closing(
            client.send(
                request,
                stream=True,
                auth=client.auth if _origin(url) == asked else None,  # never to another host
                follow_redirects=False,  # a client turns a redirected POST into a GET
            )
        ) as answer:
            if answer.next_request is not None:
                url = str(answer.next_request.url).removesuffix("/git-upload-pack")
                continue
            answer.raise_for_status()
            return _read(_body(answer, url), url)
    raise CorruptContent(f"{url} redirects too often.")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _body(answer: "httpx2.Response", url: str) -> bytes:
    data = bytearray()
    for block in answer.iter_bytes():
        data += block
        if len(data) > _MAX_ANSWER:
            raise TooLarge(f"{url} lists more refs than any repo has.")
    return bytes(data)


def _lines(*texts: str) -> Iterator[bytes]:
    for text in texts:
        yield f"{len(text) + 5:04x}{text}\n".encode()


def _read(data: bytes, url: str) -> Refs:
    commits: dict[str, str] = {}
    default = ""
    for line in _packets(data, url):
        oid, _, rest = line.partition(" ")
        name, *attributes = rest.split(" ")
        found = dict(item.split(":", 1) for item in attributes if ":" in item)
        commit = found.get("peeled", oid)
        if is_commit(commit) and name:
            commits[name] = commit
        if name == "HEAD":
            default = found.get("symref-target", "")
    return Refs(commits, default)


def _packets(data: bytes, url: str) -> Iterator[str]:
    at = 0
    while at + _LENGTH <= len(data):
        try:
            length = int(data[at : at + _LENGTH], 16)
        except ValueError:
            break
        if length == 0:  # a flush packet ends the list
            return
        if length <= _LENGTH or at + length > len(data):
            break
        yield data[at + _LENGTH : at + length].decode("utf-8", errors="replace").rstrip("\n")
        at += length
    raise CorruptContent(f"{url} does not answer like a git server.")
