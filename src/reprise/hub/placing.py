"""Put files of a stranger's repo into a folder: files first, links last.

Nothing is ever written through a link, and links that lead outside are left out.
"""

import logging
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from reprise.base.errors import CorruptContent

log = logging.getLogger("reprise.hub")

MAX_LINK = 4096  # bytes; the longest path a system takes


def make_executable(target: Path) -> None:
    """Let those run a file who may read it; who that is, the umask has decided."""
    mode = stat.S_IMODE(target.stat().st_mode)
    target.chmod(mode | (mode & 0o444) >> 2)


def make_links(texts: Mapping[str, bytes], into: Path) -> list[str]:
    """Create the links that lead to something inside the folder; others are of no use here.

    All are made before any is judged: where a link leads may depend on another.

    Args:
        texts: Path -> what the link says.
        into: The folder; its files are in place.

    Returns:
        The paths of the links that were kept.

    Raises:
        CorruptContent: A link is empty, holds a null byte, or is longer than any path.
    """
    for path, text in texts.items():
        if len(text) > MAX_LINK:
            raise CorruptContent(f"The link {path!r} is longer than any path.")
        if not text or b"\0" in text:
            raise CorruptContent(f"The link {path!r} has no target.")
        target = into / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(os.fsdecode(text))
    root = os.path.realpath(into)
    useless = [path for path in texts if not _leads_inside(into / path, root)]
    for path in useless:
        (into / path).unlink()
        log.warning("Left out the link %s: it leads outside the repo or nowhere", path)
    return [path for path in texts if path not in useless]


def flush(paths: Iterable[Path]) -> None:
    """Flush files to disk; all at the end, because the first flush takes others' bytes along."""
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _leads_inside(link: Path, root: str) -> bool:
    real = os.path.realpath(link)
    return real.startswith(root + os.sep) and link.exists()
