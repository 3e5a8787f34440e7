"""Hostile code in a sandbox: all it tries outside is refused, at each level, for each user.

Each attempt is also made without a sandbox, where it must succeed: a test that cannot fail proves
nothing.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from reprise.isolate.limits import MIB, Level, Limits
from tests.sandboxes import (
    Attacker,
    folder_of,
    skip_unless_available,
    with_landlock,
)

LEVELS = [(Level.RULES, "self"), (Level.NAMESPACES, "self"),
          (Level.RULES, "nobody"), (Level.NAMESPACES, "nobody")]  # fmt: skip

READING = """
import threading
attempt("open", lambda: open(OUTSIDE + "/secret").read())
attempt("list", lambda: os.listdir(OUTSIDE))
attempt("passwords", lambda: open("/etc/passwd").read())
attempt("through_root", lambda: open(f"/proc/self/root{OUTSIDE}/secret").read())
os.symlink(OUTSIDE + "/secret", "symlink")
attempt("through_symlink", lambda: open("symlink").read())
attempt("hard_link", lambda: os.link(OUTSIDE + "/secret", "hard"))
attempt("child", lambda: subprocess.run(["/bin/cat", OUTSIDE + "/secret"], check=True, stderr=-3)
        if os.path.exists("/bin/cat") else open("/missing"))
attempt("handle", lambda: call("open_by_handle_at", -100, b"\\0" * 16, 0))
"""
WRITING = """
attempt("create", lambda: open(OUTSIDE + "/new", "w"))
attempt("overwrite", lambda: open(OUTSIDE + "/secret", "w"))
attempt("append", lambda: open(OUTSIDE + "/secret", "a"))
attempt("truncate", lambda: os.truncate(OUTSIDE + "/secret", 0))
attempt("truncating_read", lambda: os.close(os.open(OUTSIDE + "/secret", os.O_RDONLY | os.O_TRUNC)))
attempt("unlink", lambda: os.unlink(OUTSIDE + "/secret"))
attempt("rename", lambda: os.rename(OUTSIDE + "/secret", OUTSIDE + "/moved"))
attempt("mkdir", lambda: os.mkdir(OUTSIDE + "/folder"))
attempt("attributes", lambda: os.setxattr(OUTSIDE + "/secret", "user.x", b"1"))
attempt("chown", lambda: os.chown(OUTSIDE + "/secret", os.getuid(), -1))
attempt("device", lambda: os.mknod("null", 0o20666, os.makedev(1, 3)))
"""
SOCKETS = """
def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(5)
        client.connect(address)
attempt("v4", lambda: connect(socket.AF_INET, ("127.0.0.1", PORT)))
attempt("v4_bind", lambda: socket.socket(socket.AF_INET).bind(("127.0.0.1", 0)) if LEVEL < 2
        else connect(socket.AF_INET, ("127.0.0.1", PORT)))
