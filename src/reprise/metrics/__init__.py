"""Floor 4, metrics: numbers with a version, a unit, an interval and a signature.

    result = load_metric("squad_v2").compute(predictions=…, references=…)
    result["f1"]              what users of `evaluate` know
    result.score              value, unit, n, stderr, 95 % interval, signature
    comparable(a, b)          whether two signatures allow to compare their numbers

Names are imported on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reprise.metrics.catalogue import ids
    from reprise.metrics.definition import Definition
    from reprise.metrics.loading import load_metric
    from reprise.metrics.metric import Metric
    from reprise.metrics.paired import Difference, paired_difference
    from reprise.metrics.score import Result, Score
    from reprise.metrics.signature import Comparison, comparable
    from reprise.metrics.signature import parse as parse_signature
    from reprise.metrics.state import State
    from reprise.metrics.suites import suite_score

# Public name -> module and attribute.
_EXPORTS = {
    "Comparison": "signature:Comparison",
    "Definition": "definition:Definition",
    "Difference": "paired:Difference",
    "Metric": "metric:Metric",
    "Result": "score:Result",
    "Score": "score:Score",
    "State": "state:State",
    "comparable": "signature:comparable",
    "ids": "catalogue:ids",
    "load_metric": "loading:load_metric",
    "paired_difference": "paired:paired_difference",
    "parse_signature": "signature:parse",
    "suite_score": "suites:suite_score",
}

__all__ = [
    "Comparison",
    "Definition",
    "Difference",
    "Metric",
    "Result",
    "Score",
    "State",
    "comparable",
    "ids",
    "load_metric",
    "paired_difference",
    "parse_signature",
    "suite_score",
]


def __getattr__(name: str) -> Any:
    """Import the module behind a public name on first use."""
    target = _EXPORTS.get(name)
    if target is None:
        raise AttributeError(f"module 'reprise.metrics' has no attribute {name!r}")
    module, _, attribute = target.partition(":")
    return getattr(import_module(f"reprise.metrics.{module}"), attribute)
