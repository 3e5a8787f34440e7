"""Files of a repo as content: path, size and SHA-256, and one digest over all of them."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from reprise.base.digests import canonical_json, sha256_hex
from reprise.base.errors import InvalidInput

_BLOCK = 1 << 20
_CODE = frozenset({".py", ".pyi", ".so", ".pyd"})
_REQUIREMENTS = frozenset({"pylock.toml", "pyproject.toml", "requirements.txt", "setup.cfg"})
# What people read and tools keep: it changes without changing any number.
_WORDS = frozenset(".md .rst .svg .png .jpg .jpeg .gif .webp .gitattributes .gitignore".split())
_WORDY = frozenset({"license", "licence", "notice", "copying", "reprise.lock"})
_HIDDEN = frozenset({".reprise", ".eval_results", ".git", ".github"})


@dataclass(frozen=True)
class TreeFile:
    """One file: its path in the repo, its size in bytes, its SHA-256."""

    path: str
    size: int
    sha256: str


def digest_of(files: Iterable[TreeFile]) -> str:
    """Return the SHA-256 that stands for some files, whatever order they come in."""
    rows = sorted([file.path, file.size, file.sha256] for file in files)
    return sha256_hex(canonical_json(rows))


def files_of(folder: Path) -> tuple[TreeFile, ...]:
    """Hash all files of a folder, sorted by path; links are read as what they point to.

    Raises:
        InvalidInput: A link points to nothing.
    """
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if ".git" in path.relative_to(folder).parts or "__pycache__" in path.parts:
            continue
        if path.is_symlink() and not path.exists():
            raise InvalidInput(f"{name} is a link to a file that is not there.")
        if path.is_file():
            found.append(TreeFile(name, path.stat().st_size, file_sha256(path)))
    return tuple(sorted(found, key=lambda file: file.path))


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file on disk."""
    state = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            state.update(block)
    return state.hexdigest()


def is_code(path: str) -> bool:
    """Tell whether a file is code, or says which packages code needs."""
    name = PurePosixPath(path)
    return name.suffix.lower() in _CODE or name.name in _REQUIREMENTS


def is_words(path: str) -> bool:
    """Tell whether a file cannot change a number: cards, licences, pictures, claims."""
    name = PurePosixPath(path)
    if name.parts[0] in _HIDDEN or name.name.lower() in _WORDS:
        return True
    return name.suffix.lower() in _WORDS or name.stem.lower() in _WORDY or name.name == ".gitkeep"


def model_files(files: Iterable[TreeFile]) -> tuple[TreeFile, ...]:
    """Select what a model is made of: weights, configuration, vocabulary."""
    return tuple(it for it in files if not is_code(it.path) and not is_words(it.path))


def code_files(files: Iterable[TreeFile]) -> tuple[TreeFile, ...]:
    """Select code and what says which packages it needs."""
    return tuple(it for it in files if is_code(it.path) and not is_words(it.path))
