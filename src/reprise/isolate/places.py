"""Paths that nearly every program needs, and how each level offers them."""

import sys
from pathlib import Path

# Libraries and programs of the system, and the few settings the C library reads.
SYSTEM = (
    "/bin", "/lib", "/lib32", "/lib64", "/usr/bin", "/usr/lib", "/usr/lib32", "/usr/lib64",
    "/usr/local/bin", "/usr/local/lib", "/usr/libexec", "/usr/share/zoneinfo", "/usr/share/locale",
    "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime",
    "/etc/alternatives", "/sys/devices/system/cpu", "/sys/devices/system/node",
)  # fmt: skip
# What network programs read on top.
NETWORK = (
    "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/ssl", "/etc/services",
    "/etc/gai.conf", "/usr/share/ca-certificates",
)  # fmt: skip
# Of /proc, facts about the machine, not about its processes.
PROC = ("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/filesystems", "/proc/version",
        "/proc/sys/kernel/osrelease", "/proc/sys/vm/overcommit_memory")  # fmt: skip
DEVICES_READ = ("/dev/urandom", "/dev/random")
DEVICES_WRITE = ("/dev/null", "/dev/zero", "/dev/full")


def existing(names: tuple[str, ...]) -> list[str]:
    """Return those paths that exist on this machine."""
    return [name for name in names if Path(name).exists()]


def interpreter_paths(python: Path | None = None, *, base: Path | None = None) -> tuple[Path, ...]:
    """Return what a Python interpreter needs to read.

    Args:
        python: The interpreter of an environment; by default the running one.
        base: Its base installation; by default the running one's.
    """
    home = base or Path(sys.base_prefix)
    environment = python.parent.parent if python else Path(sys.prefix)
    return (environment,) if home == Path("/usr") else (environment, home)
