"""One bar on stderr while many inputs run, when somebody is watching."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_WORTH_A_BAR = 200  # inputs; fewer are over before a bar is read


@contextmanager
def advancing(total: int | None, *, wanted: bool | None) -> Iterator[Callable[[], None]]:
    """Give a function to call after each input.

    Args:
        total: How many inputs there are; None: nobody knows.
        wanted: Whether to show a bar; None: for many inputs, in a terminal.
    """
    many = total is not None and total >= _WORTH_A_BAR
    watched = bool(sys.stderr and sys.stderr.isatty())
    if not (many and watched if wanted is None else wanted):
        yield lambda: None
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"), progress.BarColumn(),
        progress.MofNCompleteColumn(), progress.TimeRemainingColumn(),
    )  # fmt: skip
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task("Running", total=total)
        yield lambda: shown.advance(bar, 1)
