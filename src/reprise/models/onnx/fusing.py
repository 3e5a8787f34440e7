"""Neighbours that ONNX Runtime computes as one operation: a bias, and the GELU behind it.

Sums of states and the norms behind them stay apart: what ONNX Runtime has for both at once takes
twice their time where there are many rows.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from reprise.models.onnx import proto
from reprise.models.onnx.proto import CONTRIB

Node = tuple[str, tuple[str, ...], tuple[str, ...], str, dict[str, proto.Attribute]]
_GELUS = {"FastGelu": "FastGelu", "Gelu": "BiasGelu"}


def fused(nodes: Sequence[Node], biased: Collection[str], outputs: Iterable[str]) -> list[Node]:
    """Join what can be computed as one.

    Args:
        nodes: Operations, each behind those it reads.
        biased: Sums of a product and a bias [C].
        outputs: Values that the model gives.
    """
    readers = Counter(name for node in nodes for name in node[1])
    readers.update(outputs)
    sums = {node[2][0]: node[1] for node in nodes if node[2][0] in biased}
    alone = {name for name in sums if readers[name] == 1}
    taken = {x for kind, (x, *_), *_ in nodes if kind in _GELUS and x in alone}
    return [_joined(node, sums) if node[1][:1] and node[1][0] in taken else node
            for node in nodes if node[2][0] not in taken]  # fmt: skip


def _joined(gelu: Node, sums: dict[str, tuple[str, ...]]) -> Node:
    kind, (x, *_), outputs, *_ = gelu
    return _GELUS[kind], sums[x], outputs, CONTRIB, {}
