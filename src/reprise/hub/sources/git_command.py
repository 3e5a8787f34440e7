"""Run the real git against servers and repos that nobody vouched for.

git is a careful program with careless habits: it runs hooks and filters, asks for passwords on the
terminal, follows URLs to helpers that run commands, and waits for ever. Nothing of that happens
here: no working tree is ever made, and what remains is switched off below.

The user's own settings stay in force where they say how to reach a server: proxies, certificates,
credential helpers, `insteadOf`.
"""

import os
import re
import shutil
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from reprise.base.errors import HubUnreachable, MissingExtra, TooLarge
from reprise.hub import settings

MAX_PACK = 8 << 30  # bytes on disk; far above any repo of code
_MAX_TEXT = 64 << 20  # bytes of an answer; half a million refs
_KEPT_ERROR = 4 << 10  # bytes at the end of what git says on stderr
_BLOCK = 64 << 10
_LAST_WORDS = 2.0  # seconds for what lies in the pipes of a git that ended
_TICK = 0.1  # seconds between looks at a running git
_HELPER = (
    '!f() { test "$1" = get && '
    'printf "username=%s\\npassword=%s\\n" x-access-token "$REPRISE_GIT_PASSWORD"; }; f'
)
# Nothing of a repo's or a user's that could run, nothing in the background.
_HARMLESS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    "fetch.writeCommitGraph=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "http.followRedirects=initial",
    "init.templateDir=",
)
# What git may speak for a URL's scheme: itself, and what people's `insteadOf` makes of it. Never
# a plainer one than was asked for, never a helper (`ext::`).
_ALLOWED = {
    "https": "https:ssh",
    "http": "http:https:ssh",
    "ssh": "ssh:https",
    "git": "git:https:ssh",
    "file": "file",
}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]")


@dataclass(frozen=True)
class Patience:
    """How long to wait."""

    stall: float = 60.0  # seconds without a byte


class GitFailed(Exception):
    """git ended with an error; the text is what it said, fit for a terminal."""


@dataclass(frozen=True)
class Git:
    """git for one remote.

    Attributes:
        remote: A URL that `reprise.hub.git_url` checked, or an ssh address `user@host:path`.
        password: An access token for the remote's host, and for no other.
        may_ask_helpers: Whether the user's own credential helpers may be asked.
        patience: How long to wait.
    """

    remote: str
    password: str | None = field(default=None, repr=False)
    may_ask_helpers: bool = True
    patience: Patience = Patience()

    @property
    def scheme(self) -> str:
        """How the remote is reached: https, http, ssh, git or file."""
        return urlsplit(self.remote).scheme if "://" in self.remote else "ssh"

    def run(self, *arguments: str, folder: Path | None = None, stdin: bytes = b"") -> bytes:
        """Run a command to its end and return what it printed.

        Args:
            *arguments: Of git, behind its options.
            folder: The bare repo to work in.
            stdin: Given to the command.

        Raises:
            GitFailed: git says no.
            HubUnreachable: Nothing moved for too long.
            TooLarge: More text or more bytes on disk than any honest repo has.
            MissingExtra: There is no git.
        """
        with _Running(self.command(*arguments, folder=folder), self.environment()) as running:
            return running.finish(stdin, folder, self.patience.stall)

    def command(self, *arguments: str, folder: Path | None = None) -> list[str]:
        """Return a command line: git, its options, then the arguments."""
        options = [*_HARMLESS, f"http.lowSpeedTime={int(self.patience.stall)}"]
        options += ["http.lowSpeedLimit=1"]
        if self.password or not self.may_ask_helpers:
            options.append("credential.helper=")
        if self.password:
            options.append(f"credential.{self._origin}.helper={_HELPER}")
        place = [f"--git-dir={folder}"] if folder else []
        flags = [part for option in options for part in ("-c", option)]
        return [find_git(), "--no-replace-objects", *place, *flags, *arguments]

    def environment(self) -> dict[str, str]:
        """Return the environment for git: the user's, without prompts and other repos."""
        own = settings.environment_for_git()
        own.pop("SSH_ASKPASS", None)
        return own | {
            "GIT_ALLOW_PROTOCOL": _ALLOWED[self.scheme],
            "GIT_ASKPASS": "",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "SSH_ASKPASS_REQUIRE": "never",
            "LC_ALL": "C",
            "LANGUAGE": "C",
            "REPRISE_GIT_PASSWORD": self.password or "",
        }

    @property
    def _origin(self) -> str:
        parts = urlsplit(self.remote)
        return f"{parts.scheme}://{parts.netloc}"


