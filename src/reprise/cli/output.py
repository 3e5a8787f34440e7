"""How every command prints: data on stdout, everything else on stderr, JSON on request."""

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])
_JSON = "reprise.json"
_QUIET = "reprise.quiet"
# Control characters but for tab and line feed, and marks that turn around what follows.
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_TALKATIVE = ("hub", "isolate", "cli", "worker")  # the server keeps a log of its own


def json_option(function: _Function) -> _Function:
    """Give a command `--json`; `show` and `table` obey it, the function need not know."""
    decorate = click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        is_eager=True,  # known before another option fails, so that the error is JSON too
        callback=lambda ctx, _param, value: ctx.find_root().meta.update({_JSON: value}),
        help="Print data as JSON.",
    )
    return decorate(function)


def wants_json() -> bool:
    """Tell whether the running command was given `--json`."""
    ctx = click.get_current_context(silent=True)
    return bool(ctx and ctx.find_root().meta.get(_JSON))


def set_quiet(quiet: bool) -> None:
    """Remember `--quiet` for this run."""
    click.get_current_context().find_root().meta[_QUIET] = quiet


def is_quiet() -> bool:
    """Tell whether `--quiet` was given."""
    ctx = click.get_current_context(silent=True)
    return bool(ctx and ctx.find_root().meta.get(_QUIET))


def show(value: Any, human: str | Callable[[], str] | None = None) -> None:
    """Print a result on stdout: as JSON with `--json`, else as text.

    Args:
        value: Anything JSON can say (other values are printed as strings).
        human: The text for people, or a function that makes it; `str(value)` by default.
    """
    if wants_json():
        print(json.dumps(value, indent=2, ensure_ascii=False, default=str))
        return
    text = human() if callable(human) else str(value) if human is None else human
    if text:
        print(plain(text))


def table(rows: Sequence[dict[str, Any]], columns: Sequence[str], *, empty: str = "") -> None:
    """Print rows on stdout.

    A JSON array with `--json`; aligned columns under a heading in a terminal; tab-separated
    values without a heading in a pipe, so that `cut` and `awk` work.

    Args:
        rows: One dict per row; JSON gets all of it.
        columns: The keys that people see, in this order; `last_update` is titled "LAST UPDATE".
        empty: What to tell people on stderr when there are no rows.
    """
    if wants_json():
        print(json.dumps(list(rows), indent=2, ensure_ascii=False, default=str))
    elif not rows:
        say(empty)
    elif sys.stdout.isatty():
        _print_aligned([[_cell(row.get(key)) for key in columns] for row in rows], columns)
    else:
        for row in rows:
            print("\t".join(_cell(row.get(key)) for key in columns))


def say(message: str) -> None:
    """Tell people something on stderr; `--quiet` silences it."""
    if message and not is_quiet():
        print(plain(message), file=sys.stderr)


def warn(message: str) -> None:
    """Warn on stderr."""
    print(f"{_styled('warning:', 'yellow')} {plain(message)}", file=sys.stderr)


def hint(message: str) -> None:
    """Suggest the next step on stderr; `--quiet` silences it."""
    if message and not is_quiet():
        print(f"{_styled('hint:', 'cyan')} {plain(message)}", file=sys.stderr)


def print_error(message: str, *, hint: str = "", code: str = "", as_json: bool = False) -> None:
    """Print an error on stderr: two lines for people, or one JSON object."""
    if as_json:
        fields = {"error": message, "hint": hint, "code": code}
        print(json.dumps({k: v for k, v in fields.items() if v}), file=sys.stderr)
        return
    print(f"{_styled('error:', 'red')} {plain(message)}", file=sys.stderr)
    if hint:
        print(f"{_styled('hint:', 'cyan')}  {plain(hint)}", file=sys.stderr)


def plain(text: str) -> str:
    """Return a text that cannot steer a terminal: repos and servers speak through what we print.

    Example:
        >>> plain("a net" + chr(27) + "[2J") == "a net" + chr(0xFFFD) + "[2J"
        True
    """
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)


def size_text(size: int) -> str:
    """Format bytes for people.

    Example:
        >>> size_text(1536), size_text(7)
        ('1.5 kB', '7 B')
    """
    amount, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:  # noqa: PLR2004 - decimal units, as disks are sold
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def log_to_stderr(level: int) -> None:
    """Show what the library logs: plain sentences, warnings marked."""
    for room in _TALKATIVE:
        logger = logging.getLogger(f"reprise.{room}")
        logger.handlers = [_LogHandler()]
        logger.setLevel(level)


class _LogHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "notice", False):
            return  # commands say themselves what runs
        if record.levelno >= logging.WARNING:
            warn(record.getMessage())
        else:
            print(_styled(plain(record.getMessage()), "bright_black"), file=sys.stderr)


@contextmanager
def status(message: str) -> Iterator[None]:
    """Show a spinner on stderr while a block runs; nothing when stderr is no terminal."""
    if is_quiet() or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(message):
        yield


def _styled(text: str, colour: str) -> str:
    return click.style(text, fg=colour) if sys.stderr.isatty() else text


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return plain(", ".join(str(item) for item in value))
    return plain(" ".join(str(value).split()))  # tabs and line ends would break the row


def _print_aligned(cells: Sequence[Sequence[str]], columns: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        grid.add_column(name.replace("_", " ").upper(), overflow="fold")
    for row in cells:
        grid.add_row(*(Text(cell) for cell in row))  # Text: a repo's own words are no markup
    Console().print(grid)
