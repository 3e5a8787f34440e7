"""Where the large files of a repo behind ssh are: the server says, through ssh itself.

`git-lfs-authenticate` (git-lfs, docs/api/server-discovery.md) answers with a web address and the
headers that open it for a while. ssh is started as git starts it, with the user's own settings.
"""

import json
import shlex
from typing import Any
from urllib.parse import unquote, urlsplit

from reprise.base.errors import CorruptContent, NotSupported
from reprise.hub.sources.git_command import Git, GitFailed, run_process
from reprise.hub.url_transfer import check_url


def authenticate(git: Git) -> tuple[str, dict[str, str]]:
    """Ask the server of an ssh remote; return the address of its LFS server and its headers.

    Raises:
        NotSupported: It has none.
        CorruptContent: It answers nonsense.
        InvalidInput: Its address is not of the web.
    """
    arguments = [*_place(git.remote), f"git-lfs-authenticate {_path(git.remote)} download"]
    try:
        said = run_process(_ssh(git, arguments), git.environment(), git.patience)
    except (GitFailed, OSError) as error:
        raise NotSupported(
            f"{git.remote} has large files outside git (LFS) and does not say where: {error}",
            hint="Use the repo's https URL. Listing needs no large files and works.",
        ) from error
    try:
        answer: Any = json.loads(said)
        headers = answer.get("header") or {}
        found = str(answer["href"]), {str(name): str(text) for name, text in headers.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptContent(f"{git.remote} does not answer like an LFS server.") from error
    check_url(found[0])
    return found


def _place(remote: str) -> list[str]:
    """User and host as ssh takes them, with the port before them."""
    if "://" not in remote:
        return [remote.partition(":")[0]]
    parts = urlsplit(remote)
    host = parts.netloc.rpartition(":")[0] if parts.port else parts.netloc
    return ["-p", str(parts.port), host] if parts.port else [host]


def _path(remote: str) -> str:
    path = unquote(urlsplit(remote).path) if "://" in remote else remote.partition(":")[2]
    return shlex.quote(path.removeprefix("/") if path.startswith("/~") else path)


def _ssh(git: Git, arguments: list[str]) -> list[str]:
    """Choose the ssh that git would choose."""
    environment = git.environment()
    command = environment.get("GIT_SSH_COMMAND") or _configured(git)
    if command:  # git hands it to a shell, too
        return ["sh", "-c", f'{command} "$@"', command, *arguments]
    return [environment.get("GIT_SSH") or "ssh", *arguments]


def _configured(git: Git) -> str:
    try:
        return git.run("config", "--get", "core.sshCommand").decode().strip()
    except GitFailed:
        return ""