def run_process(command: list[str], environment: dict[str, str], patience: Patience) -> bytes:
    """Run another program as git is run: without a terminal, and not for ever.

    Raises:
        GitFailed: It says no.
        HubUnreachable: Nothing moved for too long.
    """
    with _Running(command, environment) as running:
        return running.finish(b"", None, patience.stall)


def find_git() -> str:
    """Return the path of git.

    Raises:
        MissingExtra: There is none.
    """
    found = shutil.which("git")
    if found is None:
        raise MissingExtra(
            "Fetching from a git URL needs git, which is not installed.",
            hint="Install git (https://git-scm.com/downloads), or load the repo from a hub.",
        )
    return found


def readable(said: bytes) -> str:
    """Return what git said as text that cannot steer a terminal: a server may speak through it."""
    return _CONTROL.sub("", said.decode("utf-8", "replace").replace("\r", "\n")).strip()


class _Running:
    """A git of a session of its own, so that its helpers end with it and none finds a terminal."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own command line, a checked URL
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._seen = 0  # bytes read from it so far

    def __enter__(self) -> "_Running":
        return self

    def __exit__(self, *exc: object) -> None:
        self._kill()
        self._process.__exit__(None, None, None)

    def finish(self, stdin: bytes, folder: Path | None, stall: float) -> bytes:
        process, out, err = self._process, bytearray(), bytearray()
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        readers = [
            threading.Thread(target=self._read, args=(process.stdout, out, None), daemon=True),
            threading.Thread(
                target=self._read, args=(process.stderr, err, _KEPT_ERROR), daemon=True
            ),
            threading.Thread(target=_feed, args=(process.stdin, stdin), daemon=True),
        ]
        for reader in readers:
            reader.start()
        self._watch(out, folder, stall)
        for reader in readers:
            reader.join(_LAST_WORDS)  # an ssh that serves later connections keeps stderr open
        if process.returncode:
            raise GitFailed(readable(bytes(err)) or f"git ended with status {process.returncode}")
        return bytes(out)

    def _watch(self, out: bytearray, folder: Path | None, stall: float) -> None:
        before, since = -1, time.monotonic()
        while True:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_TICK)
                break
            size = _size(folder)
            if len(out) > _MAX_TEXT or size > MAX_PACK:
                raise TooLarge("git sends more than any honest repo holds.")
            if self._seen + size != before:
                before, since = self._seen + size, time.monotonic()
            elif time.monotonic() - since > stall:
                raise HubUnreachable(f"git heard nothing for {stall:.0f} seconds.")

    def _read(self, source: IO[bytes], into: bytearray, keep: int | None) -> None:
        while block := source.read1(_BLOCK):  # type: ignore[attr-defined]  # buffered by Popen
            self._seen += len(block)
            if len(into) <= _MAX_TEXT:
                into += block
            if keep is not None:
                del into[:-keep]

    def _kill(self) -> None:
        """End git and all that it started, unless it ended by itself."""
        if self._process.poll() is not None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


def _feed(target: IO[bytes], data: bytes) -> None:
    with suppress(BrokenPipeError), target:  # its status tells why it did not hear all of it
        target.write(data)


def _size(folder: Path | None) -> int:
    """Bytes that lie in a repo; packs on their way have names of their own."""
    if folder is None:
        return 0
    total = 0
    for path in (folder / "objects").rglob("*"):
        try:
            total += path.lstat().st_size
        except FileNotFoundError:
            continue
    return total
