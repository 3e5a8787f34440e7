"""SuperGLUE tasks of one label per example, as fractions, over dev sets whose labels are public."""

from typing import Any

from reprise.metrics.definition import Definition, Values
from reprise.metrics.definitions import classification, glue
from reprise.metrics.options import Options
from reprise.metrics.table import Table, count_by, ratio

_SOURCE = "SuperGLUE (Wang et al. 2019)"
_CB_CLASSES = 3


def accuracy_and_macro_f1(table: Table, options: Options) -> Values:
    """Accuracy, and the mean F1 of CB's three classes, also of one that does not occur."""
    said, true = table.rows.astype(int).T
    same = said == true
    hit = count_by(said[same], table.weights[:, same], _CB_CLASSES)
    both = count_by(said, table.weights, _CB_CLASSES) + count_by(true, table.weights, _CB_CLASSES)
    macro = ratio(2 * hit, both, 0.0).mean(axis=1)
    return classification.accuracy(table, options) | {"f1": macro}


def _task(name: str, names: tuple[str, ...], count: int, **more: Any) -> Definition:
    return glue.task(
        f"superglue-{name}", names, more.pop("finish", classification.accuracy),
        sizes=(("dev", count),), source=_SOURCE, **more,
    )  # fmt: skip


_TRUTH = ("False", "True")
_ENTAILS = ("entailment", "not_entailment")
BOOLQ = _task("boolq", _TRUTH, 3270, summary="BoolQ: accuracy.")
CB = _task(
    "cb", ("entailment", "contradiction", "neutral"), 56,
    finish=accuracy_and_macro_f1, summary="CB: accuracy and macro F1 over its 3 classes.",
)  # fmt: skip
COPA = _task("copa", ("choice1", "choice2"), 100, summary="COPA: accuracy.")
RTE = _task("rte", _ENTAILS, 277, summary="RTE: accuracy.")
WIC = _task("wic", _TRUTH, 638, summary="WiC: accuracy.")
WSC = _task("wsc", _TRUTH, 104, summary="WSC: accuracy.")
AXB = _task(
    "axb", _ENTAILS, 1104, finish=classification.matthews, main="matthews_correlation",
    summary="Broad diagnostic: Matthews correlation.",
)  # fmt: skip
