"""A repo takes over its worker and lies to the caller: a clean error, nothing more."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reprise.base.errors import RepriseError, WorkerCrashed, WorkerTimeout
from reprise.isolate.client import Worker
from reprise.isolate.launch import TRUSTED, Launch
from reprise.isolate.limits import Level

# The attacker has the worker's own modules at hand, and its socket.
HUBCONF = """
import gc, json, os, socket, struct, sys, threading, time

def _channel():
    kind = sys.modules["_reprise_worker.messages"].Channel
    return next(item for item in gc.get_objects() if isinstance(item, kind))

def raw(data):
    _channel()._socket.sendall(bytes(data))
    os._exit(0)

def announce(header, data, descriptors, text="{}"):
    raw(struct.pack("!4sIQI", b"RPW1", header, data, descriptors) + text.encode())

def reply(header):
    channel = _channel()
    channel.send(header)
    time.sleep(60)

def tensor(**facts):
    reply({"value": {"$": "array", "dtype": "<f4", **facts}, "released": []})

def descriptors():
    channel = _channel()
    handle = os.open("/dev/null", os.O_RDONLY)
    channel.send({"value": 1, "released": []}, b"", [handle] * 8)
    time.sleep(60)

def drip():
    sock = _channel()._socket
    for byte in struct.pack("!4sIQI", b"RPW1", 100, 0, 0) + b"{" * 100:
        sock.sendall(bytes([byte]))
        time.sleep(0.2)

def fine():
    return "fine"
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "hubconf.py").write_text(HUBCONF)
    return tmp_path


@pytest.fixture
def worker(repo: Path) -> Iterator[Worker]:
    launch = Launch(
        Path(sys.executable), Path(sys.base_prefix), TRUSTED, Level.NONE, modules=("numpy",),
        call_seconds=5,
    )  # fmt: skip
    with Worker(launch.with_reading(repo)) as made:
        yield made


def still_works(worker: Worker, repo: Path) -> bool:
    return worker.load(repo, "fine") == "fine"


@pytest.mark.parametrize(
    "data",
    [b"", b"garbage" * 100, b"RPW1", b"RPW2" + bytes(16), bytes(65536)],
    ids=["nothing", "garbage", "half", "version", "zeros"],
)
def test_bytes_that_are_no_message(worker: Worker, repo: Path, data: bytes) -> None:
    with pytest.raises(WorkerCrashed):
        worker.load(repo, "raw", data)
    assert still_works(worker, repo)


@pytest.mark.parametrize(
    ("sizes", "text"),
    [((2**32 - 1, 0, 0), "{}"), ((2, 2**63, 0), "{}"), ((2, 0, 60), "{}"), ((2, 0, 0), "{}extra"),
     ((2, 0, 0), "{]"), ((2, 0, 0), "[]"), ((200_000, 0, 0), "[" * 200_000),
     ((9000, 0, 0), "9" * 9000)],
)  # fmt: skip
def test_messages_that_lie_about_themselves(
    worker: Worker, repo: Path, sizes: tuple[int, int, int], text: str
) -> None:
    with pytest.raises(WorkerCrashed):
        worker.load(repo, "announce", *sizes, text)
    assert still_works(worker, repo)


@pytest.mark.parametrize(
    "header",
    [{}, {"value": 1}, {"value": {"$": "nothing"}, "released": []},
     {"value": {"x": 1}, "released": []}, {"value": 1, "released": 5},
     {"value": {"$": "object"}, "released": []}, {"value": {"$": "ref", "id": 1}, "released": []},
     {"value": {"$": "bytes", "b": [0, 1]}, "released": []},
     {"value": {"$": "bytes", "b": [-1, 1]}, "released": []},
     {"value": {"$": "named", "name": "x", "fields": ["import os"], "v": [1, 2]}, "released": []},
     {"value": {"$": "tuple", "v": 3}, "released": []},
     {"value": {"$": "range", "v": [0, 1, 0]}, "released": []},
     {"value": {"$": "dict", "v": [[[1], 2]]}, "released": []},
     {"value": 1, "released": [], "slot": 99}, {"need": -1}, {"need": 2**62}, {"need": "x"},
     {"error": {}, "released": []}, {"error": 1, "released": []}],
    ids=str,
)  # fmt: skip
def test_answers_that_make_no_sense(worker: Worker, repo: Path, header: dict) -> None:
    with pytest.raises(RepriseError):
        worker.load(repo, "reply", header)
    assert still_works(worker, repo)


