"""Progress of transfers: one bar on stderr for all files together, when somebody is watching."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# Takes bytes as they arrive.
Advance = Callable[[int], None]
_WORTH_A_BAR = 1 << 20  # bytes; less is over before a bar is drawn


class Meter:
    """Counts the bytes of several files, in flight or cached already, into one bar."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._lock = threading.Lock()

    def file(self) -> "type[FileBar]":
        """Return a class for one file, with the interface that huggingface_hub expects of tqdm."""
        return type("FileBar", (FileBar,), {"meter": self, "counted": 0})

    def finish(self, bar: "type[FileBar]", size: int) -> None:
        """Count what a file's transfer did not report: it was cached, or deduplicated."""
        self.add(bar, size - bar.counted)

    def add(self, bar: "type[FileBar]", amount: int) -> None:
        """Count bytes of one file."""
        with self._lock:
            bar.counted += amount
            self._advance(amount)


class FileBar:
    """A stand-in for tqdm that draws nothing and reports bytes to a meter."""

    meter: Meter
    counted: int

    def __init__(self, *_args: Any, **kwargs: Any) -> None:
        self.total = kwargs.get("total")
        self.n = 0

    def __enter__(self) -> "FileBar":
        return self

    def __exit__(self, *exc: object) -> None:
        """Leave the bar; nothing was drawn."""

    def update(self, amount: float | None = 1) -> None:
        """Count bytes written to disk."""
        self.n += int(amount or 0)
        self.meter.add(type(self), int(amount or 0))

    def update_transfer(self, amount: float | None = 1) -> None:
        """Ignore bytes on the wire: deduplication makes them fewer than those on disk."""

    def set_postfix_str(self, *_args: Any, **_kwargs: Any) -> None:
        """Ignore rates; the shared bar knows its own."""

    set_transfer_postfix_str = set_description = set_description_str = set_postfix_str

    def refresh(self) -> None:
        """Draw nothing."""

    close = refresh


@contextmanager
def byte_meter(title: str, total: int) -> Iterator[Meter]:
    """Show one bar for a number of bytes while the block runs.

    Nothing is shown when stderr is no terminal, when huggingface_hub's bars are switched off, or
    when the transfer is too small to be worth it.
    """
    if total < _WORTH_A_BAR or not _is_watched():
        yield Meter(lambda _amount: None)
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(title, total=total)
        yield Meter(lambda amount: shown.advance(task, amount))


def _is_watched() -> bool:
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled

    return bool(sys.stderr and sys.stderr.isatty()) and not are_progress_bars_disabled()