attempt("v6", lambda: connect(socket.AF_INET6, ("::1", PORT)))
datagrams = lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
attempt("udp", lambda: datagrams().sendto(b"x", ("127.0.0.1", PORT)))
attempt("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
attempt("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt("netlink", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))
attempt("vsock", lambda: socket.socket(40, socket.SOCK_STREAM))
attempt("crypto", lambda: socket.socket(38, socket.SOCK_SEQPACKET))
attempt("abstract", lambda: connect(socket.AF_UNIX, "\\0" + NAME))
attempt("named", lambda: connect(socket.AF_UNIX, OUTSIDE + "/socket"))
"""
KERNEL = """
refused("ptrace", lambda: call("ptrace", 16, VICTIM, 0, 0))
refused("traceme", lambda: call("ptrace", 0, 0, 0, 0))
refused("read_memory", lambda: call("process_vm_readv", VICTIM, b"\\0" * 16, 1, b"\\0" * 16, 1, 0))
refused("unshare_user", lambda: call("unshare", 0x10000000))
refused("unshare_mount", lambda: call("unshare", 0x00020000))
refused("clone_user", lambda: call("clone", 0x10000000 | 17, 0, 0, 0, 0))
refused("clone3", lambda: call("clone3", 0, 0))
refused("mount", lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, 0))
refused("open_tree", lambda: call("open_tree", -100, b"/", 1))
refused("setns", lambda: call("setns", 0, 0))
refused("chroot", lambda: os.chroot("."))
refused("keyctl", lambda: call("keyctl", 0, -3, 1))
refused("add_key", lambda: call("add_key", b"user", b"x", b"y", 1, -2))
refused("bpf", lambda: call("bpf", 0, b"\\0" * 64, 64))
refused("perf", lambda: call("perf_event_open", b"\\0" * 128, 0, -1, -1, 0))
refused("userfaultfd", lambda: call("userfaultfd", 1))
refused("io_uring", lambda: call("io_uring_setup", 4, b"\\0" * 120))
refused("module", lambda: call("finit_module", 0, b"", 0))
refused("handle", lambda: call("name_to_handle_at", -100, b"/", b"\\0" * 64, b"\\0" * 8, 0))
refused("shared_memory", lambda: call("shmget", 0x1234, 4096, 0o1600))
refused("attach_memory", lambda: call("shmat", 0, 0, 0))
refused("queue", lambda: call("mq_open", b"q", 0o102, 0o600, 0))
refused("personality", lambda: call("personality", 0x0040000))
refused("limits_of_others", lambda: call("prlimit64", VICTIM, 0, b"\\1" + b"\\0" * 15, 0))
refused("priority_of_others", lambda: os.setpriority(os.PRIO_PROCESS, VICTIM, 19))
refused("watch_folder", lambda: call("inotify_add_watch", 0, OUTSIDE.encode(), 0x100))
refused("type_into_terminal", lambda: __import__("fcntl").ioctl(0, 0x5412, b"x"))
NUMBERS["newer"] = 470
refused("newer_calls", lambda: call("newer", 0, 0, 0, 0, 0, 0))
"""
SNOOPING = """
attempt("environ", lambda: open(f"/proc/{VICTIM}/environ").read())
attempt("cmdline", lambda: open(f"/proc/{VICTIM}/cmdline").read())
attempt("status", lambda: open(f"/proc/{VICTIM}/status").read())
attempt("memory", lambda: open(f"/proc/{VICTIM}/mem", "rb").read(1))
attempt("files", lambda: os.listdir(f"/proc/{VICTIM}/fd"))
attempt("root", lambda: os.listdir(f"/proc/{VICTIM}/root/"))
attempt("parent", lambda: open(f"/proc/{os.getppid()}/environ").read()
        if os.getppid() > 1 else open("/missing"))
attempt("kernel_log", lambda: open("/proc/kmsg").read(1))
attempt("shared_memory", lambda: open("/dev/shm/" + NAME).read())
"""
SIGNALLING = """
attempt("probe", lambda: os.kill(VICTIM, 0))
attempt("kill", lambda: os.kill(VICTIM, signal.SIGKILL))
attempt("thread", lambda: call("tkill", VICTIM, 9))
attempt("queue", lambda: call("rt_sigqueueinfo", VICTIM, 9, b"\\0" * 128))
attempt("parent", lambda: os.kill(os.getppid(), signal.SIGKILL)
        if os.getppid() > 1 else os.kill(VICTIM, 9))
"""


@pytest.fixture(params=LEVELS, ids=lambda item: f"{item[0].name.lower()}-{item[1]}")
def attacker(request: pytest.FixtureRequest) -> Iterator[Attacker]:
    level, user = request.param
    skip_unless_available(level, user)
    with folder_of(user) as outside:
        yield Attacker(level, user, outside)


@pytest.fixture
def free() -> Iterator[Attacker]:
    """The same attempts without a sandbox."""
    with folder_of("self") as outside:
        yield Attacker(Level.NONE, "self", outside)


@pytest.fixture
def victim() -> Iterator[int]:
    process = subprocess.Popen(["sleep", "300"])
    yield process.pid
    assert process.poll() is None, "the victim was hit"
    process.kill()
    process.wait()


@pytest.fixture
def listeners() -> Iterator[dict[str, object]]:
    name = f"reprise-{uuid.uuid4().hex}"
    with socket.create_server(("127.0.0.1", 0)) as v4, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0{name}")
        abstract.listen()
        yield {"PORT": v4.getsockname()[1], "NAME": name}


def denied(verdicts: dict[str, str]) -> bool:
    assert {name for name, verdict in verdicts.items() if verdict != "denied"} == set()
    return len(verdicts) > 0


def test_nothing_outside_can_be_read(attacker: Attacker) -> None:
    done = attacker.run(READING)
    lines = dict(line.split() for line in done.stdout.decode().splitlines()[:-2])
    assert denied(lines)
    assert b"CalledProcessError" in done.stderr  # the child's attempt


def test_nothing_outside_can_be_changed(attacker: Attacker) -> None:
    before = (attacker.outside / "secret").stat()
    assert denied(attacker.verdicts(WRITING))
    after = (attacker.outside / "secret").stat()
    assert (after.st_mode, after.st_size, after.st_mtime_ns) == (
        before.st_mode, before.st_size, before.st_mtime_ns)  # fmt: skip
    assert [path.name for path in attacker.outside.iterdir()] == ["secret"]


def test_modes_and_times_outside_stay_as_they_are(attacker: Attacker) -> None:
    code = """
for action in (lambda: os.chmod(OUTSIDE + "/secret", 0o777), lambda: os.utime(OUTSIDE, (1, 1))):
    try:
        action()
    except OSError:
        pass
"""
    before = [(p.stat().st_mode, p.stat().st_mtime_ns)
              for p in (attacker.outside, attacker.outside / "secret")]  # fmt: skip
    assert attacker.run(code).ok
    assert before == [(p.stat().st_mode, p.stat().st_mtime_ns)
                      for p in (attacker.outside, attacker.outside / "secret")]  # fmt: skip


def test_no_socket_leads_out(attacker: Attacker, listeners: dict[str, object]) -> None:
    named = socket.socket(socket.AF_UNIX)
    named.bind(str(attacker.outside / "socket"))
    named.listen()
    (attacker.outside / "socket").chmod(0o777)
    with named:
        assert denied(attacker.verdicts(SOCKETS, LEVEL=int(attacker.level), **listeners))


def test_dangerous_system_calls_are_refused(attacker: Attacker, victim: int) -> None:
    assert denied(attacker.verdicts(KERNEL, VICTIM=victim))


def test_other_processes_cannot_be_looked_into(attacker: Attacker, victim: int) -> None:
    shared = Path("/dev/shm") / f"reprise-{uuid.uuid4().hex}"
    shared.write_text("secret")
    shared.chmod(0o777)
    try:
        assert denied(attacker.verdicts(SNOOPING, VICTIM=victim, NAME=shared.name))
    finally:
        shared.unlink()


def test_other_processes_cannot_be_signalled(attacker: Attacker, victim: int) -> None:
    assert denied(attacker.verdicts(SIGNALLING, VICTIM=victim))


def test_killing_everybody_hits_nobody_outside(attacker: Attacker, victim: int) -> None:
    done = attacker.run("os.kill(-1, signal.SIGKILL)", VICTIM=victim)
    assert done.reason is None  # it ended by itself; the fixture sees that the victim lives


def test_the_environment_is_empty(attacker: Attacker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    done = attacker.run("print(sorted(os.environ))")
    assert done.stdout.decode() == (
        "['HOME', 'LANG', 'LOGNAME', 'PATH', 'PWD', 'PYTHONDONTWRITEBYTECODE', 'TMPDIR', 'USER']\n"
        if attacker.level is Level.NAMESPACES
        else "['HOME', 'LANG', 'LOGNAME', 'PATH', 'PYTHONDONTWRITEBYTECODE', 'TMPDIR', 'USER']\n"
    )


def test_no_open_file_is_inherited(attacker: Attacker) -> None:
    with Path("/etc/passwd").open() as handle:
        os.set_inheritable(handle.fileno(), True)
        done = attacker.run("print(sorted(map(int, os.listdir('/proc/self/fd')))[:-1])")
    assert done.stdout == b"[0, 1, 2]\n"


def test_privileges_cannot_be_gained(attacker: Attacker) -> None:
    code = """
fields = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines())
print(fields["NoNewPrivs"], fields["Seccomp"], int(fields["CapEff"], 16) & ~2)
attempt("become_root", lambda: os.setresuid(0, 0, 0))
"""
    done = attacker.run(code)
    assert done.stdout == b"1 2 0\nbecome_root denied\n"


def test_a_fork_bomb_goes_out(attacker: Attacker) -> None:
    cookie = uuid.uuid4().hex
    code = f"""
