"""Options of a metric: declared once, checked when given, written into the signature."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from reprise.base.errors import InvalidInput


class Mandatory:
    """Marks an option without a default, because each common choice gives another number."""

    def __repr__(self) -> str:
        return "mandatory"


MANDATORY = Mandatory()
UPSTREAM = "-"
Options = Mapping[str, Any]


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        name: As the caller writes it.
        summary: What it decides.
        default: Its value when not given; `MANDATORY` has none.
        choices: The values it may have; empty for any that `check` accepts.
        check: Returns the value, in its plain form, or raises `ValueError` with the reason.
        key: Its name in the signature; by default `name`. `UPSTREAM`: the signature of the
            library that computes says it.
    """

    name: str
    summary: str
    default: Any = MANDATORY
    choices: tuple[Any, ...] = ()
    check: Callable[[Any], Any] | None = None
    key: str = ""


def resolve(declared: Sequence[Option], given: Options, metric: str) -> dict[str, Any]:
    """Return a value for every declared option.

    Args:
        declared: The metric's options.
        given: What the caller said.
        metric: Its id, for messages.

    Raises:
        InvalidInput: An unknown option, a value that is not allowed, or a mandatory one is absent.
    """
    known = {option.name: option for option in declared}
    for name in given:
        if name not in known:
            raise InvalidInput(f"{metric} has no option {name!r}.", hint=_others(name, known))
    absent = [o for o in declared if o.default is MANDATORY and o.name not in given]
    if absent:
        needed = "; ".join(f"{option.name}={_allowed(option)}" for option in absent)
        raise InvalidInput(
            f"{metric} needs {' and '.join(o.name for o in absent)}: "
            "its value depends on what is chosen.",
            hint=f"Give {needed}.",
        )
    return {o.name: _value(o, given[o.name], metric) if o.name in given else o.default
            for o in declared}  # fmt: skip


def text_of(value: Any) -> str:
    """Write an option's value for a signature: `yes`, `none`, `a,b`, `0.5`.

    Example:
        >>> text_of(True), text_of(None), text_of(("PER", "LOC")), text_of("a|b")
        ('yes', 'none', 'PER,LOC', 'a%7Cb')
    """
    if value is True or value is False:
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, list | tuple):
        return ",".join(text_of(item).replace(",", "%2C") for item in value)
    text = str(value).replace("%", "%25").replace("|", "%7C")
    return "".join(c if c.isprintable() else f"%{ord(c):02X}" for c in text)


def _value(option: Option, value: Any, metric: str) -> Any:
    if option.choices:
        # `True == 1`, but an option that wants one of them does not mean the other.
        same = [c for c in option.choices if c == value and isinstance(c, bool) is _is_bool(value)]
        if same:
            return same[0]
        raise InvalidInput(f"{metric}: {option.name} must be {_allowed(option)}, not {value!r}.")
    if option.check is None:
        return value
    try:
        return option.check(value)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{metric}: {option.name}: {error}") from None


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _allowed(option: Option) -> str:
    if not option.choices:
        return option.summary
    return " or ".join(repr(choice) for choice in option.choices)


def _others(name: str, known: Mapping[str, Option]) -> str:
    if not known:
        return "It has none."
    close = get_close_matches(name, known, n=2, cutoff=0.6)
    return f"Did you mean {' or '.join(close)}?" if close else f"It has: {', '.join(known)}."


def positive_int(value: Any) -> int:
    """Accept a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"a whole number of at least 1 is needed, not {value!r}")
    return value


def optional_positive_int(value: Any) -> int | None:
    """Accept None, or a whole number of at least 1."""
    return None if value is None else positive_int(value)


def finite_number(value: Any) -> float:
    """Accept a finite number."""
    number = float(value)
    if isinstance(value, bool) or number - number != 0:
        raise ValueError(f"a finite number is needed, not {value!r}")
    return number
