"""The built-in evaluators by name; each is imported when it is asked for."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from importlib import import_module

from reprise.base.errors import NotFound
from reprise.verify.evaluators.evaluator import Evaluator

_MODULES = {
    "text-classification": "classification",
    "tagging": "tagging",
    "question-answering": "answering",
    "similarity": "similarity",
    "language-modelling": "modelling",
    "minimal-pairs": "minimal_pairs",
    "retrieval": "retrieval",
    "generation": "generation",
}
_ENTRY = re.compile(r"([a-z-]+)(?:@([0-9]{1,4}))?")


def names() -> list[str]:
    """Name all of them."""
    return list(_MODULES)


def all_of_them() -> Iterator[Evaluator]:
    """Load all of them."""
    return map(find, _MODULES)


def is_evaluator(entry: str | None) -> bool:
    """Tell whether the `run.entry` of a claim names an evaluator, of whatever version."""
    found = _ENTRY.fullmatch(entry or "")
    return found is not None and found[1] in _MODULES


def find(entry: str) -> Evaluator:
    """Return an evaluator by its name, with or without its version.

    Raises:
        NotFound: There is none, or not in this version.
    """
    match = _ENTRY.fullmatch(entry)
    name, version = (match[1], match[2]) if match else (entry, None)
    if name not in _MODULES:
        close = get_close_matches(name, _MODULES, n=1)
        known = f"Did you mean {close[0]}?" if close else f"There are {', '.join(_MODULES)}."
        raise NotFound(f"There is no evaluator {entry[:100]!r}.", hint=known)
    module = import_module(f"{__package__}.{_MODULES[name]}")
    found: Evaluator = module.EVALUATOR
    if version is not None and int(version) != found.version:
        raise NotFound(f"There is no {entry}; this version of Reprise has {found.entry}.")
    return found
