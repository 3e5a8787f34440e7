"""Adaptive input and softmax: rare tokens have narrow rows (Grave et al., 2017; Baevski, 2019)."""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from reprise.models import heads, spec
from reprise.models.torch.call import Inputs
from reprise.models.torch.layers import Table, parameter


class ClusterEmbed(nn.Module):
    """Look up each token in its cluster's table and project it."""

    def __init__(self, clusters: spec.Clusters, rates: spec.Dropout) -> None:
        super().__init__()
        self.spec = clusters
        self.rate = rates.hidden if rates.embedding < 0 else rates.embedding
        self.tables = nn.ModuleList(Table(*shape) for shape in clusters.tables)
        if clusters.projected:
            made = [parameter(clusters.project, width) for _, width in clusters.tables]
            self.projects = nn.ParameterList(made)

    def forward(self, given: Inputs) -> Tensor:
        """Embed ids [B, T], or take their vectors as given; returns [B, T, C]."""
        x = given.inputs_embeds
        if x is None:
            assert given.input_ids is not None
            x = self._looked_up(given.input_ids) * self.spec.scale
        return functional.dropout(x, self.rate, self.training)

    def _looked_up(self, ids: Tensor) -> Tensor:
        if len(self.tables) == 1:
            return self._projected(0, ids)
        # Every table answers for every token: no branch depends on values. Rows are narrow where
        # tables are many, so what is thrown away is little.
        ends = self.spec.ends
        found = self._projected(0, ids.clamp(max=ends[1] - 1))
        for number, (start, end) in enumerate(pairwise(ends[1:]), 1):
            row = self._projected(number, (ids - start).clamp(0, end - start - 1))
            found = torch.where((ids >= start)[..., None], row, found)
        return found

    def _projected(self, number: int, ids: Tensor) -> Tensor:
        rows: Tensor = self.tables[number](ids)
        return functional.linear(rows, self.projects[number]) if self.spec.projected else rows


class _Scores(nn.Module):
    """Bias of a cluster's tokens, and their rows when they are not the input's."""

    def __init__(self, rows: int, width: int, *, tied: bool) -> None:
        super().__init__()
        self.weight = None if tied else parameter(rows, width)
        self.bias = parameter(rows)


class AdaptiveHead(nn.Module):
    """Log-probabilities of tokens: of the frequent ones and the clusters, then within clusters."""

    def __init__(self, head: heads.Head, clusters: spec.Clusters) -> None:
        super().__init__()
        self.spec, self.input = head, clusters
        self.tables = nn.ModuleList(_Scores(*s, tied=head.tied) for s in clusters.tables)
        if clusters.cutoffs:
            self.clusters: Any = _Scores(len(clusters.cutoffs), clusters.width, tied=False)
        own = {str(n): parameter(clusters.project, clusters.widths[n]) for n in head.projections}
        self.projects = nn.ParameterDict(own)

    def forward(self, x: Tensor, embed: ClusterEmbed) -> Tensor:
        """Give log-probabilities [..., V] of states [..., C]; `embed` has the tied tables."""
        first = self._within(0, x, embed)
        frequent = self.input.ends[1]
        found = [first[..., :frequent]]
        for number in range(1, len(self.input.widths)):
            chosen = first[..., frequent + number - 1, None]
            found.append(chosen + self._within(number, x, embed))
        return torch.cat(found, dim=-1)

    def losses(self, x: Tensor, labels: Tensor, embed: ClusterEmbed) -> Tensor:
        """Give -log p of labels [N] after states [N, C]; 0 where a label is -100.

        Only the clusters that labels are in are computed, each for its own labels.
        """
        first, frequent, ends = self._within(0, x, embed), self.input.ends[1], self.input.ends
        found = x.new_zeros(labels.shape[0])
        for number, (start, end) in enumerate(pairwise(ends)):
            rows = ((labels >= start) & (labels < end)).nonzero().flatten()
            wanted = (labels[rows] - start)[:, None]
            if number == 0:
                score = first[rows].gather(1, wanted)
            else:
                within = self._within(number, x[rows], embed).gather(1, wanted)
                score = first[rows, frequent + number - 1, None] + within
            found = found.index_copy(0, rows, -score[:, 0])
        return found

    def _within(self, number: int, x: Tensor, embed: ClusterEmbed) -> Tensor:
        """Log-probabilities within a cluster; within the first, of the other clusters too."""
        weight, bias = self._rows(number, embed)
        if number == 0 and self.input.cutoffs:
            weight = torch.cat((weight, self.clusters.weight))
            bias = torch.cat((bias, self.clusters.bias))
        if self.input.projected:
            x = x @ self._projection(number, embed)
        return functional.linear(x, weight, bias).log_softmax(-1)

    def _projection(self, number: int, embed: ClusterEmbed) -> Tensor:
        if str(number) in self.projects:
            return self.projects[str(number)]
        return embed.projects[number if len(embed.projects) > 1 else 0]

    def _rows(self, number: int, embed: ClusterEmbed) -> tuple[Tensor, Tensor]:
        """Rows and biases of a cluster's tokens."""
        table = number if len(self.tables) > 1 else 0
        scores: Any = self.tables[table]
        source: Any = embed.tables[table] if self.spec.tied else scores
        if len(self.tables) > 1:
            return source.weight, scores.bias
        start, end = self.input.ends[number : number + 2]
        return source.weight[start:end], scores.bias[start:end]


def adaptive(model: Any, last: Tensor, _: Tensor | None, given: dict[str, Any]) -> dict[str, Any]:
    """Answer with log-probabilities, or with losses where labels are given.

    Gives `prediction_scores` [B, T, V] (`logits` by the name of other heads), or `losses`
    [B, T - 1] of each label after the first, and their mean as `loss`.
    """
    labels = given.get("labels")
    if labels is None:
        keep = given.get("logits_to_keep") or 0
        scores = model.head(last[:, -keep:] if keep else last, model.embed)
        return {"prediction_scores": scores, "logits": scores}
    wanted = labels[:, 1:]
    found = model.head.losses(last[:, :-1].flatten(0, 1), wanted.flatten(), model.embed)
    counted = (wanted >= 0).sum()
    return {"loss": found.sum() / counted, "losses": found.view(wanted.shape)}
