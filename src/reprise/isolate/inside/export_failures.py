"""Why a module cannot be exported: which part, and what to do about it."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST = 600  # characters of torch's own words
_ISOLATED = "or load it with isolated=True instead of exporting it"
# What torch says -> what to do. The first that fits is told.
_VALUES = (
    "What it does depends on values in a tensor: rewrite that with torch.where or torch.cond, "
    f"{_ISOLATED}."
)
_SIZES = (
    "It only works for some sizes: leave that axis out of dynamic, or give an example of another "
    "size."
)
_CONTAINERS = (
    "Inputs and outputs have to be tensors in tuples, lists and dictionaries: export a wrapper "
    f"that returns those, {_ISOLATED}."
)
_STEPS = (
    (r"[Dd]ata.dependent|Could not (?:guard|extract specialized)|GuardOnDataDep|\.item\(", _VALUES),
    (r"[Cc]onstraints violated|specialized|not all values of|marked as dynamic", _SIZES),
    (
        r"pytree|[Ii]nvalid output|(?:[Uu]nsupported|[Uu]nknown) (?:input|output)? ?type",
        _CONTAINERS,
    ),
)


class NotExportable(Exception):
    """A module cannot be exported. The message's second part says what to do."""

    def __init__(self, message: str, step: str) -> None:
        super().__init__(f"{message}\n{step}")


@contextlib.contextmanager
def explained(module: Any) -> Iterator[None]:
    """Say of an error which part of a module it comes from, and what to do about it."""
    try:
        yield
    except NotExportable:
        raise
    except Exception as error:
        said = str(error).strip() or type(error).__name__
        place = _place(module, error)
        words = f"{type(error).__name__}: {_first_words(said)}"
        message = f"{place} cannot be exported: {words}" if place else f"Exporting failed: {words}"
        raise NotExportable(message, _step(f"{type(error).__name__} {said}")) from error


def _step(said: str) -> str:
    for pattern, step in _STEPS:
        if re.search(pattern, said):
            return step
    return f"Change that part, {_ISOLATED}."


def _first_words(said: str) -> str:
    paragraph = said.split("\n\n", 1)[0].replace("\n", " ")
    return paragraph[:_LONGEST] + ("…" if len(paragraph) > _LONGEST else "")


def _place(module: Any, error: BaseException | None) -> str:
    """Name the innermost part of the module whose code was running."""
    parts = {id(part): name for name, part in module.named_modules()}
    found = ""
    while error is not None and not found:
        trace = error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            owner = trace.tb_frame.f_locals.get("self")
            if id(owner) in parts and "/torch/" not in code.co_filename:
                name = parts[id(owner)]
                shown = f"The part {name!r}" if name else "The module"
                file = code.co_filename.rpartition("/")[2]
                found = f"{shown} ({type(owner).__name__}, {file}:{trace.tb_lineno})"
            trace = trace.tb_next
        error = error.__cause__ or error.__context__
    return found
