"""Perplexity from log-likelihoods. How they were computed decides the number, so it is mandatory.

Predictions are natural logarithms: per example a list with one per token, or
`{"log_likelihood": sum, "tokens": count}`. For levels other than tokens, references say how many
units each example has: a text, whose words, characters or UTF-8 bytes are counted, or a number.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.metrics.definition import RAW, Cells, Columns, Definition, Values
from reprise.metrics.inputs import as_list, check_lengths, shown
from reprise.metrics.options import Option, Options, positive_int
from reprise.metrics.table import Table, ratio, totals

_LEVELS = ("token", "word", "character", "byte")
_ROUNDING = 1e-6  # a sum of float32 logarithms may end this far above 0


def read(predictions: Any, references: Any, options: Options) -> Columns:
    """Read log-likelihood and number of tokens per example, and the units to count."""
    said = [_likelihood(item, index)
            for index, item in enumerate(as_list(predictions, "predictions"))]  # fmt: skip
    if options["level"] == "token":
        return Columns(said, [None] * len(said), range(len(said)))
    if references is None:
        raise InvalidInput(
            f"references are missing: level={options['level']!r} counts units of the text.",
            hint="Give each example's text, or its number of units.",
        )
    true = as_list(references, "references")
    check_lengths(said, true)
    for index, item in enumerate(true):
        if not isinstance(item, str) and not _is_count(item):
            raise InvalidInput(f"references[{index}] must be a text or a count, not {shown(item)}.")
    return Columns(said, true, range(len(said)))


def _likelihood(item: Any, index: int) -> tuple[float, int]:
    place = f"predictions[{index}]"
    if isinstance(item, Mapping):
        total, count = item.get("log_likelihood"), item.get("tokens")
        if not _is_count(count):
            raise InvalidInput(f"{place}['tokens'] must be a count, not {shown(count)}.")
        parts: list[Any] = [total]
    else:
        parts = as_list(item, place)
        count = len(parts)
    for part in parts:
        if isinstance(part, bool) or not isinstance(part, int | float) or not math.isfinite(part):
            raise InvalidInput(f"{place} must hold finite log-likelihoods, not {shown(part)}.")
        if part > _ROUNDING:
            raise InvalidInput(
                f"{place} holds {part}: a logarithm of a probability is never positive.",
                hint="Give log-likelihoods, not losses; natural logarithms.",
            )
    return math.fsum(parts), int(count or 0)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def score(prediction: tuple[float, int], reference: Any, options: Options) -> Cells:
    """Return log-likelihood, tokens, and units that count."""
    total, tokens = prediction
    return total, tokens, tokens if reference is None else _units(reference, options["level"])


def _units(reference: Any, level: str) -> int:
    if isinstance(reference, int):
        return reference
    if level == "word":
        return len(reference.split())
    return len(reference if level == "character" else reference.encode(errors="surrogatepass"))


def finish(table: Table, options: Options) -> Values:  # noqa: ARG001
    """Return exp of the mean negative log-likelihood per unit, and its bits."""
    sums = totals(table)
    mean = ratio(-sums[:, 0], sums[:, 2])
    return {"perplexity": np.exp(mean), "bits_per_unit": mean / math.log(2)}


def counts(table: Table, options: Options) -> dict[str, Any]:  # noqa: ARG001
    """Return how many tokens and units there are."""
    _, tokens, units = totals(table)[0]
    return {"tokens": int(tokens), "units": int(units)}


PERPLEXITY = Definition(
    id="perplexity",
    version="1.0",
    summary="Perplexity per token, word, character or byte from log-likelihoods.",
    unit=RAW,
    main="perplexity",
    statistics=("log_likelihood", "tokens", "units"),
    read=read,
    score=score,
    finish=finish,
    details=counts,
    options=(
        Option("level", "what the mean is taken over", choices=_LEVELS),
        Option("context", "tokens that the model saw at most", check=positive_int),
        Option("stride", "tokens between windows; the context for windows side by side",
               check=positive_int),
        Option("bos", "whether a start token was put first", choices=(True, False)),
    ),
    fixed=(("log", "natural"),),
    higher_is_better=False,
    referenceless=True,
)  # fmt: skip
