"""Talk to a worker: load entry points, call objects that live in it.

    with Worker(launch) as worker:
        model = worker.load(folder, "resnet18", pretrained=False)
        model.eval()
        scores = model(image)          # a tensor, computed over there

What has a form on the wire comes back as a value. Everything else stays in the worker and is
represented here by a `RemoteObject`.
"""

import os
import weakref
from collections import Counter, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from reprise.base.errors import (
    EntryNotFound,
    InvalidInput,
    MissingDependencies,
    NotSupported,
    ObjectGone,
    RemoteFailure,
)
from reprise.isolate.inside.values import KIND, CannotTravel
from reprise.isolate.launch import Launch
from reprise.isolate.queue import Queue
from reprise.isolate.session import Hello, Session

# Makes the stand-in for an object of the worker, given its facts.
Represent = Callable[["Worker", "Reference", dict[str, Any]], Any]


class _Gone(CannotTravel):
    """A reference to an object of a process that ended."""


class Reference:
    """An object of one worker process, by number; hold it for as long as the object is needed."""

    def __init__(self, session: int, number: int) -> None:
        self.session = session
        self.number = number


class Worker:
    """A worker process, started when it is first needed and again after it ended.

    One request runs at a time; others wait their turn in the order they came. A worker belongs to
    the process that made it: after a fork, the child starts its own.

    Args:
        launch: How to start it.
        name: Stands before its output in the log.
        represent: Makes stand-ins for objects; `RemoteObject` by default.
        prefer_numpy: Return tensors as numpy arrays even where torch is installed.
    """

    def __init__(
        self,
        launch: Launch,
        *,
        name: str = "worker",
        represent: Represent | None = None,
        prefer_numpy: bool = False,
    ) -> None:
        self.launch = launch
        self.name = name
        self._represent: Represent = represent or RemoteObject
        self._prefer_numpy = prefer_numpy
        self._reset()

    def start(self) -> Hello:
        """Start the process unless it runs, and return what it says about itself.

        Raises:
            NotSupported: This machine cannot confine it as asked.
            WorkerCrashed: It ended before it was ready.
            WorkerTimeout: It was not ready in time.
        """
        with self._turn:
            return self._running().hello

    def load(self, folder: Path, entry: str, *args: Any, **kwargs: Any) -> Any:
        """Call an entry point of the repo in `folder`, which the worker must be able to read.

        Raises:
            EntryNotFound: The repo has no such entry point.
            MissingDependencies: It declares packages that the environment lacks.
            RemoteFailure: Its code raised.
        """
        return self.request(
            "load", {"folder": str(folder), "entry": entry, "args": args, "kwargs": kwargs}
        )

    def entries(self, folder: Path) -> list[dict[str, Any]]:
        """List what `hubconf.py` of a folder offers, by running it; see `inside.repo.entry_points`.

        What comes back is the word of the code that ran, and to be checked as such.
        """
        found: list[dict[str, Any]] = self.request("entries", {"folder": str(folder)})
        return found

    def call(self, target: Reference, method: str, args: Any = (), kwargs: Any = None) -> Any:
        """Call an object, or the named method of it."""
        arguments = {"target": target, "method": method, "args": args, "kwargs": kwargs or {}}
        return self.request("call", arguments)

    def request(self, operation: str, arguments: dict[str, Any]) -> Any:
        """Send one request and return the value of its answer.

        Raises:
            RemoteFailure: The other side raised; the error holds its traceback.
            WorkerCrashed: The process ended, or had to be ended. The next request starts another.
            ObjectGone: It is about an object of a process that ended.
            WorkerTimeout: It took longer than `launch.call_seconds`, and was ended.
            InvalidInput: A value cannot be sent.
        """
        with self._turn:
            try:
                return self._ask(operation, arguments)
            except RemoteFailure as error:
                raise _translated(error) from None
            except _Gone as error:
                raise ObjectGone(str(error), hint="Load it again.") from None
            except CannotTravel as error:
                raise InvalidInput(str(error)) from None
            except BaseException:
                # KeyboardInterrupt too: its answer would meet the next request.
                self._discard()
                raise

    def _ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        session = self._running()
        header = {"op": operation, "release": self._releases()}
        answer = session.ask(header, arguments, self._refer, seconds=self.launch.call_seconds)
        failure = session.failure(answer)
        if failure is not None:
            raise failure
        return session.decode(answer, self._resolve, prefer_numpy=self._prefer_numpy)

    def close(self) -> None:
        """End the process; objects in it are gone."""
        with self._turn:
            self._discard()

    @property
    def generation(self) -> int:
        """Counts the processes of this worker; a reference is good for one of them."""
        return self._generation

    def _reset(self) -> None:
        self._owner = os.getpid()
        self._session: Session | None = None
        self._generation = 0
        self._received: Counter[int] = Counter()
        self._references: weakref.WeakValueDictionary[int, Reference] = (
            weakref.WeakValueDictionary()
        )
        self._given_up: deque[tuple[int, int]] = deque()
        self._queue = Queue()
        self._finalizer: Callable[[], object] = bool  # nothing to end yet

    def _running(self) -> Session:
        if self._session is None:
            self._generation += 1
            self._received.clear()
            self._session = Session.open(self.launch, self.name)
            # A worker that nobody holds any more ends; so do all when the interpreter exits.
            self._finalizer = weakref.finalize(self, self._session.close)
        return self._session

    def _discard(self) -> None:
        self._session = None
        self._finalizer()  # runs once, however often it is called

    @property
    def _turn(self) -> "Queue":
        """The queue to wait in, until everyone who came before is done."""
        if os.getpid() != self._owner:
            self._leave_to_parent()
        return self._queue

    def _leave_to_parent(self) -> None:
        """Forget the process of the one that forked us; closing our copies does not end it."""
        generation = self._generation
        self._finalizer()
        self._reset()
        self._generation = generation

    def _refer(self, value: Any) -> dict[str, Any]:
        reference = getattr(value, "__reprise_reference__", value)
        if not isinstance(reference, Reference):
            raise CannotTravel(
                f"A value of type {type(value).__name__} cannot be sent to a worker; "
                "send numbers, texts, lists, dictionaries, arrays, tensors or images."
            )
        if reference.session != self._generation:
            raise _Gone("This object is gone: its worker ended.")
        return {KIND: "ref", "id": reference.number}

    def _resolve(self, facts: dict[str, Any]) -> Any:
        if facts.get(KIND) != "object":
            raise ValueError(f"unknown kind {facts.get(KIND)!r}")
        number = int(facts["id"])
        self._received[number] += 1
        reference = self._references.get(number)
        if reference is None or reference.session != self._generation:
            reference = Reference(self._generation, number)
            self._references[number] = reference
            place = (self._generation, number)
            weakref.finalize(reference, self._given_up.append, place).atexit = False
        return self._represent(self, reference, facts)

    def _releases(self) -> dict[str, int]:
        """Return the objects that nobody here holds any more, with how often they were received."""
        found = {}
        while self._given_up:
            generation, number = self._given_up.popleft()
            if generation == self._generation and number not in self._references:
                found[str(number)] = self._received.pop(number, 0)
        return found

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class RemoteObject:
    """Stands for an object that lives in a worker.

    Attributes, calls, items and iteration are forwarded; each is one request.
    """

    __slots__ = ("__reprise_reference__", "__weakref__", "_facts", "_worker")

    def __init__(self, worker: Worker, reference: Reference, facts: dict[str, Any]) -> None:
        object.__setattr__(self, "_worker", worker)
        object.__setattr__(self, "__reprise_reference__", reference)
        object.__setattr__(self, "_facts", facts)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the object in the worker."""
        return self._worker.call(self.__reprise_reference__, "", args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)  # Python itself asks for these; they are not remote
        return self._worker.request("get", {"target": self.__reprise_reference__, "name": name})

    def __setattr__(self, name: str, value: Any) -> None:
        arguments = {"target": self.__reprise_reference__, "name": name, "value": value}
        self._worker.request("set", arguments)

    def __getitem__(self, key: Any) -> Any:
        return self._worker.call(self.__reprise_reference__, "__getitem__", (key,))

    def __bool__(self) -> bool:
        return True  # asking the worker would fail for all that has no length

    def __len__(self) -> int:
        try:
            return int(self._worker.call(self.__reprise_reference__, "__len__"))
        except AttributeError:
            raise TypeError(f"{self!r} has no length.") from None

    def __iter__(self) -> Iterator[Any]:
        iterator = self._worker.call(self.__reprise_reference__, "__iter__")
        if not isinstance(iterator, RemoteObject):
            yield from iterator
            return
        while True:
            try:
                yield iterator._worker.call(iterator.__reprise_reference__, "__next__")  # noqa: SLF001
            except RemoteFailure as error:
                if error.kind == "StopIteration":
                    return
                raise

    def __dir__(self) -> list[str]:
        names = self._worker.request("describe", {"target": self.__reprise_reference__})["dir"]
        return [str(name) for name in names]

    def __repr__(self) -> str:
        return f"<{self._facts['type']} in {self._worker.name}>"


def _translated(failure: RemoteFailure) -> Exception:
    """Give the caller the errors it would get without a worker, where it has to tell them apart."""
    if failure.kind == "EntryPointMissing":
        return EntryNotFound(failure.message.partition(": ")[2])
    if failure.kind == "DependencyMissing":
        return MissingDependencies(failure.message.partition(": ")[2])
    if failure.kind == "NotExportable":
        said, _, step = failure.message.partition(": ")[2].partition("\n")
        return NotSupported(said, hint=step)
    if failure.kind == "AttributeError":
        return AttributeError(failure.message.partition(": ")[2])
    return failure
