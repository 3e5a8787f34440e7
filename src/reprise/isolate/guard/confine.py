"""What a child does to itself between fork and exec."""

import os
import resource
import signal

from . import filter as seccomp
from . import landlock, privileges
from .processes import tasks_of_user
from .spec import Spec

# Libraries and weights are mapped, stacks and arenas reserved, all without using memory.
ADDRESS_SLACK = 32 << 30
_SECCOMP_FLAG = "--seccomp"


def execute(spec: Spec, user: int | None) -> None:
    """Confine the calling process and become the command; returns only by raising.

    Args:
        spec: What to run.
        user: A transient user to become, or None to stay who we are.

    Raises:
        OSError: A limit, a rule or the command itself was refused.
    """
    os.setsid()
    os.chdir(spec.folder)
    _set_limits(spec, user)
    command = list(spec.command)
    if spec.level == 1:
        _landlock_and_seccomp(spec, user)
    else:
        privileges.die_with_parent(signal.SIGKILL)
    if spec.level == 2:  # noqa: PLR2004 - levels are numbered in the docs
        program = seccomp.build(seccomp.Rules(network=spec.network, landlock_abi=0))
        command[1:1] = [_SECCOMP_FLAG, str(_inherited_file(program))]
    os.execve(command[0], command, spec.env)  # noqa: S606 - running it is the purpose


def _landlock_and_seccomp(spec: Spec, user: int | None) -> None:
    if user is not None:
        privileges.become(user)
    else:
        privileges.drop_capabilities()
    privileges.die_with_parent(signal.SIGKILL)
    privileges.forbid_new_privileges()
    rules = seccomp.Rules(network=spec.network, landlock_abi=spec.landlock_abi, pid=os.getpid())
    program = seccomp.build(rules)
    landlock.restrict(
        [*spec.readable, f"/proc/{os.getpid()}"],
        spec.writable,
        network=spec.network,
        abi=spec.landlock_abi,
    )
    seccomp.install(program)


def _set_limits(spec: Spec, user: int | None) -> None:
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_DATA, spec.memory)
    _limit(resource.RLIMIT_AS, spec.memory and spec.memory + ADDRESS_SLACK)
    # One second between the signal that tells why and the one that cannot be ignored.
    _limit(resource.RLIMIT_CPU, spec.cpu_seconds, grace=1)
    _limit(resource.RLIMIT_FSIZE, spec.file_size)
    _limit(resource.RLIMIT_NOFILE, spec.open_files)
    if spec.processes is not None and spec.level:
        # The kernel counts all tasks of a user, so those outside have to be added.
        others = tasks_of_user(os.getuid()) if user is None else 0
        _limit(resource.RLIMIT_NPROC, others + spec.processes)


def _limit(which: int, value: int | None, *, grace: int = 0) -> None:
    if value is None:
        return
    _, hard = resource.getrlimit(which)
    ceiling = value + grace if hard == resource.RLIM_INFINITY else min(value + grace, hard)
    resource.setrlimit(which, (min(value, ceiling), ceiling))


def _inherited_file(data: bytes) -> int:
    """Return a descriptor that survives exec and reads `data`."""
    handle = os.memfd_create("filter", 0)
    os.write(handle, data)
    os.lseek(handle, 0, os.SEEK_SET)
    return handle
