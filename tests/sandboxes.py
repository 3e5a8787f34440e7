"""Run hostile snippets of Python in a sandbox, as this user and, when root, as nobody too."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest

from reprise.isolate.guard import syscalls
from reprise.isolate.limits import MIB, Level, Limits
from reprise.isolate.places import interpreter_paths
from reprise.isolate.probe import probe
from reprise.isolate.sandbox import Completed, confinement, make_spec, run
from reprise.isolate.supervisor import Supervisor

SOURCE = Path(__file__).parents[1] / "src" / "reprise"
SYSTEM_PYTHON = Path("/usr/bin/python3")
ALL_TOOLS = "REPRISE_ALL_TOOLS" in os.environ

# What every snippet starts with: `attempt` prints one line, `name denied` or `name ALLOWED`.
PRELUDE = '''
import ctypes, errno, os, signal, socket, struct, subprocess, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def attempt(name, action):
    try:
        action()
    except OSError:
        print(name, "denied", flush=True)
    else:
        print(name, "ALLOWED", flush=True)
def refused(name, action):
    """As `attempt`, but only the filter's own answers count: EPERM, or ENOSYS for newer calls."""
    try:
        action()
    except OSError as error:
        by_filter = error.errno in (errno.EPERM, errno.ENOSYS)
        print(name, "denied" if by_filter else errno.errorcode[error.errno], flush=True)
    else:
        print(name, "ALLOWED", flush=True)
def call(name, *arguments):
    if libc.syscall(NUMBERS[name], *arguments) < 0:
        raise OSError(ctypes.get_errno(), name)
'''

# The program that runs as nobody: it needs only the standard library.
DRIVER = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from reprise.isolate.limits import Level, Limits
from reprise.isolate.sandbox import run
order = json.load(sys.stdin)
limits = order["limits"]
limits["readable"] = tuple(map(Path, limits["readable"]))
limits["writable"] = tuple(map(Path, limits["writable"]))
done = run(order["command"], Limits(**limits), level=Level(order["level"]), env=order["env"])
answer = asdict(done)
answer["stdout"], answer["stderr"] = done.stdout.decode(), done.stderr.decode()
json.dump(answer, sys.stdout)
"""


@dataclass(frozen=True)
class Attacker:
    """Who starts the sandbox, and how strong it is."""

    level: Level
    user: str  # "self" or "nobody"
    outside: Path  # a folder that belongs to the user and that the sandbox must not touch

    def run(self, code: str, limits: Limits | None = None, **values: object) -> Completed:
        """Run a snippet; `values` are its global names."""
        table = {name: syscalls.number(name) for name in syscalls.NAMES}
        given = {"NUMBERS": table, "OUTSIDE": str(self.outside), **values}
        lines = "\n".join(f"{name} = {value!r}" for name, value in given.items())
        python = SYSTEM_PYTHON if self.user == "nobody" else Path(sys.executable)
        readable = () if self.user == "nobody" else interpreter_paths()
        limits = replace(limits or Limits(memory=512 * MIB, wall_seconds=60), readable=readable)
        command = [str(python), "-c", f"{lines}\n{PRELUDE}\n{code}"]
        if self.user == "self":
            return run(command, limits, level=self.level)
        return _run_as_nobody(command, limits, self.level)

    def verdicts(self, code: str, **values: object) -> dict[str, str]:
        """Run a snippet and return what each of its attempts printed."""
        done = self.run(code, **values)
        assert done.ok, done.stderr.decode()
        return dict(line.split() for line in done.stdout.decode().splitlines())


def available(level: Level, user: str) -> str:
    """Return why this combination cannot be tried here, or an empty text."""
    if user == "nobody" and (os.getuid() != 0 or not SYSTEM_PYTHON.exists()):
        return "needs root and a system Python of 3.11 or newer"
    if not probe().offers(level):
        return f"level {level}: {' '.join(probe().missing)}"
    return ""


def skip_unless_available(level: Level, user: str = "self") -> None:
    """Skip a test where the machine lacks a feature; in CI every program is installed."""
    reason = available(level, user)
    if reason and not (ALL_TOOLS and "not installed" in reason):
        pytest.skip(reason)


@contextmanager
def folder_of(user: str) -> Iterator[Path]:
    """A folder outside every sandbox, with a secret in it, owned by the user."""
    folder = Path(tempfile.mkdtemp(prefix="reprise-outside-")).resolve()
    (folder / "secret").write_text("secret")
    if user == "nobody":
        account = pwd.getpwnam("nobody")
        for path in (folder, folder / "secret"):
            os.chown(path, account.pw_uid, account.pw_gid)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def with_landlock(version: int, code: str, outside: Path) -> dict[str, str]:
    """Run a snippet under an older version of Landlock than this kernel has."""
    table = {name: syscalls.number(name) for name in syscalls.NAMES}
    text = f"NUMBERS = {table}\nOUTSIDE = {str(outside)!r}\n{PRELUDE}\n{code}"
    limits = Limits(readable=interpreter_paths())
    with confinement(Level.RULES) as confined:
        older = replace(confined, probe=replace(confined.probe, landlock_abi=version))
        spec = make_spec([sys.executable, "-c", text], limits, older, env={})
        with Supervisor.start(spec, stdout=subprocess.PIPE) as supervisor:
            printed = supervisor.stdout.read().decode()
            assert supervisor.wait().code == 0
    return dict(line.split() for line in printed.splitlines())


def _run_as_nobody(command: list[str], limits: Limits, level: Level) -> Completed:
    order = {"command": command, "level": int(level), "env": {}, "limits": asdict(limits)}
    with tempfile.TemporaryDirectory(prefix="reprise-code-") as folder:
        _copy_code(Path(folder))
        done = subprocess.run(
            [SYSTEM_PYTHON, "-c", DRIVER], input=json.dumps(order, default=str), text=True,
            capture_output=True, user="nobody", group="nogroup", extra_groups=[], check=False,
            cwd="/", env={"PYTHONPATH": folder, "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    answer["stdout"], answer["stderr"] = answer["stdout"].encode(), answer["stderr"].encode()
    return Completed(**answer | {"level": Level(answer["level"])})


def _copy_code(folder: Path) -> None:
    """Put the two lowest floors where everybody can read them."""
    folder.chmod(0o755)
    for name in ("base", "isolate", "__init__.py"):
        source, target = SOURCE / name, folder / "reprise" / name
        target.parent.mkdir(exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
