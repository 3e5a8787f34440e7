"""Neighbours that ONNX Runtime computes as one operation: less to start, less to write and read.

A sum that is normalised next (and the bias of the product that was summed), and a bias before a
GELU. Only sums that bricks declare are taken: of states (`Graph.residual`), where both sides have
the same shape, and of a bias (`Graph.with_bias`), which has one side.
"""

from collections import Counter
from collections.abc import Collection, Iterable

from reprise.models.onnx import proto
from reprise.models.onnx.proto import CONTRIB

Node = tuple[str, tuple[str, ...], tuple[str, ...], str, dict[str, proto.Attribute]]
_NORMS = {"LayerNormalization": "SkipLayerNormalization",
          "RMSNormalization": "SkipSimplifiedLayerNormalization"}  # fmt: skip
_GELUS = {"FastGelu": "FastGelu", "Gelu": "BiasGelu"}


def fused(nodes: Iterable[Node], residuals: Collection[str], biased: Collection[str],
          outputs: Iterable[str]) -> list[Node]:  # fmt: skip
    """Join what can be computed as one.

    Args:
        nodes: Operations, each behind those it reads.
        residuals: Sums of states.
        biased: Sums of a value and a bias.
        outputs: Values that the model gives.
    """
    return _Fusing(list(nodes), residuals, biased, outputs).run()


class _Fusing:
    def __init__(self, nodes: list[Node], residuals: Collection[str], biased: Collection[str],
                 outputs: Iterable[str]) -> None:  # fmt: skip
        self._nodes: list[Node | None] = list(nodes)
        self._residuals, self._biased = residuals, biased
        self._makers = {out: place for place, node in enumerate(nodes) for out in node[2]}
        self._readers = Counter(name for node in nodes for name in node[1])
        self._readers.update(outputs)

    def run(self) -> list[Node]:
        for place, node in enumerate(self._nodes):
            if node is None:
                continue
            if node[0] in _NORMS and node[1][0] in self._residuals:
                self._norm(place, node)
            elif node[0] in _GELUS and len(node[1]) == 1:
                self._gelu(place, node)
        return [node for node in self._nodes if node is not None]

    def _norm(self, place: int, node: Node) -> None:
        """Let the operation that normalises a sum make it, too."""
        kind, (total, weight, *bias), outputs, _, attributes = node
        made = self._makers[total]
        between = [other for other in self._nodes[made + 1 : place] if other]
        if self._nodes[made] is None or any(total in other[1] for other in between):
            return  # another norm makes the sum, or somebody reads it before it would be there
        x, branch = self._taken(made)
        branch, own = self._without_bias(branch)
        first = [*bias, ""][:1] if kind == "LayerNormalization" else []  # the other knows of none
        results = (*outputs, "", "", total) if self._readers[total] > 1 else outputs
        eps = {"epsilon": attributes["epsilon"]}
        inputs = (x, branch, weight, *first, own)
        self._nodes[place] = (_NORMS[kind], inputs, results, CONTRIB, eps)

    def _gelu(self, place: int, node: Node) -> None:
        kind, (x,), outputs, _, _ = node
        x, bias = self._without_bias(x)
        if bias:
            self._nodes[place] = (_GELUS[kind], (x, bias), outputs, CONTRIB, {})

    def _without_bias(self, value: str) -> tuple[str, str]:
        """Take a bias off a value that nobody else reads; empty: it has none."""
        if value not in self._biased or self._readers[value] > 1:
            return value, ""
        x, bias = self._taken(self._makers[value])
        return x, bias

    def _taken(self, place: int) -> tuple[str, ...]:
        """Remove an operation; give what it read."""
        node = self._nodes[place]
        assert node is not None
        self._nodes[place] = None
        return node[1]
