"""One bar on stderr for long work on rows, when somebody is watching."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[int], None]
_PATIENCE = 1.0  # seconds; what takes less needs no bar


@contextmanager
def row_meter(title: str, total: int | None) -> Iterator[Advance]:
    """Show one bar for a number of rows while the block runs; nothing when stderr is no terminal.

    The bar appears when the work has taken a second.
    """
    if not _is_watched():
        yield lambda _rows: None
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
    )
    shown = progress.Progress(*columns, console=Console(stderr=True), transient=True)
    task, started, running = shown.add_task(title, total=total), time.monotonic(), [False]

    def advance(rows: int) -> None:
        if not running[0] and time.monotonic() - started > _PATIENCE:
            shown.start()
            running[0] = True
        shown.advance(task, rows)

    try:
        yield advance
    finally:
        if running[0]:
            shown.stop()


def _is_watched() -> bool:
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled

    return bool(sys.stderr and sys.stderr.isatty()) and not are_progress_bars_disabled()
