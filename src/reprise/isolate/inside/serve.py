"""The loop of a worker: one request, one answer."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import traceback
from importlib import import_module
from typing import Any

from . import repo
from .handles import Handles
from .messages import Channel, Message
from .slots import Leases, Slot, fits
from .values import Decoder, Encoder

VERSION = 1
INLINE = 16 << 10  # bytes; below that a copy through the socket beats the bookkeeping of a slot


def main(descriptor: int, modules: list[str]) -> None:
    """Import what will be needed, say hello, then answer until the caller hangs up."""
    sys.argv = ["worker"]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    channel = Channel(socket.socket(fileno=descriptor), descriptors=True)
    channel.send(_hello(modules))
    worker = Worker(channel)
    while worker.answer_one():
        pass


class Worker:
    """What one worker process knows: objects, shared memory, and the way back."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._handles = Handles()
        self._slots: dict[int, Slot] = {}
        self._leases = Leases()

    def answer_one(self) -> bool:
        """Answer the next request; False when there are no more."""
        message = self._channel.receive()
        if message is None:
            return False
        header = message.header
        self._adopt(header, message.descriptors)
        self._handles.release(header.get("release", {}))
        try:
            reply, data = self._answer(message)
        except BaseException as error:  # noqa: BLE001 - also SystemExit: the repo does not end us
            reply, data = {"error": _describe(error)}, bytearray()
            traceback.clear_frames(error.__traceback__)
            del error
        slot = header.get("slot")
        del message, header
        reply["released"] = released = self._released(slot)
        try:
            self._channel.send(reply, data)
        except ValueError as error:  # too much text for one message
            self._channel.send({"error": _describe(error), "released": released})
        return True

    def _answer(self, message: Message) -> Any:
        header = message.header
        decoder = Decoder(self._view_of(header.get("slot"), message.data), self._handles.resolve)
        arguments = {name: decoder.decode(value) for name, value in header["args"].items()}
        with _without_gradients():
            result = _OPERATIONS[header["op"]](self, **arguments)
        del arguments, decoder
        return self._encode(result, header)

    def _encode(self, result: Any, header: dict[str, Any]) -> Any:
        encoder = Encoder(self._handles.refer)
        reply: dict[str, Any] = {"value": encoder.encode(result)}
        if encoder.size <= INLINE:
            data = bytearray(encoder.size)
            encoder.write(memoryview(data))
            return reply, data
        slot = self._slot_of(encoder.size, header.get("offer", []))
        encoder.write(slot.memory)
        reply["slot"] = slot.number
        return reply, bytearray()

    def _released(self, slot: Any) -> list[int]:
        """Return slots that nothing here looks at any more, the request's own included."""
        found = self._leases.ended()
        if slot is not None and slot not in found and not self._leases.is_open(slot):
            found.append(slot)
        return found

    def _view_of(self, number: Any, data: memoryview) -> Any:
        if number is None:
            own = memoryview(bytearray(data))  # aligned, and independent of the message
            return lambda offset, size: own[offset : offset + size]
        slot = self._slots[number]
        return lambda offset, size: self._leases.lend(slot, offset, size)

    def _slot_of(self, size: int, offered: list[int]) -> Slot:
        """Return the smallest offered slot that is large enough, or ask for one."""
        fitting = [self._slots[n] for n in offered if fits(self._slots[n], size)]
        if fitting:
            return min(fitting, key=lambda slot: slot.size)
        self._channel.send({"need": size})
        answer = self._channel.receive()
        if answer is None:
            raise SystemExit(0)
        self._adopt(answer.header, answer.descriptors)
        return self._slots[answer.header["slots"][0]["id"]]

    def _adopt(self, header: dict[str, Any], descriptors: list[int]) -> None:
        """Map new slots and forget old ones."""
        for fact, descriptor in zip(header.get("slots", []), descriptors):  # noqa: B905 - 3.8
            self._slots[fact["id"]] = Slot(fact["id"], descriptor, fact["size"])
            os.close(descriptor)
        for number in header.get("drop", []):
            self._slots.pop(number, None)

    # -- operations: what a caller can ask for ------------------------------------------------

    def load(self, folder: str, entry: str, args: Any, kwargs: Any) -> Any:
        """Call an entry point of a repo."""
        return repo.entry_point(folder, entry)(*args, **kwargs)

    def entries(self, folder: str) -> Any:
        """Describe the entry points of a repo."""
        return repo.entry_points(folder)

    def trial(self, name: str, arguments: Any) -> Any:
        """Try something and say how it went; see `trial` and `example`."""
        module, function = _TRIALS[name]  # imported now: most workers are never asked
        return getattr(import_module(module, __package__), function)(**arguments)

    def call(self, target: Any, method: str, args: Any, kwargs: Any) -> Any:
        """Call an object, or a method of it."""
        return (getattr(target, method) if method else target)(*args, **kwargs)

    def get(self, target: Any, name: str) -> Any:
        """Read an attribute."""
        return getattr(target, name)

    def set(self, target: Any, name: str, value: Any) -> None:
        """Write an attribute."""
        setattr(target, name, value)

    def describe(self, target: Any) -> Any:
        """Return what an object calls itself, and its attributes."""
        return {"repr": repr(target), "doc": getattr(target, "__doc__", None), "dir": dir(target)}

    def export(self, target: Any, example: Any, dynamic: Any) -> Any:
        """Turn a module into a graph and tensors, see `exporting`."""
        from . import exporting

        return exporting.export(target, example, dynamic)

    def check_export(self, folder: str) -> Any:
        """Run an exported model on its example, see `exported`."""
        from . import exported

        return exported.check(folder)

    def echo(self, value: Any) -> Any:
        """Return the value; to see how long a message takes."""
        return value


_NAMES = "load entries trial call get set describe export check_export echo"
_OPERATIONS = {name: getattr(Worker, name) for name in _NAMES.split()}
_TRIALS = {
    "entry": (".trial", "try_entry"),
    "weights": (".trial", "try_weights"),
    "example": (".example", "try_example"),
    "packages": (".trial", "packages"),
}


def _hello(modules: list[str]) -> dict[str, Any]:
    """Import modules that will be needed anyway; absent ones are no error."""
    found = {}
    for name in modules:
        with contextlib.suppress(ImportError):
            found[name] = str(getattr(import_module(name), "__version__", ""))
    python = ".".join(map(str, sys.version_info[:3]))
    return {"hello": VERSION, "python": python, "modules": found, "pid": os.getpid()}


def _without_gradients() -> Any:
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "no_grad"):
        return contextlib.nullcontext()
    return torch.no_grad()


def _describe(error: BaseException) -> dict[str, Any]:
    """Describe an exception as text; its class may not exist on the other side."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_HERE):
        trace = trace.tb_next  # our own frames tell nobody anything
    lines = traceback.format_exception(type(error), error, trace)
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - a hostile __str__ must not end the worker
        message = ""
    return {
        "kind": type(error).__name__,
        "message": message[:_MAX_TEXT],
        "trace": "".join(lines)[-_MAX_TEXT:],
    }


_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - compared as text
_MAX_TEXT = 20_000