COOKIE = "{cookie}"
while True:
    try:
        os.fork()
    except OSError:
        pass
"""
    limits = Limits(memory=512 * MIB, processes=64, wall_seconds=3, cpu_seconds=20)
    done = attacker.run(code, limits)
    assert done.reason in {"wall_seconds", "processes", "cpu_seconds", "memory"}
    assert running(cookie) == []


def test_a_daemon_ends_with_its_sandbox(attacker: Attacker) -> None:
    cookie = uuid.uuid4().hex
    code = f"""
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for handle in range(3):
            os.close(handle)
        time.sleep(300)  # {cookie}
    os._exit(0)
"""
    done = attacker.run(code)
    assert done.ok
    assert running(cookie) == []


def test_time_runs_out_for_code_that_ignores_signals(attacker: Attacker) -> None:
    code = """
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
time.sleep(300)
"""
    done = attacker.run(code, Limits(wall_seconds=1))
    assert (done.code, done.reason) == (-signal.SIGKILL, "wall_seconds")


def test_processor_time_runs_out(attacker: Attacker) -> None:
    done = attacker.run("while True: pass", Limits(cpu_seconds=1, wall_seconds=60))
    assert done.reason == "cpu_seconds"


def test_one_process_cannot_use_too_much_memory(attacker: Attacker) -> None:
    code = "try:\n bytearray(2 << 30)\nexcept MemoryError:\n print('refused')"
    assert attacker.run(code).stdout == b"refused\n"


def test_many_processes_cannot_use_too_much_memory(attacker: Attacker) -> None:
    code = """
