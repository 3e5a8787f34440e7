"""Run a command that nobody trusts, within limits, and leave nothing of it behind.

    done = run(["/bin/echo", "hello"], Limits(memory=1 << 30))
    done.stdout, done.level            # b"hello...", <Level.NAMESPACES: 2>

A command that fails or breaks a limit is a result, not an exception; a sandbox that cannot be
had is an error. The environment is empty but for what is given.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from reprise.base.errors import InvalidInput, NotSupported
from reprise.isolate import bubblewrap, places
from reprise.isolate.capture import Capture
from reprise.isolate.guard.spec import Spec
from reprise.isolate.limits import Level, Limits
from reprise.isolate.probe import Probe, probe
from reprise.isolate.supervisor import Ending, Supervisor

PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class Completed:
    """How a command went.

    Attributes:
        code: Exit status; negative: the number of the signal that ended it.
        stdout: At most `Limits.output` bytes, the beginning and the end.
        stderr: Likewise.
        reason: Which limit ended it: the name of a field of `Limits`, or None.
        level: How strongly it was confined.
        wall_seconds: From start to end.
        cpu_seconds: Of all its processes.
        peak_memory: Bytes of all processes together, as seen now and then.
        details: Facts about the confinement, for the record of a run.
    """

    code: int
    stdout: bytes
    stderr: bytes
    reason: str | None
    level: Level
    wall_seconds: float
    cpu_seconds: float
    peak_memory: int
    details: dict[str, str | int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether it ended by itself, with status 0."""
        return self.code == 0 and self.reason is None


@dataclass(frozen=True)
class Confinement:
    """A level with what it needs, and the private folder of one sandbox."""

    level: Level
    probe: Probe
    box: Path

    @property
    def details(self) -> dict[str, str | int]:
        """What to record about it."""
        found: dict[str, str | int] = {"level": int(self.level)}
        if self.level is Level.RULES:
            found["landlock_abi"] = self.probe.landlock_abi
        if self.level is Level.NAMESPACES:
            found["bubblewrap"] = str(self.probe.bubblewrap)
        return found


def run(
    command: Sequence[str | Path],
    limits: Limits,
    *,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    level: Level | None = None,
) -> Completed:
    """Run a command in a sandbox and wait for its end.

    Args:
        command: Program and arguments. Its working, home and temporary folder is private, empty,
            and deleted at the end.
        limits: What it may use; programs outside the system's folders must be readable.
        env: Added to the scrubbed environment.
        stdin: What it can read.
        level: None for the strongest level of this machine, else exactly this one.

    Raises:
        NotSupported: This machine does not offer the level, or none at all.
        InvalidInput: The program or a path does not exist.
    """
    with confinement(level) as confined, tempfile.TemporaryFile() as source:
        source.write(stdin)
        source.seek(0)
        spec = make_spec(command, limits, confined, env=env or {})
        return _finish(spec, limits, confined, source)


@contextmanager
def confinement(level: Level | None = None) -> Iterator[Confinement]:
    """Choose a level and make the private folder of one sandbox.

    Raises:
        NotSupported: As for `run`.
    """
    found = probe()
    chosen = _choose(found, level)
    box = Path(tempfile.mkdtemp(prefix="reprise-box-")).resolve()
    owner = os.getpid()
    try:
        yield Confinement(chosen, found, box)
    finally:
        if os.getpid() == owner:  # a forked child must not delete what its parent uses
            remove_box(box)


def remove_box(box: Path) -> None:
    """Delete a folder that hostile code filled: unreadable parts, paths of any depth."""
    if not box.exists():
        return
    try:
        shutil.rmtree(box)
    except (OSError, RecursionError):
        # The system's tools walk trees that are too deep for path names and for Python's stack.
        for tool, *options in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
            command = [shutil.which(tool, path=PATH) or tool, *options, "--", str(box)]
            subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - our own words


def make_spec(
    command: Sequence[str | Path],
    limits: Limits,
    confined: Confinement,
    *,
    env: Mapping[str, str],
) -> Spec:
    """Put together what the supervisor is asked to do.

    Raises:
        InvalidInput: The program or a path does not exist.
    """
    arguments = [_program(command[0]), *(str(argument) for argument in command[1:])]
    readable = [_existing(path) for path in limits.readable]
    writable = [*(_existing(path) for path in limits.writable), str(confined.box)]
    readable += places.existing(places.SYSTEM + (places.NETWORK if limits.network else ()))
    if confined.level is Level.NAMESPACES:
        assert confined.probe.bubblewrap is not None
        arguments = bubblewrap.wrap(
            arguments, confined.probe.bubblewrap, (readable, writable), limits
        )
    return Spec(
        command=arguments,
        env={**_scrubbed(confined.box), **env},
        folder=str(confined.box),
        private=str(confined.box),
        level=int(confined.level),
        landlock_abi=confined.probe.landlock_abi,
        network=limits.network,
        readable=readable + places.existing(places.PROC + places.DEVICES_READ),
        writable=writable + places.existing(places.DEVICES_WRITE),
        watched=writable,
        memory=limits.memory,
        cpu_seconds=limits.cpu_seconds,
        processes=limits.processes,
        file_size=limits.file_size,
        disk=limits.disk,
        open_files=limits.open_files,
        wall_seconds=limits.wall_seconds,
    )


def _finish(spec: Spec, limits: Limits, confined: Confinement, source: IO[bytes]) -> Completed:
    supervisor = Supervisor.start(
        spec, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with supervisor:
        stdout = Capture(supervisor.stdout, limits.output)
        stderr = Capture(supervisor.stderr, limits.output)
        ending = supervisor.wait()
        return _completed(ending, stdout.finish(), stderr.finish(), confined)


def _completed(ending: Ending, stdout: bytes, stderr: bytes, confined: Confinement) -> Completed:
    return Completed(
        code=ending.code,
        stdout=stdout,
        stderr=stderr,
        reason=ending.reason,
        level=confined.level,
        wall_seconds=ending.wall_seconds,
        cpu_seconds=ending.cpu_seconds,
        peak_memory=ending.peak_memory,
        details=confined.details,
    )


def _choose(found: Probe, level: Level | None) -> Level:
    if level is None:
        if found.level is Level.NONE:
            raise NotSupported(
                "This machine cannot confine untrusted code, so it is not run.",
                hint=" ".join(found.missing),
            )
        return found.level
    if not found.offers(level):
        raise NotSupported(
            f"This machine does not offer isolation level {int(level)} ({level.name.lower()}).",
            hint=" ".join(found.missing),
        )
    return level


def _program(program: str | Path) -> str:
    found = shutil.which(str(program), path=PATH)
    if found is None:
        raise InvalidInput(f"There is no program {str(program)!r} to run.")
    return str(Path(found).absolute())


def _existing(path: Path) -> str:
    if not path.exists():
        raise InvalidInput(f"The sandbox cannot offer {path}: it does not exist.")
    return str(path.absolute())


def _scrubbed(box: Path) -> dict[str, str]:
    """Return the whole environment: nothing of the caller's, above all no access tokens."""
    folder = str(box)
    return {
        "PATH": PATH, "HOME": folder, "TMPDIR": folder, "LANG": "C.UTF-8", "USER": "sandbox",
        "LOGNAME": "sandbox", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
