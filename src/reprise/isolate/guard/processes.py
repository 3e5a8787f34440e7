"""What runs below a process, and what it uses, read from /proc."""

import contextlib
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

PAGE = 4096
HIDDEN = 1 << 62  # bytes
_BLOCK = 512  # unit of st_blocks, whatever the file system
_STATUS_FIELD = re.compile(r"^(Uid|Threads|RssAnon|RssShmem):\s+(\d+)", re.MULTILINE)
_PSS_FIELD = re.compile(r"^(Pss_Anon|Pss_Shmem):\s+(\d+) kB", re.MULTILINE)
_TICKS = os.sysconf("SC_CLK_TCK")


def descendants(pid: int) -> list[int]:
    """List the living processes below `pid`, parents before children."""
    found: list[int] = []
    queue = _children(pid)
    while queue:
        child = queue.pop()
        found.append(child)
        queue += _children(child)
    return found


def tasks_of_user(user: int) -> int:
    """Count the processes and threads of a user."""
    pids = (int(entry.name) for entry in os.scandir("/proc") if entry.name.isdecimal())
    fields = (_status(pid) for pid in pids)
    return sum(found.get("Threads", 0) for found in fields if found.get("Uid") == user)


def tasks(pids: Iterable[int]) -> int:
    """Count processes and threads."""
    return sum(_status(pid).get("Threads", 0) for pid in pids)


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the processor time of living processes and of their children that ended."""
    return sum(map(_cpu_ticks, pids)) / _TICKS


def resident_memory(pids: Iterable[int]) -> int:
    """Return bytes of private and shared memory in use; memory that is shared counts often."""
    fields = [_status(pid) for pid in pids]
    return 1024 * sum(found.get("RssAnon", 0) + found.get("RssShmem", 0) for found in fields)


def proportional_memory(pids: Iterable[int]) -> int | None:
    """Return bytes in use with shared memory counted once, or None where it cannot be read."""
    total = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        except OSError:
            return None
        total += 1024 * sum(int(size) for _, size in _PSS_FIELD.findall(text))
    return total


def nameless_files(pids: Iterable[int]) -> tuple[int, int]:
    """Return bytes of memory files and of deleted files that processes hold open."""
    memory: dict[tuple[int, int], int] = {}
    disk: dict[tuple[int, int], int] = {}
    for pid in pids:
        for target, status in _open_files(pid):
            if stat.S_ISREG(status.st_mode) and target.endswith(" (deleted)"):
                place = memory if target.startswith(("/memfd:", "/dev/shm/")) else disk  # noqa: S108
                place[status.st_dev, status.st_ino] = status.st_blocks * _BLOCK
    return sum(memory.values()), sum(disk.values())


def folder_size(folder: str) -> int:
    """Return bytes that a folder occupies, each file counted with at least one page.

    A million empty files fill a disk too. What hides from being counted, in folders that cannot be
    read or lie too deep, counts as more than any limit.
    """
    total = 0
    stack = [folder]
    while stack:
        path = stack.pop()
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(entry.path)
                    blocks = entry.stat(follow_symlinks=False).st_blocks
                    total += max(blocks * _BLOCK, PAGE)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return HIDDEN
    return total


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in os.scandir(f"/proc/{pid}/task"):
            found += map(int, Path(f"{thread.path}/children").read_text().split())
    return found


def _status(pid: int) -> dict[str, int]:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return {}
    return {name: int(value) for name, value in _STATUS_FIELD.findall(text)}


def _cpu_ticks(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    # After the name in parentheses, which may hold anything: utime, stime, cutime, cstime.
    return sum(map(int, text.rpartition(")")[2].split()[11:15]))


def _open_files(pid: int) -> Iterable[tuple[str, os.stat_result]]:
    try:
        entries = list(os.scandir(f"/proc/{pid}/fd"))
    except OSError:
        return
    for entry in entries:
        with contextlib.suppress(OSError):  # closed meanwhile
            yield os.readlink(entry.path), entry.stat()  # noqa: PTH115 - hot
