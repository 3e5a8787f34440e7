"""`reprise worker`: run models for a hub."""

import os
import queue
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

import click

from reprise.base.errors import Unauthenticated
from reprise.cli import output

TOKEN = "REPRISE_WORKER_TOKEN"  # noqa: S105 - the name of a variable
_UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
          "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}  # fmt: skip
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")
_LEAST = 200 * 10**6  # bytes: less than any process with a model takes


class Size(click.ParamType[int]):
    """An amount of memory: 4GB, 512MiB."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read an amount; gives bytes."""
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(str(value).strip())
        if not match or match[2].upper() not in _UNITS:
            self.fail(f"{value!r} is no amount of memory; write 4GB or 512MiB.", param, ctx)
        found = int(float(match[1]) * _UNITS[match[2].upper()])
        if found < _LEAST:
            self.fail(f"{value!r} is too little for any model; write 4GB.", param, ctx)
        return found


@click.command()
@click.option("--hub", required=True, metavar="URL", help="The hub to work for.")
@click.option("--name", metavar="NAME", help="What the hub calls it.  [default: host's name]")
@click.option("--memory", type=Size(), help="For all models.  [default: half of the machine's]")
@click.option("--slots", type=click.IntRange(1, 1024), default=32, show_default=True,
              help="Requests at once.")  # fmt: skip
@click.option("--rows", type=click.IntRange(1, 1024), default=32, show_default=True,
              help="Texts that a model writes at once.")  # fmt: skip
@click.option("--engine", default="auto", type=click.Choice(["auto", "onnx", "torch"]),
              help="What computes.  [default: auto]")  # fmt: skip
@click.option("--threads", type=click.IntRange(0, 1024), default=0,
              help="Threads of a model.  [default: all]")  # fmt: skip
@click.option("--device", default="", metavar="DEVICE", help="Where torch computes: cuda.")
@click.option("--dtype", default="", metavar="DTYPE", help="In which numbers: bfloat16.")
@click.option("--grace", type=click.FloatRange(0, 3600), default=30.0, show_default=True,
              help="Seconds that running requests get when the worker is ended.")  # fmt: skip
def worker(hub: str, name: str | None, memory: int | None, **given: Any) -> None:
    """Run models for a hub: take requests, answer them, until Ctrl-C or SIGTERM.

    The worker opens no port. Its access token, which the hub's operator makes with
    `reprise token create USER --role worker`, is read from REPRISE_WORKER_TOKEN, or else from the
    first line of stdin.
    """
    from reprise.base.optional import require
    from reprise.worker.service import Service
    from reprise.worker.settings import Settings, half_of_memory

    require("onnxruntime", extra="run")
    from reprise.tasks.kinds import KINDS

    settings = Settings(
        hub=hub, token=_token(), name=name or socket.gethostname(),
        memory=memory or half_of_memory(), **given,
    )  # fmt: skip
    service = Service(settings, sorted(KINDS))
    _stop_on_signals(service.stop)
    service.register()
    output.say(f"Working for {hub}. Stop with Ctrl-C.")
    service.run()


def _stop_on_signals(stop: Callable[[], None]) -> None:
    """Stop on SIGINT and SIGTERM. Handlers only put a note; a thread may take locks."""
    notes: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: notes.put(number))

    def wait() -> None:
        notes.get()
        stop()

    threading.Thread(target=wait, daemon=True).start()


def _token() -> str:
    """Read the access token, and let nothing that is started later see it."""
    found = os.environ.pop(TOKEN, "")
    if not found and not sys.stdin.isatty():
        found = sys.stdin.readline()
    if not found.strip():
        raise Unauthenticated(
            "A worker needs an access token.",
            hint=f"reprise token create USER --role worker makes one; set {TOKEN}.",
        )
    return found.strip()
