"""Jinja templates of strangers, run with the helpers that chat templates expect, and limits."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from time import thread_time
from types import FrameType
from typing import Any

from reprise.base.errors import InvalidInput, TooLarge
from reprise.base.optional import require

MAX_TEMPLATE = 4 << 20  # characters of a template
MAX_TEXT = 64 << 20  # characters of a rendered conversation
MAX_SECONDS = 10.0  # of processor time in one template
Spans = list[tuple[int, int]]


def render(source: str, variables: Mapping[str, Any]) -> tuple[str, Spans]:
    """Render a template.

    Returns:
        The text, and the spans of it (in characters) that `{% generation %}` blocks made.

    Raises:
        InvalidInput: The template is no template, or failed; the message is its own.
        TooLarge: The text would be over `MAX_TEXT` characters, or take over `MAX_SECONDS`.
    """
    jinja2 = require("jinja2", extra="run")
    if len(source) > MAX_TEMPLATE:
        raise TooLarge(f"The chat template has {len(source)} characters; {MAX_TEMPLATE} is most.")
    spans: Spans = []
    pieces: list[str] = []
    length = 0
    try:
        template = _compiled(source)
        with _deadline():
            tracked = {**variables, "_generation": _Tracker(pieces, spans)}
            for piece in template.generate(tracked):
                length += len(piece)
                if length > MAX_TEXT:
                    raise TooLarge(f"The chat template made over {MAX_TEXT} characters.")
                pieces.append(piece)
    except jinja2.exceptions.TemplateSyntaxError as error:
        raise InvalidInput(f"The chat template is broken: {error}") from None
    except jinja2.exceptions.TemplateError as error:
        raise InvalidInput(f"The chat template refused: {error}") from None
    except (
        TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError,
        MemoryError,
    ) as error:  # fmt: skip
        kind = type(error).__name__
        raise InvalidInput(f"The chat template failed: {kind}: {str(error)[:300]}") from None
    return "".join(pieces), spans


class _Tracker:
    """Notes where generated text starts and ends."""

    def __init__(self, pieces: list[str], spans: Spans) -> None:
        self._pieces = pieces
        self._spans = spans

    def note(self, length: int) -> None:
        start = sum(map(len, self._pieces))
        self._spans.append((start, start + length))


@lru_cache(maxsize=16)
def _compiled(source: str) -> Any:
    from reprise.tokenizers.environment import environment  # and Jinja with it

    return environment().from_string(source)


@contextmanager
def _deadline() -> Iterator[None]:
    """Stop a template that runs too long: loops within loops, macros that call each other.

    A trace function sees each line of the template as it runs, in this thread only.
    """
    before = sys.gettrace()
    if before is not None:  # a debugger or a coverage tool is at work: leave it alone
        yield
        return
    end = thread_time() + MAX_SECONDS

    def local(_frame: FrameType, _event: str, _argument: Any) -> Any:
        if thread_time() > end:
            raise TooLarge(f"The chat template ran for over {MAX_SECONDS:.0f} seconds.")
        return local

    def trace(frame: FrameType, _event: str, _argument: Any) -> Any:
        return local(frame, "", None) if frame.f_code.co_filename == "<template>" else None

    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(None)
