"""Compile modules once, so that no worker has to: it may not write beside them anyway."""

import os
from pathlib import Path

from reprise.isolate.interpreter import Interpreter
from reprise.isolate.limits import GIB, Level, Limits
from reprise.isolate.sandbox import run

_LIMITS = Limits(
    memory=4 * GIB, cpu_seconds=3600, processes=None, file_size=None, disk=None,
    wall_seconds=3600,
)  # fmt: skip


def compile_modules(folder: Path, interpreter: Interpreter) -> None:
    """Compile all modules below a folder; what is not valid Python is left alone.

    The interpreter runs without its packages, and compiling runs none of the code. Compiled files
    are trusted without a look at the source: both are read-only from now on.
    """
    workers = min(os.cpu_count() or 1, 8)
    run(
        [interpreter.executable, "-I", "-S", "-m", "compileall", "-q", "-q", "-j", str(workers),
         "--invalidation-mode", "unchecked-hash", str(folder)],
        _LIMITS, level=Level.NONE,
    )  # fmt: skip
