"""The seccomp filter, assembled as classic BPF."""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from . import syscalls

# BPF opcodes (linux/bpf_common.h) and offsets in struct seccomp_data.
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _AND, _RETURN = (
    0x20,
    0x15,
    0x35,
    0x45,
    0x54,
    0x06,
)
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000

_NAMESPACES = 0x7E020000  # CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_O_ACCESS_MODE, _O_TRUNC = 0o3, 0o1000
_TIOCSTI, _TIOCLINUX, _FIOSETOWN, _SIOCSPGRP = 0x5412, 0x541C, 0x8901, 0x8902
_F_SETOWN, _F_SETOWN_EX = 8, 15
_PR_SET_DUMPABLE = 4

# First Landlock ABI that mediates truncation, and signals together with abstract sockets.
ABI_TRUNCATE, ABI_SCOPES = 3, 6

Instruction = tuple[int, int, int, int]


@dataclass(frozen=True)
class Rules:
    """What a filter has to cover, because nothing else does.

    Attributes:
        network: Whether IPv4 and IPv6 sockets are allowed.
        landlock_abi: Version of Landlock in force; 0 when a mount namespace hides all other files
            and a process namespace all other processes.
        pid: The confined process, which may signal itself.
    """

    network: bool
    landlock_abi: int
    pid: int = 0


def build(rules: Rules, machine: str | None = None) -> bytes:
    """Assemble the filter: an array of `struct sock_filter`.

    Everything that is not named is allowed up to `FIRST_UNKNOWN`, the rest does not exist.

    Raises:
        KeyError: The architecture is unknown.
    """
    machine = machine or platform.machine()
    audit, _ = syscalls.ARCHITECTURES[machine]
    code: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_AT_LEAST, 0, 1, syscalls.FIRST_UNKNOWN),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
    ]
    for name, body in _bodies(rules):
        number = syscalls.number(name, machine)
        if number is not None:
            code += [(_JUMP_EQUAL, 0, len(body), number), *body]
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("HBBI", *instruction) for instruction in code)


def install(program: bytes) -> None:
    """Put the filter on the calling process; it stays for ever and across exec.

    Raises:
        OSError: The kernel refused. `PR_SET_NO_NEW_PRIVS` must be set first.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    array = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(array))
    set_seccomp, mode_filter = 22, 2
    if libc.prctl(set_seccomp, mode_filter, header, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"seccomp: {os.strerror(code)}")


def _bodies(rules: Rules) -> Iterable[tuple[str, list[Instruction]]]:
    """Yield each judged call with what to do; every path through a body ends in a return."""
    yield "socket", _socket(rules)
    yield "clone", _unless_any_bit(0, _NAMESPACES, errno.EPERM)
    yield "prlimit64", _only_equal(0, [0])
    yield "setpriority", _only_equal(1, [0])
    yield "ioctl", _all_but(1, _ioctls(rules))
    # An undumpable process would hide its open files and memory from the supervisor.
    yield "prctl", _all_but(0, [_PR_SET_DUMPABLE], code=0)
    for name in sorted(syscalls.FORBIDDEN):
        yield name, _fail(errno.EPERM)
    for name in sorted(syscalls.ABSENT):
        yield name, _fail(errno.ENOSYS)
    if rules.landlock_abi:
        yield from _metadata()
        yield from _older_landlock(rules)


def _metadata() -> Iterable[tuple[str, list[Instruction]]]:
    for name in sorted(syscalls.METADATA_FORBIDDEN):
        yield name, _fail(errno.EPERM)
    for name in sorted(syscalls.METADATA_PRETENDED):
        yield name, _fail(0)


def _older_landlock(rules: Rules) -> Iterable[tuple[str, list[Instruction]]]:
    """Yield what older kernels' Landlock leaves open."""
    if rules.landlock_abi < ABI_TRUNCATE:
        yield "truncate", _fail(errno.EACCES)
        yield "open", _no_read_only_truncation(1)
        yield "openat", _no_read_only_truncation(2)
    if rules.landlock_abi < ABI_SCOPES:
        for name in sorted(syscalls.SIGNALS):
            # Oneself and one's own group; children cannot be told from strangers by number.
            yield name, _only_equal(0, [0, rules.pid])
        yield "pidfd_send_signal", _fail(errno.EPERM)
        yield "fcntl", _all_but(1, [_F_SETOWN, _F_SETOWN_EX])


def _socket(rules: Rules) -> list[Instruction]:
    families = [_AF_INET, _AF_INET6, _AF_NETLINK] if rules.network else []
    if not rules.landlock_abi:  # a mount namespace hides the sockets of other programs
        families.append(_AF_UNIX)
    return _only_equal(0, families)


def _ioctls(rules: Rules) -> list[int]:
    typing = [_TIOCSTI, _TIOCLINUX]  # would type into the caller's terminal
    return typing + ([_FIOSETOWN, _SIOCSPGRP] if 0 < rules.landlock_abi < ABI_SCOPES else [])


def _argument(index: int) -> Instruction:
    """Load the low half of an argument; both architectures are little-endian."""
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * index)


def _fail(code: int) -> list[Instruction]:
    return [(_RETURN, 0, 0, _ERRNO | code)]


def _allow() -> Instruction:
    return (_RETURN, 0, 0, _ALLOW)


def _only_equal(index: int, values: list[int]) -> list[Instruction]:
    checks = [item for value in values for item in ((_JUMP_EQUAL, 0, 1, value), _allow())]
    return [_argument(index), *checks, *_fail(errno.EPERM)]


def _all_but(index: int, values: list[int], *, code: int = errno.EPERM) -> list[Instruction]:
    refusals = [item for value in values for item in ((_JUMP_EQUAL, 0, 1, value), *_fail(code))]
    return [_argument(index), *refusals, _allow()]


def _unless_any_bit(index: int, bits: int, code: int) -> list[Instruction]:
    return [_argument(index), (_JUMP_ANY_BIT, 0, 1, bits), *_fail(code), _allow()]


def _no_read_only_truncation(index: int) -> list[Instruction]:
    mask = _O_ACCESS_MODE | _O_TRUNC
    return [
        _argument(index),
        (_AND, 0, 0, mask),
        (_JUMP_EQUAL, 0, 1, _O_TRUNC),
        *_fail(errno.EACCES),
        _allow(),
    ]
