"""A worker runs a repo's code elsewhere and behaves like the code itself."""

import os
import pickle
import signal
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprise.base.errors import (
    EntryNotFound,
    InvalidInput,
    MissingDependencies,
    RemoteFailure,
    WorkerCrashed,
    WorkerTimeout,
)
from reprise.isolate.client import RemoteObject, Worker
from reprise.isolate.launch import TRUSTED, Launch
from reprise.isolate.limits import Level
from tests.sandboxes import skip_unless_available

HUBCONF = '''
import os, signal, sys, time
from collections import OrderedDict, namedtuple
import helper

class Model:
    """A model without torch."""
    threshold = 0.5
    def __init__(self, factor):
        self.factor = factor
        self.kept = None
    def __call__(self, x):
        return x * self.factor
    def keep(self, x):
        self.kept = x
    def itself(self):
        return self
    def parts(self):
        return self, [self.factor]
    def __iter__(self):
        return (n * self.factor for n in range(3))

def model(factor=2):
    """Multiply.

    Args: factor
    """
    return Model(factor)

def identity():
    return lambda value: value

def fail(message="no"):
    raise ValueError(message)

def attribute():
    return Model(1).missing

def leave():
    sys.exit(3)

def crash():
    os.kill(os.getpid(), signal.SIGSEGV)

def sleep(seconds):
    time.sleep(seconds)

def speak(text):
    print(text)

def where():
    return {"helper": helper.__file__, "modules": sorted(n for n in sys.modules if "reprise" in n)}

def output():
    class Output(OrderedDict):
        pass
    Point = namedtuple("Point", "x y")
    return Output(logits=1, point=Point(1, 2))

_private = 1
'''


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "hubconf.py").write_text(HUBCONF)
    (folder / "helper.py").write_text("")
    return folder


def launch(repo: Path, level: Level = Level.NONE, **settings: Any) -> Launch:
    made = Launch(
        Path(sys.executable), Path(sys.base_prefix), level=level, modules=("numpy",),
        **({"limits": TRUSTED} if level is Level.NONE else {}), **settings,
    )  # fmt: skip
    return made.with_reading(repo)


@pytest.fixture
def worker(repo: Path) -> Iterator[Worker]:
    with Worker(launch(repo)) as made:
        yield made


@pytest.fixture(params=list(Level), ids=lambda level: level.name.lower())
def confined(request: pytest.FixtureRequest, repo: Path) -> Iterator[Worker]:
    skip_unless_available(request.param)
    with Worker(launch(repo, request.param)) as made:
        yield made


VALUES = [
    None, True, 1, 2**70, 1.5, float("inf"), "text\0\ud800", b"\0\xff" * 20_000, 1 + 2j,
    [1, [2]], (1, (2,)), {"a": 1, 2: (3,)}, {1, 2}, frozenset({3}), OrderedDict(b=1, a=2),
    slice(1, None, 2), range(3), Ellipsis,
]  # fmt: skip
ARRAYS = [
    np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros((0, 3)), np.array(5, dtype=np.int16),
    np.asfortranarray(np.arange(1_000_000.0).reshape(1000, 1000)), np.arange(10)[::2],
    np.array([True, False]), np.array(["2026-11-21"], dtype="datetime64[D]"), np.array(["é", "xy"]),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_plain_values_come_back_as_they_went(worker: Worker, value: object) -> None:
    found = worker.request("echo", {"value": value})
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}-{array.shape}")
def test_arrays_come_back_as_they_went(confined: Worker, array: np.ndarray) -> None:
    found = confined.request("echo", {"value": array})
    np.testing.assert_array_equal(found, array, strict=True)


def test_numbers_of_numpy_stay_numbers_of_numpy(worker: Worker) -> None:
    found = worker.request("echo", {"value": np.float32(1.5)})
    assert (found, type(found)) == (np.float32(1.5), np.float32)


def test_a_model_is_loaded_and_called(confined: Worker, repo: Path) -> None:
    model = confined.load(repo, "model", factor=3)
    np.testing.assert_array_equal(model(np.arange(4)), np.arange(4) * 3)
    assert confined.start().level is confined.launch.level


