"""Files of a commit out of a bare git repo, without ever making a working tree.

A checkout would run filters, follow links and obey `.gitattributes`. Reading objects does not.
"""

import logging
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from reprise.base.errors import CorruptContent, TooLarge
from reprise.hub.content import MAX_FILES, ListedFile, check_listing, git_blob_id
from reprise.hub.placing import MAX_LINK, flush, make_executable, make_links
from reprise.hub.sources.archive import MAX_UNPACKED
from reprise.hub.sources.git_command import Git

log = logging.getLogger("reprise.hub")

LINK = 0o120000
_SUBMODULE = 0o160000
_EXECUTABLE = 0o111
_FIELDS = 3  # "<oid> <type> <size>"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Tree:
    """What a commit holds."""

    git: Git
    repo: Path  # bare
    files: list[ListedFile]  # links too; without submodules and compiled Python

    def read_small(self, files: list[ListedFile]) -> Iterator[tuple[ListedFile, bytes]]:
        """Read files, each in one piece, its id compared with its bytes."""
        with self._blobs() as ask:
            for file in files:
                source = ask(file)
                data = source.read(file.size)
                source.read(1)  # a line feed ends it
                if git_blob_id(data) != file.oid:
                    raise CorruptContent(f"git returned other bytes for {file.path!r}.")
                yield file, data

    def place(self, files: list[ListedFile], into: Path) -> None:
        """Write files into an empty folder."""
        for parent in {(into / file.path).parent for file in files}:
            parent.mkdir(parents=True, exist_ok=True)
        plain = [file for file in files if file.mode != LINK]
        with self._blobs() as ask:
            for file in plain:
                _write(ask(file), file, into / file.path)
        for file in plain:
            if not file.matches(into / file.path):
                raise CorruptContent(f"git returned other bytes for {file.path!r}.")
            if file.mode & _EXECUTABLE:
                make_executable(into / file.path)
        links = [file for file in files if file.mode == LINK]
        if too_long := [file.path for file in links if file.size > MAX_LINK]:
            raise CorruptContent(f"The link {too_long[0]!r} is longer than any path.")
        make_links({file.path: data for file, data in self.read_small(links)}, into)
        flush(into / file.path for file in plain)

    @contextmanager
    def _blobs(self) -> Iterator["_Ask"]:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            self.git.command("cat-file", "--batch", folder=self.repo),
            env=self.git.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            with process:
                assert process.stdin is not None
                assert process.stdout is not None
                yield _Ask(process.stdin, process.stdout)
        finally:
            process.kill()


@dataclass(frozen=True)
class _Ask:
    """Ask for one blob after the other; what is returned stands at the first byte."""

    questions: IO[bytes]
    answers: IO[bytes]

    def __call__(self, file: ListedFile) -> IO[bytes]:
        self.questions.write(f"{file.oid}\n".encode())
        self.questions.flush()
        if self.answers.readline() != f"{file.oid} blob {file.size}\n".encode():
            raise CorruptContent(f"The repo lacks the content of {file.path!r}.")
        return self.answers


def read_tree(git: Git, repo: Path, commit: str) -> Tree:
    """List the files of a commit that was fetched into a bare repo.

    Files whose content was not fetched are left out.

    Raises:
        CorruptContent, InvalidId: No honest commit is like this.
        TooLarge: More files or bytes than a snapshot may hold.
    """
    listed = git.run("ls-tree", "-r", "-z", "--full-tree", commit, folder=repo)
    lines = listed.split(b"\0")[:-1]
    if len(lines) > MAX_FILES:
        raise TooLarge(f"The repo has more than {MAX_FILES} files.")
    found = [_entry(line) for line in lines]
    for path in (path for path, mode, _ in found if mode == _SUBMODULE):
        log.warning("Left out the submodule %s: it is a repo of its own", path)
    blobs = [item for item in found if item[1] != _SUBMODULE]
    sizes = _sizes(git, repo, {oid for _, _, oid in blobs})
    files = check_listing(
        [
            ListedFile(path, sizes[oid], oid=oid, mode=mode)
            for path, mode, oid in blobs
            if oid in sizes
        ]
    )
    if sum(file.size for file in files) > MAX_UNPACKED:
        raise TooLarge(f"The repo's files take more than {MAX_UNPACKED} bytes.")
    return Tree(git, repo, files)


def _entry(line: bytes) -> tuple[str, int, str]:
    about, _, path = line.partition(b"\t")
    mode, _, oid = about.decode().split(" ")
    return path.decode("utf-8", "surrogateescape"), int(mode, 8), oid


def _sizes(git: Git, repo: Path, oids: set[str]) -> dict[str, int]:
    questions = "".join(f"{oid}\n" for oid in sorted(oids)).encode()
    answers = git.run("cat-file", "--batch-check", folder=repo, stdin=questions)
    fields = (line.split(" ") for line in answers.decode().splitlines())
    return {found[0]: int(found[2]) for found in fields if len(found) == _FIELDS}


def _write(source: IO[bytes], file: ListedFile, target: Path) -> None:
    left = file.size
    with target.open("xb") as written:
        while left:
            block = source.read(min(left, _BLOCK))
            if not block:
                raise CorruptContent(f"git ended within {file.path!r}.")
            written.write(block)
            left -= len(block)
    source.read(1)  # a line feed ends it
