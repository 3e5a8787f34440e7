"""GLUE: the metrics of its tasks, as fractions, over dev sets whose labels are public.

Label orders are those of the data sets as Hugging Face publishes them; a model with another order
(fairseq's MNLI has one) must be mapped first, and names may be given instead of numbers.
"""

from functools import partial
from typing import Any

from reprise.metrics.definition import FRACTION, Definition, Values
from reprise.metrics.definitions import classification, correlation, named_labels
from reprise.metrics.options import Options
from reprise.metrics.table import Table, count_by, ratio

_SOURCE = "GLUE (Wang et al. 2018)"
_ENTAILMENT = ("entailment", "neutral", "contradiction")
_ENTAILS = ("entailment", "not_entailment")


def accuracy_and_f1(table: Table, options: Options) -> Values:
    """Accuracy, and F1 of class 1."""
    return classification.accuracy(table, options) | {"f1": f1_of_one(table)}


def f1_of_one(table: Table) -> Any:
    """F1 of class 1; 0 when it neither occurs nor is predicted."""
    said, true = (table.rows == 1).T
    counts = [
        count_by(flag.astype(int), table.weights, 2)[:, 1] for flag in (said & true, said, true)
    ]
    return ratio(2 * counts[0], counts[1] + counts[2], 0.0)


def both_correlations(table: Table, options: Options) -> Values:  # noqa: ARG001
    """Pearson and Spearman."""
    linear = correlation.correlate(table, table.rows)
    return {"pearson": linear, "spearmanr": correlation.rank_correlation(table)}


def task(identity: str, names: tuple[str, ...], finish: Any, **more: Any) -> Definition:
    """Define a task of class labels.

    Args:
        identity: Its id.
        names: Its labels in order.
        finish: Makes the values.
        **more: Further fields: `main`, `sizes`, `summary`, `source`.
    """
    return Definition(
        id=identity,
        version="1.0",
        unit=FRACTION,
        statistics=("prediction_label", "reference_label"),
        read=partial(named_labels.read, names),
        score=classification.score,
        score_all=classification.score_all,
        finish=finish,
        fixed=(("labels", ",".join(names)),),
        **{"main": "accuracy", "source": _SOURCE, **more},
    )


def _dev(count: int) -> tuple[tuple[str, int], ...]:
    return (("dev", count),)


COLA = task(
    "glue-cola", ("unacceptable", "acceptable"), classification.matthews,
    main="matthews_correlation", sizes=_dev(1043), summary="CoLA: Matthews correlation.",
)  # fmt: skip
SST2 = task(
    "glue-sst2", ("negative", "positive"), classification.accuracy,
    sizes=_dev(872), summary="SST-2: accuracy.",
)  # fmt: skip
MRPC = task(
    "glue-mrpc", ("not_equivalent", "equivalent"), accuracy_and_f1,
    sizes=_dev(408), summary="MRPC: accuracy and F1 of class 1.",
)  # fmt: skip
QQP = task(
    "glue-qqp", ("not_duplicate", "duplicate"), accuracy_and_f1,
    sizes=_dev(40430), summary="QQP: accuracy and F1 of class 1.",
)  # fmt: skip
MNLI_MATCHED = task(
    "glue-mnli_matched", _ENTAILMENT, classification.accuracy,
    sizes=_dev(9815), summary="MNLI matched: accuracy.",
)  # fmt: skip
MNLI_MISMATCHED = task(
    "glue-mnli_mismatched", _ENTAILMENT, classification.accuracy,
    sizes=_dev(9832), summary="MNLI mismatched: accuracy.",
)  # fmt: skip
QNLI = task(
    "glue-qnli", _ENTAILS, classification.accuracy,
    sizes=_dev(5463), summary="QNLI: accuracy.",
)  # fmt: skip
RTE = task(
    "glue-rte", _ENTAILS, classification.accuracy,
    sizes=_dev(277), summary="RTE: accuracy.",
)  # fmt: skip
WNLI = task(
    "glue-wnli", ("not_entailment", "entailment"), classification.accuracy,
    sizes=_dev(71), summary="WNLI: accuracy.",
)  # fmt: skip
AX = task(
    "glue-ax", _ENTAILMENT, classification.matthews, main="matthews_correlation",
    sizes=(("diagnostic", 1104),), summary="Diagnostic set: Matthews correlation.",
)  # fmt: skip
STSB = Definition(
    id="glue-stsb",
    version="1.0",
    summary="STS-B: Pearson and Spearman correlation.",
    unit=FRACTION,
    main="pearson",
    statistics=("prediction_value", "reference_value"),
    read=correlation.read,
    score=correlation.score,
    score_all=correlation.score_all,
    finish=both_correlations,
    fixed=(("ties", "mean"),),
    sizes=_dev(1500),
    source=_SOURCE,
)