def test_entry_points_are_listed_as_torch_hub_does(worker: Worker, repo: Path) -> None:
    found = {entry["name"]: entry for entry in worker.entries(repo)}
    assert found["model"] == {
        "name": "model", "kind": "function", "signature": "(factor=2)",
        "doc": "Multiply.\n\n    Args: factor\n    ", "file": "hubconf.py", "line": 23,
        "renamed": False,
    }  # fmt: skip
    assert "_private" not in found
    assert "Model" in found


def test_attributes_are_read_and_written(worker: Worker, repo: Path) -> None:
    model = worker.load(repo, "model")
    model.threshold = 0.25
    assert (model.threshold, model.factor) == (0.25, 2)
    with pytest.raises(AttributeError, match="no attribute 'missing'"):
        _ = model.missing


def test_the_same_object_has_the_same_reference(worker: Worker, repo: Path) -> None:
    model = worker.load(repo, "model")
    again, parts = model.itself(), model.parts()
    assert again.__reprise_reference__ is model.__reprise_reference__
    assert parts[0].__reprise_reference__ is model.__reprise_reference__
    assert parts[1] == [2]


def test_objects_can_be_passed_back(worker: Worker, repo: Path) -> None:
    model, identity = worker.load(repo, "model", factor=5), worker.load(repo, "identity")
    assert identity(model).factor == 5
    assert identity([{"deep": (model,)}])[0]["deep"][0].factor == 5


def test_objects_are_let_go_when_nobody_holds_them(worker: Worker, repo: Path) -> None:
    for _ in range(50):
        worker.load(repo, "model").itself()
    kept = worker.load(repo, "model")
    counter = worker.load(repo, "identity")
    counter(1)
    assert worker._releases() == {}
    assert len(worker._references) == 2
    assert kept.factor == 2


def test_iteration_is_forwarded(worker: Worker, repo: Path) -> None:
    assert list(worker.load(repo, "model", factor=2)) == [0, 2, 4]


def test_model_outputs_can_be_read_by_attribute(worker: Worker, repo: Path) -> None:
    output = worker.load(repo, "output")
    assert (output["logits"], output.logits, output.point.y) == (1, 1, 2)
    assert type(output.point).__name__ == "Point"


def test_what_a_model_keeps_is_not_overwritten_by_the_next_call(worker: Worker, repo: Path) -> None:
    model = worker.load(repo, "model", factor=1)
    first = np.full(1_000_000, 7.0)
    model.keep(first)
    for number in range(5):
        model(np.full(1_000_000, float(number)))
    np.testing.assert_array_equal(model.kept, first)


def test_answers_stay_as_they_were(confined: Worker, repo: Path) -> None:
    model = confined.load(repo, "model", factor=1)
    answers = [model(np.full(100_000, float(number))) for number in range(6)]
    assert [answer[-1] for answer in answers] == [0, 1, 2, 3, 4, 5]


def test_memory_is_used_again(worker: Worker, repo: Path) -> None:
    model = worker.load(repo, "model")
    for _ in range(50):
        model(np.zeros(1_000_000))
    session = worker._session
    assert session is not None
    assert len(session.pool._slots) <= 4


def test_the_code_finds_its_own_modules_and_nothing_of_ours(worker: Worker, repo: Path) -> None:
    found = worker.load(repo, "where")
    assert found["helper"] == str(repo / "helper.py")
    assert {name.partition(".")[0] for name in found["modules"]} == {"_reprise_worker"}


def test_errors_come_with_the_traceback_of_the_other_side(worker: Worker, repo: Path) -> None:
    with pytest.raises(RemoteFailure) as caught:
        worker.load(repo, "fail", message="wrong weights")
    assert caught.value.message == "ValueError: wrong weights"
    assert caught.value.kind == "ValueError"
    assert f'File "{repo}/hubconf.py"' in caught.value.trace
    assert "reprise/isolate" not in caught.value.trace
    assert worker.load(repo, "model").factor == 2


def test_exit_is_an_error_not_an_end(worker: Worker, repo: Path) -> None:
    with pytest.raises(RemoteFailure, match="SystemExit: 3"):
        worker.load(repo, "leave")
    assert worker.generation == 1


