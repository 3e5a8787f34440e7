"""The worker's half of the built-in evaluators: an entry point that makes what answers.

It runs confined. Where the environment of the worker has no Reprise of its own, the one that
verifies is used, which the worker may read; its packages come after those of the environment.
"""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

dependencies: list[str] = []


def evaluator(
    name: str, model: str, options: dict[str, Any], home: list[str]
) -> Callable[[list[Any]], Any]:
    """Make the function that answers the inputs of an evaluator.

    Args:
        name: The evaluator, with its version.
        model: Folder of the model.
        options: All arguments of the evaluator.
        home: Where the Reprise that verifies is, and what it needs.
    """
    if find_spec("reprise") is None:
        sys.path += home
    from reprise.verify.evaluators.catalogue import find

    return find(name).make(Path(model), options)
