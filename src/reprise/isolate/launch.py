"""How a worker is to be started: a plain value, which can be pickled and compared."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from reprise.isolate.limits import GIB, Level, Limits
from reprise.isolate.places import interpreter_paths

_OWN = ("PYTHON", "VIRTUAL_ENV", "CONDA_", "LD_LIBRARY_PATH")
# How many cores to use is the caller's choice, trusted or not.
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
PROGRAM = Path(__file__).parent / "inside"

# For code that nobody trusts. A worker lives long, so only what it does at once is limited.
UNTRUSTED = Limits(
    memory=8 * GIB, cpu_seconds=None, processes=512, disk=4 * GIB, file_size=4 * GIB,
    open_files=4096, wall_seconds=None,
)  # fmt: skip
# For code that is trusted but needs another environment: it may do what its caller may do.
TRUSTED = Limits(
    memory=None, cpu_seconds=None, processes=None, disk=None, file_size=None, open_files=None,
    wall_seconds=None, network=True,
)  # fmt: skip


@dataclass(frozen=True)
class Launch:
    """What makes one worker different from another.

    Attributes:
        python: Its interpreter, usually that of an environment.
        base: Base installation of that interpreter, which it reads its standard library from.
        limits: What it may use.
        level: How strongly it is confined; None for the strongest this machine has, Level.NONE
            for code that is trusted.
        env: Environment variables on top of the scrubbed environment.
        inherits: Whether the caller's environment and working folder apply too: for trusted code.
        modules: Imported before the worker says that it is ready.
        ready_seconds: How long that may take; the first import of an environment reads from disk.
        call_seconds: How long one request may take; None for as long as it needs.
    """

    python: Path
    base: Path
    limits: Limits = UNTRUSTED
    level: Level | None = None
    env: tuple[tuple[str, str], ...] = ()
    inherits: bool = False
    modules: tuple[str, ...] = field(default=("torch",))
    ready_seconds: float = 120
    call_seconds: float | None = 600

    def with_reading(self, *paths: Path) -> "Launch":
        """Return the same launch with more readable paths."""
        return replace(self, limits=self.limits.reading(*paths))

    def environment(self) -> dict[str, str]:
        """Return the variables to add to the scrubbed environment.

        Read when the worker starts, never kept: a launch may be pickled, and tokens must not be.
        """
        threads = {name: os.environ[name] for name in _THREADS if name in os.environ}
        given = threads | dict(self.env)
        if not self.inherits:
            return given
        # Settings of the caller's interpreter would break the other one.
        own = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
        return own | given

    def readable_limits(self) -> Limits:
        """Return the limits with all the interpreter itself has to read."""
        return self.limits.reading(PROGRAM, *interpreter_paths(self.python, base=self.base))