for _ in range(8):
    if os.fork() == 0:
        kept = bytearray(b"x") * (100 << 20)
        time.sleep(300)
time.sleep(300)
"""
    done = attacker.run(code, Limits(memory=300 * MIB, wall_seconds=60))
    assert done.reason == "memory"


def test_files_in_memory_count_as_memory(attacker: Attacker) -> None:
    code = """
kept = [os.memfd_create(str(number)) for number in range(16)]
for handle in kept:
    os.write(handle, b"x" * (64 << 20))
time.sleep(300)
"""
    done = attacker.run(code, Limits(memory=300 * MIB, wall_seconds=60))
    assert done.reason == "memory"


def test_a_file_cannot_grow_too_large(attacker: Attacker) -> None:
    code = "signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\nopen('x', 'wb').write(b'x' * (9 << 20))"
    done = attacker.run(code, Limits(file_size=8 * MIB))
    assert (done.code, done.reason) == (-signal.SIGXFSZ, "file_size")


@pytest.mark.parametrize(
    "code",
    ["for n in range(10 ** 9): open(str(n), 'wb').write(b'x' * (4 << 20))",
     "for n in range(10 ** 9): os.mkdir(str(n))",
     ("kept = []\nfor n in range(900):\n kept.append(open('x', 'wb')); os.unlink('x')\n"
      " kept[-1].write(b'x' * (1 << 20))\ntime.sleep(300)"),
     "for n in range(10 ** 6): os.mkdir('d' * 200); os.chdir('d' * 200)"],
    ids=["files", "folders", "deleted", "deep"],
)  # fmt: skip
def test_a_disk_cannot_be_filled(attacker: Attacker, code: str) -> None:
    limits = Limits(disk=16 * MIB, wall_seconds=60, cpu_seconds=60)
    done = attacker.run(f"print(os.getcwd(), flush=True)\n{code}", limits)
    assert done.reason == "disk"
    assert not Path(done.stdout.decode().strip()).exists()  # the private folder


def test_output_is_cut_in_the_middle(attacker: Attacker) -> None:
    code = "print('begin'); sys.stdout.write('x' * (50 << 20)); print('end')"
    done = attacker.run(code, Limits(output=1000, memory=512 * MIB))
    assert done.stdout.startswith(b"begin\nxxx")
    assert done.stdout.endswith(b"xxxend\n")
    assert b"bytes left out" in done.stdout
    assert len(done.stdout) < 1100


def test_a_program_outside_cannot_be_started(attacker: Attacker) -> None:
    program = attacker.outside / "program"
    program.write_text("#!/bin/sh\necho started\n")
    program.chmod(0o755)
    code = "attempt('start', lambda: os.execv(OUTSIDE + '/program', ['program']))"
    assert attacker.verdicts(code) == {"start": "denied"}


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5])
def test_older_kernels_leave_no_gap(version: int, victim: int) -> None:
    skip_unless_available(Level.RULES)
    with folder_of("self") as outside:
        (outside / "victim").write_text("keep")
        code = f"VICTIM = {victim}\n{WRITING}\n{SIGNALLING}"
        assert denied(with_landlock(version, code, outside))
        assert (outside / "secret").read_text() == "secret"


def test_the_attempts_succeed_without_a_sandbox(
    free: Attacker, listeners: dict[str, object], victim: int
) -> None:
    code = """