@pytest.mark.parametrize(
    "facts",
    [{"shape": [10], "b": [0, 0]}, {"shape": [-1], "b": [0, 0]}, {"shape": [2**62, 4], "b": [0, 0]},
     {"shape": "x", "b": [0, 0]}, {"shape": [True], "b": [0, 4]}, {"shape": [1], "b": [2**70, 4]},
     {"shape": [1], "b": [0, 4]}, {"shape": [1], "dtype": "O", "b": [0, 8]},
     {"shape": [1], "dtype": "V8", "b": [0, 8]}, {"shape": [1] * 100, "b": [0, 0]},
     {"shape": [], "dtype": "i4,i4", "b": [0, 8]}],
    ids=str,
)  # fmt: skip
def test_arrays_that_do_not_fit_their_memory(worker: Worker, repo: Path, facts: dict) -> None:
    with pytest.raises(WorkerCrashed, match="broke the protocol"):
        worker.load(repo, "tensor", **facts)
    assert still_works(worker, repo)


def test_descriptors_are_not_accepted(worker: Worker, repo: Path) -> None:
    before = sorted(path.name for path in Path("/proc/self/fd").iterdir())
    with pytest.raises(WorkerCrashed, match="another size than it announced"):
        worker.load(repo, "descriptors")
    worker.close()
    after = sorted(path.name for path in Path("/proc/self/fd").iterdir())
    assert len(after) <= len(before)


def test_a_slow_answer_does_not_hold_the_caller(worker: Worker, repo: Path) -> None:
    with pytest.raises(WorkerTimeout):
        worker.load(repo, "drip")
    assert still_works(worker, repo)


def test_an_answer_of_an_untrusted_worker_cannot_change_later(repo: Path) -> None:
    (repo / "hubconf.py").write_text(
        "import sys, threading, time\nimport numpy\n"
        "def late():\n"
        " def spoil():\n"
        "  serve = sys.modules['_reprise_worker.serve']\n"
        "  import gc\n"
        "  worker = next(o for o in gc.get_objects() if isinstance(o, serve.Worker))\n"
        "  for _ in range(200):\n"
        "   for slot in list(worker._slots.values()):\n"
        "    slot.memory[:8] = b'spoiled!'\n"
        "   time.sleep(0.001)\n"
        " threading.Thread(target=spoil, daemon=True).start()\n"
        " return numpy.zeros(100_000)\n"
        "def fine():\n return 'fine'\n"
    )
    launch = Launch(Path(sys.executable), Path(sys.base_prefix), level=Level.RULES,
                    modules=("numpy",)).with_reading(repo)  # fmt: skip
    with Worker(launch) as worker:
        found = worker.load(repo, "late")
        first = found[0]
        for _ in range(50):
            worker.load(repo, "fine")
        assert found[0] == first


def test_shared_memory_cannot_be_shrunk_under_us() -> None:
    import fcntl
    import os

    from reprise.isolate.inside import slots

    slot, descriptor = slots.create(1, 100_000)
    with pytest.raises(PermissionError):
        os.ftruncate(descriptor, 0)
    with pytest.raises(PermissionError):
        fcntl.fcntl(descriptor, 1033, 0x0008)  # more seals: no longer possible
    os.close(descriptor)
    assert slot.memory[0] == 0
