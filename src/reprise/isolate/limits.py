"""What a confined process may use and touch."""

from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path

MIB = 1 << 20
GIB = 1 << 30


class Level(IntEnum):
    """How strongly a process is confined; a higher level includes the lower ones' promises.

    NONE supervises only: limits on resources, and an end for everything that was started.
    RULES adds Landlock, seccomp and, when started by root, a user of its own.
    NAMESPACES adds bubblewrap: other files, processes and sockets do not even exist.
    """

    NONE = 0
    RULES = 1
    NAMESPACES = 2


@dataclass(frozen=True)
class Limits:
    """Limits for one sandbox. None means unlimited.

    Attributes:
        memory: Bytes, for each process and for all together.
        cpu_seconds: Processor time of all processes together.
        processes: Processes and threads at one time.
        file_size: Bytes of the largest single file.
        disk: Bytes in all writable folders together, what was there before included.
        open_files: Open files of each process.
        wall_seconds: From start to end.
        output: Bytes kept of stdout and of stderr; more is read and thrown away.
        network: Whether IPv4 and IPv6 are allowed at all.
        readable: Files and folders to read and execute, besides the system's libraries.
        writable: Files and folders to change, besides a private folder that is deleted at the end.
    """

    memory: int | None = 4 * GIB
    cpu_seconds: int | None = 600
    processes: int | None = 256
    file_size: int | None = 1 * GIB
    disk: int | None = 2 * GIB
    open_files: int | None = 1024
    wall_seconds: float | None = 600
    output: int = 1 * MIB
    network: bool = False
    readable: tuple[Path, ...] = field(default=())
    writable: tuple[Path, ...] = field(default=())

    def reading(self, *paths: Path) -> "Limits":
        """Return the same limits with more readable paths."""
        return replace(self, readable=(*self.readable, *paths))
