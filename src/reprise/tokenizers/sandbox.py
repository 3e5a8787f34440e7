"""Jinja templates of strangers, run with the helpers that chat templates expect, and limits."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from time import thread_time
from types import FrameType
from typing import Any

from reprise.base.errors import InvalidInput, TooLarge
from reprise.base.optional import require
from reprise.tokenizers.growth import Growth

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
    return _environment().from_string(source)


def _environment() -> Any:
    """Make the sandbox; Jinja is imported only when a template is rendered."""
    from jinja2 import nodes
    from jinja2.compiler import CodeGenerator
    from jinja2.exceptions import SecurityError, TemplateError
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        tags = {"generation"}  # noqa: RUF012 - Jinja's interface

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            call = self.call_method("noted", [nodes.ContextReference()])
            return nodes.CallBlock(call, [], [], body).set_lineno(line)

        def noted(self, context: Any, caller: Any) -> str:
            text = str(caller())
            context["_generation"].note(len(text))
            return text

    class Checked(CodeGenerator):
        def visit_Concat(self, node: Any, frame: Any) -> None:  # noqa: N802 - Jinja's interface
            self.write("environment.concat_checked((")
            for part in node.nodes:
                self.visit(part, frame)
                self.write(", ")
            self.write("))")

    class Sandbox(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset({"+", "*", "**", "%"})
        code_generator_class = Checked

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            growth.check_product(operator, left, right)
            return super().call_binop(context, operator, left, right)

        def call(self, *args: Any, **kwargs: Any) -> Any:
            growth.check_call(args[1], args[2:], kwargs)
            return super().call(*args, **kwargs)

        def concat_checked(self, parts: tuple[Any, ...]) -> str:
            texts = [str(part) for part in parts]
            growth.check_length(sum(map(len, texts)))
            return "".join(texts)

    def raise_exception(message: str) -> None:
        raise TemplateError(message)

    growth = Growth(SecurityError)
    made = Sandbox(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    for name in ("center", "format", "indent", "replace"):
        made.filters[name] = growth.filter(made.filters[name])
    made.filters["tojson"] = _to_json
    made.globals.update(raise_exception=raise_exception, strftime_now=_now)
    return made


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Return JSON without HTML's escapes, unlike Jinja's own filter."""
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def _now(form: str) -> str:
    return datetime.now().strftime(form)  # noqa: DTZ005 - templates show the user's own time


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
