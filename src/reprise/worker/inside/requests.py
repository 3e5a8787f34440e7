"""What a job asks of a pipeline, once its body is read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Options = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What a job asks of a pipeline.

    Attributes:
        items: Inputs, in the form that the pipeline takes.
        options: Parameters; jobs with equal ones run together.
        show: Makes the answer of the results.
        run: Runs items with options; None: the pipeline's own call.
    """

    items: list[Any]
    options: Options
    show: Callable[[list[Any]], Any]
    run: Callable[[list[Any], Options], list[Any]] | None = None
