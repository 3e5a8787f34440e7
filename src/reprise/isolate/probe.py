"""What this machine can confine with."""

import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from reprise.isolate.guard import landlock, syscalls
from reprise.isolate.limits import Level

_SECONDS = 10


@dataclass(frozen=True)
class Probe:
    """The levels that work here.

    Attributes:
        level: The strongest one.
        landlock_abi: Version of Landlock, 0 without.
        bubblewrap: The program, when it can make namespaces here.
        missing: Why higher levels do not work, one sentence each.
    """

    level: Level
    landlock_abi: int
    bubblewrap: Path | None
    missing: tuple[str, ...]

    def offers(self, level: Level) -> bool:
        """Tell whether a level works here; they do not depend on each other."""
        if level is Level.NAMESPACES:
            return self.bubblewrap is not None
        return level is Level.NONE or (self.landlock_abi > 0 and _filter_works())


def probe() -> Probe:
    """Try out what this machine offers. Takes about 10 ms where bubblewrap is installed."""
    abi = landlock.version() if _filter_works() else 0
    bubblewrap, reason = _bubblewrap()
    missing = [reason] if reason else []
    if not _filter_works():
        missing.append(f"No system-call filter for {platform.system()} {platform.machine()}.")
    elif not abi:
        missing.append("The kernel has no Landlock (Linux 5.13 or newer, enabled at boot).")
    level = Level.RULES if abi else Level.NONE
    if bubblewrap:
        level = Level.NAMESPACES
    return Probe(level, abi, bubblewrap, tuple(missing))


def _filter_works() -> bool:
    return platform.system() == "Linux" and platform.machine() in syscalls.ARCHITECTURES


def _bubblewrap() -> tuple[Path | None, str]:
    found = shutil.which("bwrap")
    if not found or not _filter_works():
        return None, "bubblewrap (the program bwrap) is not installed."
    command = [found, "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev",
               "/bin/true"]  # fmt: skip
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            command, capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, f"bubblewrap cannot be run: {error}."
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        return None, f"bubblewrap cannot make namespaces here: {said[-1] if said else 'no reason'}."
    return Path(found), ""
