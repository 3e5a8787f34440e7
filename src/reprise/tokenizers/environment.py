"""The sandbox that chat templates run in; importing this module imports Jinja."""

import json
from datetime import datetime
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from reprise.tokenizers.growth import Growth

_growth = Growth(SecurityError)
_CHECKED_FILTERS = ("center", "format", "indent", "replace")


class _Generation(Extension):
    """`{% generation %}`: marks what the assistant said."""

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


class _Names(Namespace):
    """Jinja's namespace, without names that Python itself looks for."""

    def __init__(*args: Any, **kwargs: Any) -> None:
        self, values = args[0], dict(*args[1:], **kwargs)
        for name in values:
            _check_name(name)
        Namespace.__init__(self, values)

    def __setitem__(self, name: str, value: Any) -> None:
        _check_name(name)
        super().__setitem__(name, value)


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or name.startswith("_"):
        raise SecurityError(f"a namespace cannot hold {name!r:.40}")


class _Checked(CodeGenerator):
    """Compiles `a ~ b` to a call that looks at the length first."""

    def visit_Concat(self, node: Any, frame: Any) -> None:  # noqa: N802 - Jinja's interface
        self.write("environment.concat_checked((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, without the operations by which a short template fills the memory."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})
    code_generator_class = _Checked

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        _growth.check_product(operator, left, right)
        return super().call_binop(context, operator, left, right)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        _growth.check_call(args[1], args[2:], kwargs)
        return super().call(*args, **kwargs)

    def concat_checked(self, parts: tuple[Any, ...]) -> str:
        texts = [str(part) for part in parts]
        _growth.check_length(sum(map(len, texts)))
        return "".join(texts)


def environment() -> _Sandbox:
    """Return a sandbox with the helpers that chat templates expect."""
    made = _Sandbox(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols])
    for name in _CHECKED_FILTERS:
        made.filters[name] = _growth.filter(made.filters[name])
    made.filters["tojson"] = _to_json
    made.globals.update(
        raise_exception=_raise, strftime_now=_now, namespace=_Names, dict=_dictionary
    )
    del made.globals["lipsum"]  # makes any amount of text, and no conversation needs it
    return made


def _dictionary(*args: Any, **kwargs: Any) -> dict[Any, Any]:
    """Stand in for the class, which would be a way out of the sandbox."""
    return dict(*args, **kwargs)


def _raise(message: str) -> None:
    raise TemplateError(message)


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
