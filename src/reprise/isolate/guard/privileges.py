"""Give up rights: capabilities, the root user, and gaining any back through exec."""

import ctypes
import os
import random
import struct
from collections.abc import Iterable
from pathlib import Path

_PR_SET_DEATH_SIGNAL, _PR_SET_KEEP_CAPS, _PR_DROP_BOUNDING = 1, 8, 24
_PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS, _PR_AMBIENT = 36, 38, 47
_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAP_VERSION_3 = 0x20080522
_LAST_CAP = 63
# systemd keeps these for users that exist only while a service runs; nobody owns files as one.
_TRANSIENT_USERS = range(61184, 65520)


def transient_user() -> int | None:
    """Return a user id that nothing runs as, or None where the caller cannot become one.

    A user of its own makes the limit on processes exact, and signals to all others impossible.
    """
    if os.geteuid() != 0 or not _is_mapped(_TRANSIENT_USERS[-1]):
        return None
    taken = set(_running_users())
    free = [user for user in _TRANSIENT_USERS if user not in taken]
    return random.SystemRandom().choice(free) if free else None


def become(user: int) -> None:
    """Change from root to `user` for good, keeping one right: to open files as root would.

    The interpreter and the environment may lie in folders only root can enter. Which files can be
    reached at all is Landlock's matter, so call this only before `landlock.restrict`.
    """
    for capability in range(_LAST_CAP + 1):
        if capability != _CAP_DAC_OVERRIDE:
            _prctl(_PR_DROP_BOUNDING, capability, must=False)
    os.setgroups([])
    os.setresgid(user, user, user)
    _prctl(_PR_SET_KEEP_CAPS, 1)
    os.setresuid(user, user, user)
    _set_capabilities(1 << _CAP_DAC_OVERRIDE)
    _prctl(_PR_AMBIENT, _AMBIENT_RAISE, _CAP_DAC_OVERRIDE, must=False)


def take_over(folder: str, user: int) -> None:
    """Give files that a transient user left behind to ourselves; its number is used again."""
    stack = [folder]
    while stack:
        try:
            with os.scandir(stack.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(entry.path)
                    if entry.stat(follow_symlinks=False).st_uid == user:
                        os.chown(entry.path, os.getuid(), os.getgid(), follow_symlinks=False)
        except OSError:
            continue  # gone, or too deep for a path: nobody can reach it by name either


def drop_capabilities() -> None:
    """Give up every capability, for processes that cannot change their user."""
    for capability in range(_LAST_CAP + 1):
        _prctl(_PR_DROP_BOUNDING, capability, must=False)
    _set_capabilities(0)


def forbid_new_privileges() -> None:
    """Make exec of set-user-id files harmless, for this process and all it starts."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def die_with_parent(signal: int) -> None:
    """Receive a signal when the parent ends; a change of user forgets this."""
    _prctl(_PR_SET_DEATH_SIGNAL, signal)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ended."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _set_capabilities(mask: int) -> None:
    """Set the effective, permitted and inheritable sets to `mask`, or to nothing."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = struct.pack("=Ii", _CAP_VERSION_3, 0)
    wanted = struct.pack("=6I", mask, mask, mask, 0, 0, 0)
    if libc.capset(header, wanted) != 0 and libc.capset(header, struct.pack("=6I", *[0] * 6)) != 0:
        raise OSError(ctypes.get_errno(), "capset failed")


def _prctl(option: int, *arguments: int, must: bool = True) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    padded = [ctypes.c_ulong(a) for a in (*arguments, 0, 0, 0, 0)[:4]]
    if libc.prctl(option, *padded) != 0 and must:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl({option}): {os.strerror(code)}")


def _is_mapped(user: int) -> bool:
    """Tell whether a user id exists in this user namespace."""
    try:
        text = Path("/proc/self/uid_map").read_text()
    except OSError:
        return False
    rows = [tuple(map(int, line.split())) for line in text.splitlines()]
    return any(first <= user < first + count for first, _, count in rows)


def _running_users() -> Iterable[int]:
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            try:
                yield entry.stat().st_uid
            except OSError:  # it ended meanwhile
                continue
