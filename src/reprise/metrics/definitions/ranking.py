"""Retrieval: mean reciprocal rank, nDCG and recall at k.

A prediction is a ranking: ids, best first, or `{id: score}`. A reference is what is relevant:
ids, or `{id: gain}` where a gain of 0 means not relevant. Equal scores are ranked by id, so that
a number never depends on the order in which a search engine returned them.
"""

import math
from collections.abc import Hashable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.metrics.definition import FRACTION, Cells, Columns, Definition, Values
from reprise.metrics.inputs import as_list, paired, shown, unique_ids
from reprise.metrics.options import Option, Options, optional_positive_int, positive_int
from reprise.metrics.table import Table, ratio, size, totals

_MOST = 1000  # 2**gain must stay a number


def read(predictions: Any, references: Any, options: Options) -> Columns:  # noqa: ARG001
    """Read a ranking and what is relevant per query; both also as `{query: …}`."""
    if isinstance(predictions, Mapping) and isinstance(references, Mapping):
        if strangers := sorted(map(str, predictions.keys() ^ references.keys())):
            raise InvalidInput(
                f"{len(strangers)} queries are on one side only, such as {strangers[0]!r}.",
                hint="Give an empty list for a query that found nothing.",
            )
        ids = list(references)
        predictions, references = [predictions[i] for i in ids], [references[i] for i in ids]
    else:
        ids = []
    left, right = paired(predictions, references)
    rankings = [_ranking(item, f"predictions[{i}]") for i, item in enumerate(left)]
    gains = [_gains(item, f"references[{i}]") for i, item in enumerate(right)]
    return Columns(rankings, gains, ids or range(len(left)))


def _ranking(item: Any, place: str) -> list[Hashable]:
    if isinstance(item, Mapping):
        _check_numbers(item, place)
        return sorted(item, key=lambda name: (-item[name], str(name)))
    found = as_list(item, place)
    unique_ids(found, place)
    return found


def _gains(item: Any, place: str) -> dict[Hashable, float]:
    if isinstance(item, Mapping):
        _check_numbers(item, place)
        if wrong := [gain for gain in item.values() if not 0 <= gain <= _MOST]:
            raise InvalidInput(f"{place} holds the gain {wrong[0]}; gains go from 0 to {_MOST}.")
        gains = {name: float(gain) for name, gain in item.items() if gain > 0}
    else:
        values = as_list(
            sorted(item, key=str) if isinstance(item, set | frozenset) else item, place
        )
        unique_ids(values, place)
        gains = dict.fromkeys(values, 1.0)
    if not gains:
        raise InvalidInput(
            f"{place} names nothing relevant, so no ranking can be right.",
            hint="Leave such queries out, and say so.",
        )
    return gains


def _check_numbers(item: Mapping[Any, Any], place: str) -> None:
    for name, value in item.items():
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise InvalidInput(f"{place}[{name!r}] must be a finite number, not {shown(value)}.")


def reciprocal_rank(
    ranking: list[Hashable], gains: dict[Hashable, float], options: Options
) -> Cells:
    """Return 1 over the rank of the first relevant id; 0 without one."""
    for rank, name in enumerate(ranking[: options["k"]], 1):
        if name in gains:
            return (1 / rank,)
    return (0.0,)


def recall(ranking: list[Hashable], gains: dict[Hashable, float], options: Options) -> Cells:
    """Return the share of all relevant ids among the first k."""
    return (sum(name in gains for name in ranking[: options["k"]]) / len(gains),)


def ndcg(ranking: list[Hashable], gains: dict[Hashable, float], options: Options) -> Cells:
    """Return discounted gain of the first k over that of the best order."""
    k, kind = options["k"], options["gain"]
    found = _discounted([gains.get(name, 0.0) for name in ranking[:k]], kind)
    best = _discounted(sorted(gains.values(), reverse=True)[:k], kind)
    return (found / best,)


def _discounted(gains: list[float], kind: str) -> float:
    worth = [2.0**gain - 1 if kind == "exponential" else gain for gain in gains]
    return math.fsum(gain / math.log2(rank + 1) for rank, gain in enumerate(worth, 1))


def finish(name: str, table: Table, options: Options) -> Values:  # noqa: ARG001
    """Average over queries."""
    return {name: ratio(totals(table)[:, 0], size(table))}


_CUT = Option("k", "how many of the ranking count; None: all", None, check=optional_positive_int)
MRR = Definition(
    id="mrr",
    version="1.0",
    summary="Mean reciprocal rank of the first relevant id.",
    unit=FRACTION,
    main="mrr",
    statistics=("reciprocal_rank",),
    read=read,
    score=reciprocal_rank,
    finish=partial(finish, "mrr"),
    options=(_CUT,),
    fixed=(("ties", "id"), ("agg", "mean")),
)
NDCG = replace(
    MRR,
    id="ndcg",
    summary="Normalised discounted cumulative gain.",
    main="ndcg",
    statistics=("ndcg",),
    score=ndcg,
    finish=partial(finish, "ndcg"),
    options=(
        _CUT,
        Option("gain", "linear (trec_eval) or exponential: 2**gain - 1 (Burges)", "linear",
               ("linear", "exponential")),
    ),
    source="Järvelin and Kekäläinen 2002",
)  # fmt: skip
RECALL_AT_K = replace(
    MRR,
    id="recall_at_k",
    summary="Share of all relevant ids among the first k.",
    main="recall",
    statistics=("recall",),
    score=recall,
    finish=partial(finish, "recall"),
    options=(Option("k", "how many of the ranking count", check=positive_int),),
    fixed=(("ties", "id"), ("agg", "mean"), ("over", "relevant")),
)
