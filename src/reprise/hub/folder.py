"""The files of a folder that belong into a repo."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reprise.base.errors import InvalidInput, TooLarge
from reprise.base.ids import check_path, looks_like_dot_git
from reprise.formats import gitignore

MAX_FILES = 100_000  # what a hub takes in one commit
# Left behind by tools in the folders they work in; nobody wants them published.
_LEFT_OUT = frozenset({"__pycache__", ".DS_Store", ".ipynb_checkpoints"})
_TRANSFER_NOTES = ".cache/huggingface"  # where huggingface_hub keeps notes in a local_dir


@dataclass(frozen=True)
class LocalFile:
    """A file to publish."""

    path: str  # inside the repo
    local_path: Path
    size: int


@dataclass(frozen=True)
class Collected:
    """What a folder holds for a repo, and what was passed over."""

    files: tuple[LocalFile, ...]
    skipped: tuple[str, ...]  # paths that are neither files nor folders; links to folders

    @property
    def size(self) -> int:
        """Bytes in all files."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True)
class _Rules:
    """The `.gitignore` files that are in force in a folder, outermost first."""

    scopes: tuple[tuple[str, gitignore.Ignore], ...] = ()  # (folder with slash, its rules)

    def within(self, folder: Path, prefix: str) -> "_Rules":
        """Add the rules of one more folder."""
        file = folder / gitignore.PATH
        if not file.is_file():
            return self
        rules = gitignore.parse(file.read_text(encoding="utf-8", errors="replace"))
        return _Rules((*self.scopes, (prefix, rules)))

    def ignore(self, path: str, *, is_folder: bool) -> bool:
        """Tell whether a path is left out: the innermost folder that has an opinion decides."""
        for prefix, rules in reversed(self.scopes):
            decision = rules.decides(path.removeprefix(prefix), folder=is_folder)
            if decision is not None:
                return decision
        return False


def collect(folder: str | Path) -> Collected:
    """List what to publish of a folder, sorted by path.

    Left out are git's own folder, `__pycache__` and the like, and what `.gitignore` files say.
    Links to files are followed, links to folders are not.

    Raises:
        InvalidInput: No such folder, or it holds no files.
        InvalidId: A file's name cannot stand in a repo.
        TooLarge: More than `MAX_FILES` files.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise InvalidInput(f"There is no folder {str(folder)!r}.")
    files: list[LocalFile] = []
    skipped: list[str] = []
    for found in _walk(root, "", _Rules()):
        if isinstance(found, str):
            skipped.append(found)
            continue
        files.append(found)
        if len(files) > MAX_FILES:
            raise TooLarge(f"{root} holds more than {MAX_FILES} files; publish them in archives.")
    if not files:
        raise InvalidInput(f"{root} holds no files to publish.")
    return Collected(tuple(sorted(files, key=lambda file: file.path)), tuple(skipped))


def _walk(folder: Path, prefix: str, outer: _Rules) -> Iterator[LocalFile | str]:
    rules = outer.within(folder, prefix)
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda item: item.name):
            path = prefix + entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if _is_left_out(entry.name, path) or rules.ignore(path, is_folder=is_folder):
                continue
            if is_folder:
                yield from _walk(folder / entry.name, f"{path}/", rules)
            else:
                yield _file(folder / entry.name, path)


def _is_left_out(name: str, path: str) -> bool:
    return name in _LEFT_OUT or looks_like_dot_git(name) or path == _TRANSFER_NOTES


def _file(local_path: Path, path: str) -> LocalFile | str:
    try:
        status = local_path.stat()
    except OSError as error:
        raise InvalidInput(f"{local_path} cannot be read: {error.strerror}.") from None
    if not stat.S_ISREG(status.st_mode):
        return path
    return LocalFile(check_path(path), local_path, status.st_size)
