"""One worker process, from its start to its end."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reprise.base.errors import RemoteFailure, RepriseError, WorkerCrashed, WorkerTimeout
from reprise.isolate.inside.messages import Channel, Message, ProtocolError
from reprise.isolate.inside.serve import INLINE, VERSION
from reprise.isolate.inside.values import CannotTravel, Decoder, Encoder
from reprise.isolate.launch import PROGRAM, Launch
from reprise.isolate.limits import Level
from reprise.isolate.log_lines import LogLines
from reprise.isolate.pool import Pool
from reprise.isolate.sandbox import confinement, make_spec
from reprise.isolate.supervisor import Ending, Supervisor

# The most that one answer may ask for: a worker that lies must not make us reserve everything.
MAX_ANSWER = 64 << 30


@dataclass(frozen=True)
class Hello:
    """What a worker says about itself when it is ready."""

    python: str
    modules: dict[str, str]
    pid: int
    level: Level


@dataclass
class Session:
    """A running worker. After any error but a remote one it is over and must be closed."""

    hello: Hello
    _channel: Channel
    _supervisor: Supervisor
    _output: LogLines
    _resources: ExitStack
    pool: Pool = field(default_factory=Pool)
    _owner: int = field(default_factory=os.getpid)

    @classmethod
    def open(cls, launch: Launch, name: str) -> "Session":
        """Start a worker and wait until it is ready.

        Args:
            launch: How.
            name: Stands before its output in the log.

        Raises:
            NotSupported: This machine cannot confine it.
            WorkerCrashed: It ended before it was ready.
            WorkerTimeout: It was not ready in time.
        """
        with ExitStack() as stack:
            confined = stack.enter_context(confinement(launch.level))
            ours, theirs = socket.socketpair()
            stack.callback(ours.close)
            with theirs:
                command: list[str | Path] = [launch.python, "-I", PROGRAM / "__main__.py"]
                command += [str(theirs.fileno()), *launch.modules]
                limits = launch.readable_limits()
                spec = make_spec(command, limits, confined, env=launch.environment())
                if launch.inherits:
                    spec = replace(spec, folder=str(Path.cwd()))
                supervisor = stack.enter_context(
                    Supervisor.start(
                        spec,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT,
                        pass_fds=[theirs.fileno()],
                    )
                )
            output = LogLines(supervisor.stdout, name)
            channel = Channel(ours, descriptors=False)
            hello = _greeting(channel, supervisor, output, launch.ready_seconds)
            facts = Hello(hello["python"], hello["modules"], hello["pid"], confined.level)
            return cls(facts, channel, supervisor, output, stack.pop_all())

    def ask(
        self,
        request: dict[str, Any],
        arguments: dict[str, Any],
        refer: Callable[[Any], Any],
        *,
        seconds: float | None,
    ) -> Message:
        """Send one request and wait for its answer.

        Args:
            request: Header fields: the operation and objects that are not needed any more.
            arguments: Of the operation.
            refer: Makes the JSON for values that only live in the worker.
            seconds: How long it may take.

        Raises:
            WorkerCrashed: The process ended, or does not keep to the protocol.
            WorkerTimeout: No answer in time.
            CannotTravel: An argument cannot be sent; the session goes on.
        """
        self.pool.collect()
        encoder = Encoder(refer)
        # The target is always an object of the worker: no need to find out what it is.
        text = {
            name: refer(value) if name == "target" else encoder.encode(value)
            for name, value in arguments.items()
        }
        header = {**request, "args": text, "slot": None}
        data = bytearray(encoder.size if encoder.size <= INLINE else 0)
        if encoder.size > INLINE:
            lent = self.pool.lend(encoder.size)
            header["slot"] = lent.number
            encoder.write(lent.memory)
        else:
            encoder.write(memoryview(data))
        try:
            self._send(header, data)
            return self._answer(seconds)
        except Exception as error:  # noqa: BLE001 - the worker may send anything
            raise self._translated(error) from None

    def failure(self, answer: Message) -> RemoteFailure | None:
        """Return what the other side raised, or None."""
        if "error" not in answer.header:
            return None
        try:
            described = answer.header["error"]
            kind, message = str(described["kind"]), str(described["message"])
            text = f"{kind}: {message}" if message else kind
            return RemoteFailure(text, kind=kind, trace=str(described["trace"]))
        except Exception as error:  # noqa: BLE001 - the worker may send anything
            raise self._translated(error) from None

    def decode(self, answer: Message, resolve: Callable[[Any], Any], *, prefer_numpy: bool) -> Any:
        """Return the value of an answer.

        Arrays and tensors share memory with a trusted worker. What an untrusted one wrote is
        copied, or it could change under the eyes of whoever checked it.

        Raises:
            WorkerCrashed: The answer breaks the protocol.
        """
        try:
            number = answer.header.get("slot")
            decoder = Decoder(self._view_of(number, answer), resolve, prefer_numpy=prefer_numpy)
            value = decoder.decode(answer.header["value"])
            if number is not None:
                self.pool.settle(number)
        except Exception as error:  # noqa: BLE001 - the worker may send anything
            raise self._translated(error) from None
        return value

    def close(self) -> None:
        """End the process and all it started, and delete its private folder.

        In a forked child, only close the child's copies.
        """
        self._channel.close()
        if os.getpid() != self._owner:
            self._supervisor.abandon()
            return
        self._supervisor.close()
        self._output.finish()
        self.pool.close()
        self._resources.close()

    def _view_of(self, number: Any, answer: Message) -> Callable[[int, int], memoryview]:
        if number is None:
            own = memoryview(bytearray(answer.data))  # aligned
            return lambda offset, size: _part(own, offset, size)
        slot = self.pool.use(number)
        if self.hello.level is not Level.NONE:
            return lambda offset, size: memoryview(bytearray(slot.part(offset, size)))
        return lambda offset, size: self.pool.leases.lend(slot, offset, size)

    def _send(self, header: dict[str, Any], data: bytearray) -> None:
        news, descriptors = self.pool.news()
        try:
            self._channel.send({**header, **news}, data, descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _answer(self, seconds: float | None) -> Message:
        while True:
            answer = self._channel.receive(seconds)
            if answer is None:
                raise EOFError
            need = answer.header.get("need")
            if need is None:
                self.pool.returned([int(number) for number in answer.header["released"]])
                return answer
            if not 0 < int(need) <= MAX_ANSWER:
                raise ProtocolError(f"The worker asks for {need} bytes.")
            self.pool.offer(int(need))
            self._send({}, bytearray())

    def _translated(self, error: Exception) -> Exception:
        """Turn whatever a broken or hostile worker causes into one of two errors."""
        if isinstance(error, CannotTravel | RepriseError):
            return error
        if isinstance(error, TimeoutError):
            return WorkerTimeout(
                "The worker did not answer in time and was ended.",
                hint="Give it more time, or less to do at once.",
            )
        if isinstance(error, EOFError | OSError):
            return _crash(self._supervisor, self._output)
        return WorkerCrashed(f"The worker broke the protocol and was ended: {error}")


def _greeting(
    channel: Channel, supervisor: Supervisor, output: LogLines, seconds: float
) -> dict[str, Any]:
    try:
        message = channel.receive(seconds)
    except TimeoutError:
        raise WorkerTimeout(
            f"The worker was not ready after {seconds:g} seconds and was ended.",
            hint=output.tail(),
        ) from None
    except ProtocolError as error:
        raise WorkerCrashed(f"The worker does not speak our protocol: {error}") from None
    if message is None:
        raise _crash(supervisor, output)
    if message.header.get("hello") != VERSION:
        raise WorkerCrashed("The worker speaks another version of the protocol.")
    return message.header


def _crash(supervisor: Supervisor, output: LogLines) -> WorkerCrashed:
    """Say how a worker ended and what it printed last."""
    ending = supervisor.autopsy()
    output.finish()
    return WorkerCrashed(f"The worker ended: {_cause(ending)}.", hint=output.tail())


def _cause(ending: Ending | None) -> str:
    if ending is None:
        return "nobody knows why"
    if ending.reason == "cancelled":
        return "it hung up"
    if ending.reason:
        return f"it went over its limit on {ending.reason.replace('_', ' ')}"
    if ending.code < 0:
        return f"signal {signal.Signals(-ending.code).name}"
    return f"exit status {ending.code}"


def _part(memory: memoryview, offset: int, size: int) -> memoryview:
    if not (0 <= offset <= len(memory) and 0 <= size <= len(memory) - offset):
        raise ValueError("A buffer lies outside its message.")
    return memory[offset : offset + size]
