"""Unpack a ZIP archive of a commit that a stranger made.

Everything is checked before the first byte is written: no entry may leave the folder, shadow
another, or pretend to be smaller than it is. Files are written first and links last, so nothing
is ever written through a link.
"""

import os
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path

from reprise.base.errors import CorruptContent, InvalidId, TooLarge
from reprise.base.ids import check_path
from reprise.hub.content import MAX_FILES
from reprise.hub.placing import MAX_LINK, make_executable, make_links

MAX_UNPACKED = 8 << 30  # bytes; far above any repo of code, far below a disk
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


def unpack(
    archive: Path, into: Path, *, limit: int = MAX_UNPACKED, max_files: int = MAX_FILES
) -> list[str]:
    """Unpack an archive whose entries lie in one root folder; the root folder is dropped.

    Args:
        archive: The ZIP file.
        into: An empty folder.
        limit: Largest sum of file sizes, in bytes.
        max_files: Largest number of files.

    Returns:
        The paths of what was written, sorted.

    Raises:
        CorruptContent: The archive is damaged, or no honest one.
        TooLarge: More files or bytes than allowed.
        InvalidId: An entry's name would leave the folder.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = _members(opened, limit, max_files)
            files = [member for member in members if not member.is_link]
            for member in files:
                _write(opened, member, into)
            texts = {m.path: _link_text(opened, m) for m in members if m.is_link}
            links = make_links(texts, into)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError) as error:
        raise CorruptContent(f"The archive cannot be unpacked: {error}") from error
    return sorted([*(member.path for member in files), *links])


def _members(opened: zipfile.ZipFile, limit: int, max_files: int) -> list[Member]:
    infos = [info for info in opened.infolist() if not info.is_dir()]
    if len(infos) > max_files:
        raise TooLarge(f"The archive has more than {max_files} files.")
    if sum(info.file_size for info in infos) > limit:
        raise TooLarge(f"The archive unpacks to more than {limit} bytes.")
    root = opened.infolist()[0].filename.partition("/")[0] if infos else ""
    found: dict[str, Member] = {}
    folders: set[str] = set()
    for info in infos:
        path = _inside(info.filename, root)
        if info.flag_bits & _ENCRYPTED or path in found:
            raise CorruptContent(f"The archive is broken at {info.filename!r}.")
        found[path] = Member(path, info, _mode(info))
        parts = path.split("/")
        folders.update("/".join(parts[:n]) for n in range(1, len(parts)))
    if clash := sorted(found.keys() & folders):
        raise CorruptContent(f"The archive holds {clash[0]!r} as a file and as a folder.")
    return [member for path, member in found.items() if "__pycache__" not in path.split("/")]


def _inside(name: str, root: str) -> str:
    """Return an entry's path below the root folder that all entries share."""
    head, _, path = name.partition("/")
    if head != root or root in {"", ".", ".."} or not path:
        raise InvalidId(f"The archive's entry {name!r} lies outside its root folder {root!r}.")
    return check_path(path)


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
    if member.mode & 0o111:
        make_executable(target)


def _link_text(opened: zipfile.ZipFile, member: Member) -> bytes:
    if member.info.file_size > MAX_LINK:
        raise CorruptContent(f"The link {member.path!r} is longer than any path.")
    return opened.read(member.info)
