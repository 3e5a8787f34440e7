"""A sandbox runs honest programs as usual, says how they went, and leaves nothing behind."""

import os
import socket
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from reprise.base.errors import InvalidInput, NotSupported
from reprise.isolate.guard import filter as seccomp
from reprise.isolate.guard import syscalls
from reprise.isolate.limits import MIB, Level, Limits
from reprise.isolate.places import interpreter_paths
from reprise.isolate.probe import probe
from reprise.isolate.sandbox import Completed, run
from tests.sandboxes import skip_unless_available

LIMITS = Limits(memory=512 * MIB, readable=interpreter_paths())


@pytest.fixture(params=list(Level), ids=lambda level: level.name.lower())
def level(request: pytest.FixtureRequest) -> Level:
    skip_unless_available(request.param)
    found: Level = request.param
    return found


def python(code: str, limits: Limits, level: Level, **options: object) -> Completed:
    return run([sys.executable, "-c", code], limits, level=level, **options)  # type: ignore[arg-type]


def test_a_program_runs_as_usual(level: Level) -> None:
    code = "import sys; print(sys.stdin.read()[::-1]); print('oh', file=sys.stderr); sys.exit(7)"
    done = python(code, LIMITS, level, stdin=b"abc")
    assert (done.code, done.stdout, done.stderr) == (7, b"cba\n", b"oh\n")
    assert (done.ok, done.reason, done.level) == (False, None, level)


def test_the_level_is_recorded(level: Level) -> None:
    done = python("", LIMITS, level)
    assert done.ok
    assert done.details["level"] == int(level)
    assert done.wall_seconds > 0
    assert done.cpu_seconds > 0


def test_a_signal_is_a_negative_code(level: Level) -> None:
    assert python("import os; os.kill(os.getpid(), 11)", LIMITS, level).code == -11


def test_variables_are_added_to_the_scrubbed_environment(level: Level) -> None:
    done = python("import os; print(os.environ['SEED'])", LIMITS, level, env={"SEED": "7"})
    assert done.stdout == b"7\n"


def test_folders_are_offered_for_reading_and_writing(level: Level, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "data").write_text("data")
    (tmp_path / "out").mkdir()
    limits = replace(
        LIMITS, readable=(*LIMITS.readable, tmp_path / "in"), writable=(tmp_path / "out",)
    )
    code = f"""
import os, shutil
os.makedirs({str(tmp_path / "out")!r} + "/a/b")
shutil.copytree({str(tmp_path / "in")!r}, {str(tmp_path / "out")!r} + "/a/c")
"""
    assert python(code, limits, level).stderr == b""
    result = tmp_path / "out" / "a" / "c" / "data"
    assert result.read_text() == "data"
    assert result.stat().st_uid == os.getuid()


def test_what_is_readable_cannot_be_written(level: Level, tmp_path: Path) -> None:
    if level is Level.NONE:
        pytest.skip("only supervises")
    limits = replace(LIMITS, readable=(*LIMITS.readable, tmp_path))
    done = python(f"open({str(tmp_path / 'x')!r}, 'w')", limits, level)
    assert done.code == 1
    assert list(tmp_path.iterdir()) == []


def test_the_private_folder_is_home_and_deleted(level: Level) -> None:
    code = """
import os, tempfile
assert os.path.expanduser("~") == os.getcwd()
assert tempfile.gettempdir() == os.getcwd()
open("file", "w").write("x")
deep = "d" * 100
for _ in range(60):
    os.mkdir(deep); os.chdir(deep)
print(os.environ["HOME"])
"""
    done = python(code, LIMITS, level)
    assert done.stderr == b""
    assert not Path(done.stdout.decode().strip()).exists()


def test_threads_and_children_work(level: Level) -> None:
    code = """
import subprocess, sys, threading
seen = []
threads = [threading.Thread(target=seen.append, args=(n,)) for n in range(20)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
print(len(seen), subprocess.check_output([sys.executable, "-c", "print(6 * 7)"]))
"""
    assert python(code, LIMITS, level).stdout == b"20 b'42\\n'\n"


def test_the_network_can_be_allowed(level: Level) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = f"""
import socket
with socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), 5) as client:
    print("connected")
"""
        assert python(code, replace(LIMITS, network=True), level).stdout == b"connected\n"


def test_numeric_libraries_work_inside(level: Level) -> None:
    code = "import numpy; print(numpy.linalg.inv(numpy.eye(300)).sum())"
    done = python(code, replace(LIMITS, memory=2048 * MIB), level)
    assert (done.stdout, done.stderr) == (b"300.0\n", b"")


def test_sandboxes_do_not_disturb_each_other(level: Level) -> None:
    answers: list[bytes] = []

    def start(number: int) -> None:
        answers.append(python(f"print({number})", LIMITS, level).stdout)

    threads = [threading.Thread(target=start, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [f"{n}\n".encode() for n in range(6)]


def test_a_level_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotSupported) as caught:
        run(["/bin/true"], LIMITS, level=Level.NAMESPACES)
    assert caught.value.message == "This machine does not offer isolation level 2 (namespaces)."
    assert "bubblewrap (the program bwrap) is not installed" in caught.value.hint


def test_bubblewrap_that_does_not_work_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = probe()
    assert not found.offers(Level.NAMESPACES)
    assert "No permissions to create new namespace" in " ".join(found.missing)


def test_a_program_or_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no program 'no-such-program'"):
        run(["no-such-program"], LIMITS, level=Level.NONE)
    missing = replace(LIMITS, readable=(tmp_path / "missing",))
    with pytest.raises(InvalidInput, match="does not exist"):
        run(["/bin/true"], missing, level=Level.NONE)


@pytest.mark.parametrize("machine", sorted(syscalls.ARCHITECTURES))
def test_filters_stay_small_and_well_formed(machine: str) -> None:
    for abi in range(8):
        rules = seccomp.Rules(network=False, landlock_abi=abi, pid=1)
        program = seccomp.build(rules, machine)
        assert len(program) % 8 == 0
        assert len(program) // 8 < 4096  # the kernel's limit


def test_every_judged_call_has_a_number_on_both_machines_or_is_known_not_to() -> None:
    judged = syscalls.FORBIDDEN | syscalls.ABSENT | syscalls.METADATA_FORBIDDEN | syscalls.SIGNALS
    assert judged <= syscalls.NAMES
    only_x86 = {name for name in syscalls.NAMES if syscalls.number(name, "aarch64") is None}
    assert only_x86 == {
        "chmod", "chown", "futimesat", "ioperm", "iopl", "lchown", "modify_ldt", "open", "uselib",
        "utime", "utimes",
    }  # fmt: skip


@pytest.fixture
def header() -> str:
    path = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if not path.exists():
        pytest.skip("the kernel's headers are not installed")
    return path.read_text()


def test_numbers_are_those_of_the_kernel(header: str) -> None:
    lines = [line.split() for line in header.splitlines() if line.startswith("#define __NR_")]
    numbers = {line[1].removeprefix("__NR_"): int(line[2]) for line in lines}
    ours = {name: syscalls.number(name, "x86_64") for name in syscalls.NAMES & set(numbers)}
    assert ours == {name: numbers[name] for name in ours}
    assert len(ours) > 100
