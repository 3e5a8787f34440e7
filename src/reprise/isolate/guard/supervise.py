"""Run one command under limits, end everything it started, say how it went.

The caller sends a `Spec` as one JSON line over the control socket and gets JSON lines back:
`{"event": "started"}`, then `{"event": "ended", ...}`, or `{"event": "refused", "error": ...}`.
When the caller sends anything else or closes the socket, the sandbox ends.
"""

import contextlib
import json
import os
import resource
import select
import shutil
import signal
import socket
import time
from dataclasses import dataclass
from typing import Any

from . import confine, privileges, processes
from .spec import Spec
from .watch import Watch

CALLER_GONE = "caller"  # a reason to end
_MAX_SPEC = 8 << 20
_SHELL_SIGNAL = 128  # exit statuses above this name a signal
_ROUNDS = 200  # of killing; each can only meet processes that were born during the last one


@dataclass
class _Child:
    pid: int
    user: int | None
    status: int | None = None

    def reap(self) -> None:
        """Collect all that ended: the command and the orphans it left behind."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self.pid:
                    self.status = status


def main(control_fd: int) -> None:
    """Serve one sandbox, then exit."""
    os.set_inheritable(control_fd, False)
    control = socket.socket(fileno=control_fd)
    spec = Spec.from_json(_read_line(control))
    privileges.adopt_orphans()
    wakeups = _wakeups()
    started = time.monotonic()
    child, refusal = _start(spec)
    if refusal:
        _tell(control, event="refused", error=refusal)
        return
    _release_inherited(control_fd, wakeups)
    _tell(control, event="started", pid=child.pid)
    watch = Watch(spec, os.getpid(), started)
    reason = _wait(control, wakeups, child, watch)
    _end_all(child)
    if child.user is not None:
        for folder in spec.watched:
            privileges.take_over(folder, child.user)
    if reason == CALLER_GONE:
        shutil.rmtree(spec.private, ignore_errors=True)
    _report(control, child, watch, reason)


def _start(spec: Spec) -> tuple[_Child, str]:
    """Fork the command; return it with what went wrong before exec, or an empty text."""
    user = privileges.transient_user() if spec.level == 1 else None
    reader, writer = os.pipe()  # closed by a successful exec
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        try:
            confine.execute(spec, user)
        except BaseException as error:  # noqa: BLE001 - nobody above a forked child can handle it
            os.write(writer, f"{type(error).__name__}: {error}".encode()[:4000])
        os._exit(127)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        refusal = pipe.read().decode()
    if refusal:
        os.waitpid(pid, 0)
    return _Child(pid, user), refusal


def _wait(control: socket.socket, wakeups: int, child: _Child, watch: Watch) -> str | None:
    """Return when the command ended (None), a limit broke (its name) or the caller is done."""
    poller = select.poll()
    poller.register(control, select.POLLIN)
    poller.register(wakeups, select.POLLIN)
    while True:
        for handle, _ in poller.poll(1000 * watch.seconds_to_next_look()):
            if handle == control.fileno():
                return "cancelled" if _has_word(control) else CALLER_GONE
            if signal.SIGTERM in os.read(wakeups, 64):
                return "cancelled"
        child.reap()
        if child.status is not None:
            return None
        reason = watch.breach()
        if reason:
            return reason


def _has_word(control: socket.socket) -> bool:
    """Tell whether the caller said something, rather than closed the socket."""
    try:
        return bool(control.recv(1))
    except OSError:
        return False


def _end_all(child: _Child) -> None:
    """Kill whatever is left, however it tried to get away."""
    for _ in range(_ROUNDS):
        child.reap()
        left = processes.descendants(os.getpid())
        if not left:
            return
        if child.user is not None:
            _kill_user(child.user)
        _kill(left)
        time.sleep(0.002)


def _kill(pids: list[int]) -> None:
    """Stop all before killing any: a stopped process cannot have children."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)


def _kill_user(user: int) -> None:
    """Kill all processes of a transient user in one system call."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setresuid(user, user, user)
            os.kill(-1, signal.SIGKILL)
        finally:
            os._exit(0)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _report(control: socket.socket, child: _Child, watch: Watch, reason: str | None) -> None:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = usage.ru_utime + usage.ru_stime
    code = _exit_code(child.status, watch.spec)
    _tell(
        control,
        event="ended",
        code=code,
        reason=reason or _reason_of(code, used, watch.spec),
        wall_seconds=time.monotonic() - watch.started,
        cpu_seconds=used,
        peak_memory=watch.peak_memory,
        user=child.user,
    )


def _exit_code(status: int | None, spec: Spec) -> int:
    """Return the exit status, or the negative number of the signal that ended the command."""
    if status is None:
        return -signal.SIGKILL
    code = os.waitstatus_to_exitcode(status)
    if spec.level == 2 and code - _SHELL_SIGNAL in set(signal.Signals):  # noqa: PLR2004 - see Spec
        return _SHELL_SIGNAL - code  # bubblewrap says it the way shells do
    return code


def _reason_of(code: int, used: float, spec: Spec) -> str | None:
    """Name the limit behind a signal that the kernel sends for it."""
    if code == -signal.SIGXFSZ:
        return "file_size"
    over = spec.cpu_seconds is not None and used >= spec.cpu_seconds
    if code == -signal.SIGXCPU or (code == -signal.SIGKILL and over):
        return "cpu_seconds"
    return None


def _wakeups() -> int:
    """Return a descriptor that becomes readable when a child ends or we are asked to stop."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return reader


def _release_inherited(*kept: int) -> None:
    """Close what only the command should hold, so that its end is seen at the other side."""
    own = {*kept, signal.set_wakeup_fd(-1)}
    for handle in [int(entry.name) for entry in os.scandir("/proc/self/fd")]:
        if handle > 2 and handle not in own:  # noqa: PLR2004 - stdin, stdout, stderr
            with contextlib.suppress(OSError):
                os.close(handle)
    null = os.open(os.devnull, os.O_RDWR)
    for handle in (0, 1):
        os.dup2(null, handle)
    signal.set_wakeup_fd(max(own - set(kept)), warn_on_full_buffer=False)


def _read_line(control: socket.socket) -> bytes:
    data = bytearray()
    while not data.endswith(b"\n") and len(data) < _MAX_SPEC:
        chunk = control.recv(1 << 16)
        if not chunk:
            raise SystemExit(0)  # the caller went away before it asked for anything
        data += chunk
    return bytes(data)


def _tell(control: socket.socket, **event: Any) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more
        control.sendall(json.dumps(event).encode() + b"\n")