def test_missing_entry_points_and_dependencies_have_their_own_errors(
    worker: Worker, repo: Path
) -> None:
    with pytest.raises(EntryNotFound, match="Cannot find callable nothing"):
        worker.load(repo, "nothing")
    with pytest.raises(EntryNotFound, match="has no hubconf"):
        worker.load(repo.parent, "model")
    other = repo.parent / "other"
    other.mkdir()
    (other / "hubconf.py").write_text("dependencies = ['no_such_thing', 'json']\ndef f(): ...\n")
    with pytest.raises(MissingDependencies, match="Missing dependencies: no_such_thing"):
        worker.load(other, "f")


def test_a_crash_is_an_error_and_the_next_load_starts_again(confined: Worker, repo: Path) -> None:
    model = confined.load(repo, "model")
    with pytest.raises(WorkerCrashed, match="signal SIGSEGV"):
        confined.load(repo, "crash")
    with pytest.raises(WorkerCrashed, match="This object is gone"):
        model(1)
    assert confined.load(repo, "model")(4) == 8
    assert confined.generation == 2


def test_a_slow_call_is_ended(repo: Path) -> None:
    with Worker(launch(repo, call_seconds=3)) as worker:
        with pytest.raises(WorkerTimeout, match="did not answer in time"):
            worker.load(repo, "sleep", 60)
        assert worker.load(repo, "model")(1) == 2


def test_an_interpreter_that_does_not_start_is_an_error() -> None:
    false = Launch(Path("/bin/false"), Path("/usr"), level=Level.NONE, limits=TRUSTED)
    with pytest.raises(WorkerCrashed, match="exit status 1"):
        Worker(false).start()


def test_what_cannot_be_sent_is_refused_and_nothing_breaks(worker: Worker, repo: Path) -> None:
    identity = worker.load(repo, "identity")
    with pytest.raises(InvalidInput, match="type object cannot be sent to a worker"):
        identity(object())
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(InvalidInput, match="contains itself"):
        identity(endless)
    with pytest.raises(InvalidInput, match="array of type object cannot travel"):
        identity(np.array([object()]))
    assert identity(1) == 1
    assert worker.generation == 1


def test_requests_of_many_threads_wait_their_turn(worker: Worker, repo: Path) -> None:
    identity = worker.load(repo, "identity")
    wrong: list[int] = []

    def ask(number: int) -> None:
        answers = (identity(np.full(10_000, number))[0] for _ in range(20))
        wrong.extend(int(answer) for answer in answers if answer != number)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_forked_child_gets_a_worker_of_its_own(worker: Worker, repo: Path) -> None:
    parent = worker.start().pid
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writer, str(worker.load(repo, "model")(worker.start().pid != parent)).encode())
            worker.close()
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read() == b"2"  # True, times the factor
    os.waitpid(pid, 0)
    assert worker.load(repo, "model")(1) == 2
    assert worker.start().pid == parent


def test_a_worker_that_nobody_holds_ends(repo: Path) -> None:
    worker = Worker(launch(repo))
    pid = worker.start().pid
    del worker
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.01)


def test_what_the_code_prints_goes_to_the_log(
    worker: Worker, repo: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="reprise.isolate"):
        worker.load(repo, "speak", "hello")
        worker.close()
    assert "worker: hello" in caplog.messages


def test_a_launch_can_be_pickled(repo: Path) -> None:
    made = launch(repo)
    assert pickle.loads(pickle.dumps(made)) == made


def test_repr_says_what_and_where(worker: Worker, repo: Path) -> None:
    model = worker.load(repo, "model")
    assert isinstance(model, RemoteObject)
    assert repr(model) == "<hubconf.Model in worker>"
    assert "keep" in dir(model)


def test_a_killed_worker_takes_its_children_along(repo: Path) -> None:
    (repo / "hubconf.py").write_text(
        "import subprocess\ndef child():\n return subprocess.Popen(['sleep', '300']).pid\n"
    )
    worker = Worker(launch(repo))
    child = worker.load(repo, "child")
    os.kill(worker.start().pid, signal.SIGKILL)
    with pytest.raises(WorkerCrashed, match="signal SIGKILL"):
        worker.load(repo, "child")
    while Path(f"/proc/{child}").exists():
        time.sleep(0.01)
