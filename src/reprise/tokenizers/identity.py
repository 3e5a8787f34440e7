"""What names a folder's tokenizer in locks: the fingerprint of its data."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from reprise.base.errors import CorruptContent, RepriseError

# One of these is there wherever a tokenizer is.
_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.*",
    "*.model",
    "*.tiktoken",
    "merges.txt",
)


def is_likely(paths: Iterable[str]) -> bool:
    """Tell by the paths of a repo whether it may have a tokenizer."""
    return any(fnmatchcase(path, pattern) for path in paths for pattern in _FILES)


def fingerprint_of(folder: Path) -> str | None:
    """Return the fingerprint of the tokenizer in a folder; None where none can be read."""
    if not is_likely(path.name for path in folder.iterdir()):
        return None
    from reprise.tokenizers import AutoTokenizer

    try:
        found: str = AutoTokenizer.from_pretrained(folder).fingerprint()
    except RepriseError:  # a file of another kind, or a tokenizer that is not known here
        return None
    return found


def check_fingerprint(name: str, locked: str | None, found: str | None) -> None:
    """Hold a tokenizer against what a lock has.

    Raises:
        CorruptContent: It is read otherwise than when it was locked.
    """
    if locked is not None and locked != found:
        raise CorruptContent(
            f"The tokenizer of {name} is {(found or 'none')[:12]}, and {locked[:12]} was locked.",
            hint="The files are the same, so they are read otherwise than then: compare versions "
            "of Reprise, or lock again with --upgrade.",
        )