attempt("open", lambda: open(OUTSIDE + "/secret").read())
attempt("append", lambda: open(OUTSIDE + "/secret", "a"))
attempt("v4", lambda: socket.create_connection(("127.0.0.1", PORT), 5).close())
attempt("abstract", lambda: socket.socket(socket.AF_UNIX).connect("\\0" + NAME))
attempt("probe", lambda: os.kill(VICTIM, 0))
attempt("environ", lambda: open(f"/proc/{VICTIM}/environ").read())
attempt("shared_memory", lambda: call("shmget", 0x52455052, 4096, 0o1600))
attempt("traceme", lambda: call("ptrace", 0, 0, 0, 0))
"""
    found = free.verdicts(code, VICTIM=victim, **listeners)
    subprocess.run(["ipcrm", "-M", str(0x52455052)], check=False)
    assert set(found.values()) == {"ALLOWED"}


def test_a_sandbox_ends_with_its_caller(tmp_path: Path) -> None:
    skip_unless_available(Level.RULES)
    cookie = uuid.uuid4().hex
    code = f"""
import sys
from pathlib import Path
from reprise.isolate.limits import Level, Limits
from reprise.isolate.places import interpreter_paths
from reprise.isolate.sandbox import run
box = "import os, time; open({str(tmp_path / "box")!r}, 'w').write(os.getcwd())"
run([sys.executable, "-c", box + "; time.sleep(300)  # {cookie}"],
    Limits(readable=interpreter_paths(), writable=(Path({str(tmp_path)!r}),)), level=Level.RULES)
"""
    caller = subprocess.Popen([sys.executable, "-c", code])
    note = tmp_path / "box"
    while not note.exists() or not note.read_text():
        time.sleep(0.02)
    caller.kill()
    caller.wait()
    while running(cookie) or Path(note.read_text()).exists():
        time.sleep(0.02)


def running(cookie: str) -> list[str]:
    """List processes whose command line holds the cookie."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if cookie.encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue
    return found
