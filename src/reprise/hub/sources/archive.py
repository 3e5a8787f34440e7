"""Unpack a ZIP archive of a commit that a stranger made.

Everything is checked before the first byte is written: no entry may leave the folder, shadow
another, or pretend to be smaller than it is. Files are written first and links last, so nothing
is ever written through a link.
"""

import logging
import os
import posixpath
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path

from reprise.base.errors import CorruptContent, InvalidId, TooLarge
from reprise.base.ids import check_path
from reprise.hub.content import MAX_FILES

log = logging.getLogger("reprise.hub")

MAX_UNPACKED = 8 << 30  # bytes; far above any repo of code, far below a disk
_MAX_LINK = 4096  # bytes; the longest path a system takes
_BLOCK = 1 << 20
_ENCRYPTED = 0x1


@dataclass(frozen=True)
class Member:
    """One entry of an archive that will be written."""

    path: str  # inside the repo
    info: zipfile.ZipInfo
    mode: int  # as git knows it: 0o644, 0o755 or 0o120000

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.mode)


def unpack(archive: Path, into: Path, *, limit: int = MAX_UNPACKED) -> list[str]:
    """Unpack an archive whose entries lie in one root folder; the root folder is dropped.

    Args:
        archive: The ZIP file.
        into: An empty folder.
        limit: Largest sum of file sizes, in bytes.

    Returns:
        The paths of what was written, sorted.

    Raises:
        CorruptContent: The archive is damaged, or no honest one.
        TooLarge: More files or bytes than allowed.
        InvalidId: An entry's name would leave the folder.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = _members(opened, limit)
            for member in members:
                if not member.is_link:
                    _write(opened, member, into)
            written = {member.path for member in members if not member.is_link}
            written |= {m.path for m in members if m.is_link and _link(opened, m, into)}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError) as error:
        raise CorruptContent(f"The archive cannot be unpacked: {error}") from error
    return sorted(written)


def _members(opened: zipfile.ZipFile, limit: int) -> list[Member]:
    infos = opened.infolist()
    if len(infos) > 2 * MAX_FILES:  # folders count as entries too
        raise TooLarge(f"The archive has more than {MAX_FILES} files.")
    if sum(info.file_size for info in infos) > limit:
        raise TooLarge(f"The archive unpacks to more than {limit} bytes.")
    root = infos[0].filename.partition("/")[0] if infos else ""
    found: dict[str, Member] = {}
    folders: set[str] = set()
    for info in infos:
        path = _inside(info.filename, root)
        if info.flag_bits & _ENCRYPTED or path in found:
            raise CorruptContent(f"The archive is broken at {info.filename!r}.")
        if info.is_dir() or not path:
            folders.add(path.rstrip("/"))
            continue
        found[path] = Member(check_path(path), info, _mode(info))
        parts = path.split("/")
        folders.update("/".join(parts[:n]) for n in range(1, len(parts)))
    if clash := sorted(found.keys() & folders):
        raise CorruptContent(f"The archive holds {clash[0]!r} as a file and as a folder.")
    return [member for path, member in found.items() if "__pycache__" not in path.split("/")]


def _inside(name: str, root: str) -> str:
    if name.rstrip("/") == root and root not in {"", ".", ".."}:
        return ""
    head, slash, path = name.partition("/")
    if head != root or not slash or root in {"", ".", ".."}:
        raise InvalidId(f"The archive's entry {name!r} lies outside its root folder {root!r}.")
    check_path(path.rstrip("/"))
    return path


def _mode(info: zipfile.ZipInfo) -> int:
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        return stat.S_IFLNK
    return 0o755 if mode & 0o111 else 0o644


def _write(opened: zipfile.ZipFile, member: Member, into: Path) -> None:
    target = into / member.path
    target.parent.mkdir(parents=True, exist_ok=True)
    left = member.info.file_size
    with opened.open(member.info) as source, target.open("xb") as file:
        while block := source.read(_BLOCK):
            left -= len(block)
            if left < 0:
                raise CorruptContent(f"{member.path!r} is larger than the archive says.")
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    if left:
        raise CorruptContent(f"{member.path!r} is shorter than the archive says.")
    target.chmod(member.mode)


def _link(opened: zipfile.ZipFile, member: Member, into: Path) -> bool:
    """Create a link that stays inside the folder; others are left out, as useless here."""
    if member.info.file_size > _MAX_LINK:
        raise CorruptContent(f"The link {member.path!r} is longer than any path.")
    text = opened.read(member.info).decode("utf-8", errors="surrogateescape")
    goal = posixpath.normpath(posixpath.join(posixpath.dirname(member.path), text))
    if text.startswith("/") or goal.startswith("../") or goal == ".." or "\0" in text:
        log.warning("Left out the link %s: it points outside the repo", member.path)
        return False
    target = into / member.path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(text)
    # Links may lead through links: only the result counts.
    if not target.resolve().is_relative_to(into.resolve()):
        target.unlink()
        log.warning("Left out the link %s: it leads outside the repo", member.path)
        return False
    return True
