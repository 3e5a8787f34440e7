"""The real git, driven in folders of the test's own."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.factories import Hub

WHO = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


class GitFailed(AssertionError):
    """git ended with an error; the text is what it printed."""


@dataclass(frozen=True)
class Git:
    """git in one folder."""

    folder: Path

    def __call__(self, *args: object, check: bool = True, stdin: str | bytes | None = None) -> str:
        """Run a command; returns its standard output without the last line feed."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            ["git", *map(str, args)],
            cwd=self.folder, env=os.environ | WHO, input=data, capture_output=True, check=False,
            timeout=100,
        )  # fmt: skip
        if check and done.returncode:
            raise GitFailed((done.stdout + done.stderr).decode("utf-8", "replace"))
        return done.stdout.decode("utf-8", "replace").removesuffix("\n")

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(self, message: str, **files: str | bytes) -> str:
        """Commit files (`a__b` means `a/b`) and return the commit's id."""
        for name, content in files.items():
            self.write(name.replace("__", "/"), content)
        self("add", "-A")
        self("commit", "-q", "--allow-empty", "-m", message)
        return self("rev-parse", "HEAD")

    def head(self) -> str:
        """The id of HEAD."""
        return self("rev-parse", "HEAD")

    def clone(self, url: str, name: str, *options: object) -> "Git":
        """Clone beside or below this folder."""
        self("clone", "-q", *options, url, name)
        return Git(self.folder / name)

    def init(self, name: str, *options: object) -> "Git":
        """Create an empty repo below this folder."""
        self("init", "-q", "-b", "main", *options, name)
        return Git(self.folder / name)


def remote(hub: Hub, repo_id: str, token: str | None = None) -> str:
    """The address of a repo with ada's token in it; an empty token means anonymous."""
    token = hub.token if token is None else token
    host = hub.url.replace("http://", f"http://ada:{token}@") if token else hub.url
    return f"{host}/{repo_id}"
