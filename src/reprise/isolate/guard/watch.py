"""Limits that the kernel does not keep by itself, because they are for all processes together."""

import time
from dataclasses import dataclass, field

from . import processes
from .spec import Spec

_DISK_SECONDS = 0.5
_SHORTEST, _LONGEST = 0.05, 1.0  # seconds between two looks, while busy and while idle
_OWN_TASKS = 4  # bubblewrap's own processes


@dataclass
class Watch:
    """Looks at a tree of processes again and again."""

    spec: Spec
    root: int
    started: float = field(default_factory=time.monotonic)
    peak_memory: int = 0
    pause: float = _SHORTEST
    _cpu: float = 0.0
    _next_disk: float = 0.0

    def breach(self) -> str | None:
        """Return the name of the limit that is exceeded now, or None."""
        elapsed = time.monotonic() - self.started
        if self.spec.wall_seconds is not None and elapsed > self.spec.wall_seconds:
            return "wall_seconds"
        pids = processes.descendants(self.root)
        return self._cpu_breach(pids) or self._memory_breach(pids) or self._disk_breach(pids)

    def seconds_to_next_look(self) -> float:
        """Return how long to sleep: little while the processes compute, longer while they wait."""
        if self.spec.wall_seconds is None:
            return self.pause
        left = self.started + self.spec.wall_seconds - time.monotonic()
        return max(0.0, min(self.pause, left + 0.001))

    def _cpu_breach(self, pids: list[int]) -> str | None:
        cpu = processes.cpu_seconds(pids)
        self.pause = min(self.pause * 2, _LONGEST) if cpu == self._cpu else _SHORTEST
        self._cpu = cpu
        if self.spec.cpu_seconds is not None and cpu > self.spec.cpu_seconds:
            return "cpu_seconds"
        limit = self.spec.processes
        if limit is not None and self.spec.level and processes.tasks(pids) > limit + _OWN_TASKS:
            return "processes"
        return None

    def _memory_breach(self, pids: list[int]) -> str | None:
        in_files, _ = processes.nameless_files(pids)
        used = max(processes.resident_memory(pids), in_files)
        limit = self.spec.memory
        if limit is not None and used > limit:
            exact = processes.proportional_memory(pids)
            used = max(used if exact is None else exact, in_files)
        self.peak_memory = max(self.peak_memory, used)
        return "memory" if limit is not None and used > limit else None

    def _disk_breach(self, pids: list[int]) -> str | None:
        now = time.monotonic()
        if self.spec.disk is None or now < self._next_disk:
            return None
        self._next_disk = now + _DISK_SECONDS
        _, deleted = processes.nameless_files(pids)
        used = deleted + sum(map(processes.folder_size, self.spec.watched))
        return "disk" if used > self.spec.disk else None
