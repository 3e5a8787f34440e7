"""Landlock: which files a process may open, bound to it and to all it starts.

Source: include/uapi/linux/landlock.h and Documentation/userspace-api/landlock.rst of Linux.
"""

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_READING = _EXECUTE | _READ_FILE | _READ_DIR
# ABI -> how many file rights it knows: REFER came with 2, TRUNCATE with 3, IOCTL_DEV with 5.
_RIGHT_COUNTS = {1: 13, 2: 14, 3: 15, 4: 15}
_NEWEST_RIGHT_COUNT = 16
_ABI_NET, _ABI_SCOPES = 4, 6
_BIND_AND_CONNECT_TCP = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


def version() -> int:
    """Return the ABI version that the kernel offers, 0 when Landlock is absent or off."""
    found: int = ctypes.CDLL(None, use_errno=True).syscall(
        _CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG
    )
    return max(found, 0)


def restrict(readable: Iterable[str], writable: Iterable[str], *, network: bool, abi: int) -> None:
    """Allow the calling process these files and folders, and no others, for ever.

    Args:
        readable: May be read and executed, with all that lies below.
        writable: May also be changed, but hold no new device files.
        network: False forbids TCP too, where the ABI can.
        abi: Version to use, at most what `version` returned.

    Raises:
        OSError: A path is missing, or the kernel refused.
    """
    rights = (1 << _RIGHT_COUNTS.get(abi, _NEWEST_RIGHT_COUNT)) - 1
    ruleset = _create(rights, network=network, abi=abi)
    try:
        for path in readable:
            _allow(ruleset, path, rights & _READING)
        for path in writable:
            _allow(ruleset, path, rights & ~_MAKE_CHAR & ~_MAKE_BLOCK)
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _create(rights: int, *, network: bool, abi: int) -> int:
    fields = [rights]
    if abi >= _ABI_NET:
        fields.append(0 if network else _BIND_AND_CONNECT_TCP)
    if abi >= _ABI_SCOPES:
        fields.append(_ABSTRACT_SOCKETS_AND_SIGNALS)
    attributes = struct.pack(f"{len(fields)}Q", *fields)
    return _call(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)


def _allow(ruleset: int, path: str, rights: int) -> None:
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            rights &= _FILE_RIGHTS
        _call(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, handle), 0)
    finally:
        os.close(handle)


def _call(number: int, *arguments: object) -> int:
    result: int = ctypes.CDLL(None, use_errno=True).syscall(number, *arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {os.strerror(code)}")
    return result
