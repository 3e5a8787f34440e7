"""The field `checks` of a model card: how its entry points are made and called to check them.

    checks:
      net:
        kwargs: {pretrained: false}
        calls:
        - args: [{tensor: [1, 3, 224, 224]}]
      huge: {skip: needs 60 GB of memory}

Arguments are plain values. `{tensor: shape}` stands for seeded normal numbers, with `below: n` for
whole numbers from 0 to n; `{file: path}` for a file of the repo.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from reprise.base.errors import InvalidFormat

FIELD = "checks"
MAX_CALLS = 20  # of one entry point
_KNOWN = frozenset({"args", "kwargs", "call", "calls", "skip"})


@dataclass(frozen=True)
class Call:
    """One call of what an entry point made; `method` is empty for calling the thing itself."""

    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    method: str = ""


@dataclass(frozen=True)
class Plan:
    """How to check one entry point; `skip` says why not to."""

    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    calls: tuple[Call, ...] = ()
    skip: str = ""


def parse(value: Any) -> dict[str, Plan]:
    """Read the field, by entry point; None gives no plans.

    Raises:
        InvalidFormat: It is written otherwise; the message says where.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidFormat(f'"{FIELD}" must be a mapping from entry points to plans')
    return {str(name): _plan(str(name), item) for name, item in value.items()}


def problems(value: Any) -> Iterator[str]:
    """Yield what `parse` would complain about."""
    try:
        parse(value)
    except InvalidFormat as error:
        yield error.message


def _plan(name: str, value: Any) -> Plan:
    where = f'"{FIELD}.{name}"'
    if not isinstance(value, dict) or not value.keys() <= _KNOWN:
        raise InvalidFormat(f"{where} must be a mapping of {', '.join(sorted(_KNOWN))}")
    skip = value.get("skip", "")
    if not isinstance(skip, str):
        raise InvalidFormat(f'{where[:-1]}.skip" must say in words why it is skipped')
    calls = value.get("calls", [])
    if "call" in value:  # short for one call by position
        calls = [{"args": value["call"]}]
    if not isinstance(calls, list) or len(calls) > MAX_CALLS:
        raise InvalidFormat(f'{where[:-1]}.calls" must be a list of at most {MAX_CALLS} calls')
    return Plan(
        _list(where, value, "args"),
        _mapping(where, value, "kwargs"),
        tuple(_call(f'{where[:-1]}.calls[{index}]"', item) for index, item in enumerate(calls)),
        skip.strip(),
    )


def _call(where: str, value: Any) -> Call:
    if not isinstance(value, dict) or not value.keys() <= {"args", "kwargs", "method"}:
        raise InvalidFormat(f"{where} must be a mapping of args, kwargs, method")
    method = value.get("method", "")
    if not isinstance(method, str) or (method and not method.isidentifier()):
        raise InvalidFormat(f'{where[:-1]}.method" must be the name of a method')
    return Call(_list(where, value, "args"), _mapping(where, value, "kwargs"), method)


def _list(where: str, value: dict[str, Any], key: str) -> list[Any]:
    found = value.get(key, [])
    if not isinstance(found, list):
        raise InvalidFormat(f'{where[:-1]}.{key}" must be a list')
    return found


def _mapping(where: str, value: dict[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key, {})
    if not isinstance(found, dict):
        raise InvalidFormat(f'{where[:-1]}.{key}" must be a mapping')
    return found
