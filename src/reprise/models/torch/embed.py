"""Tokens to vectors."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from reprise.models import spec
from reprise.models.torch.layers import Linear, Table, make_norm
from reprise.models.torch.positions import numbers, sinusoids


class Embed(nn.Module):
    """Look up tokens, scale, add positions and types, normalise, project."""

    def __init__(
        self, embedding: spec.Embedding, rates: spec.Dropout, *, own_table: bool = True
    ) -> None:
        super().__init__()
        self.spec = embedding
        self.rate = rates.hidden if rates.embedding < 0 else rates.embedding
        if own_table:
            self.tokens = Table(embedding.vocab, embedding.width)
        place = embedding.positions
        if place and place.kind in {"learned", "stored"}:
            wide = embedding.project if embedding.project_first and embedding.project else 0
            self.positions = Table(place.rows, wide or embedding.width)
        if embedding.types:
            self.types = Table(embedding.types, embedding.width)
        if embedding.languages:
            self.languages = Table(embedding.languages, embedding.width)
        if embedding.norm:
            self.norm = make_norm(embedding.width, embedding.norm)
        if embedding.project:
            bias = embedding.project_bias
            self.project = Linear(embedding.project, embedding.width, bias=bias)

    def forward(  # noqa: PLR0913 - each is one input of the reference's models
        self,
        ids: Tensor | None,
        *,
        table: Table,
        vectors: Tensor | None = None,
        types: Tensor | None = None,
        positions: Tensor | None = None,
        languages: Tensor | None = None,
        padding: Tensor | None = None,
        past: int = 0,
    ) -> Tensor:
        """Embed ids [B, T], or take their vectors [B, T, E] as given; returns [B, T, C]."""
        x = self.scaled(table(ids) if vectors is None else vectors)
        if self.spec.project_first and self.spec.project:
            x = self.project(x)
        x = x + self._added(x, table, types, languages)
        x = x + self._positions(ids, x, positions, padding, past)
        if self.spec.norm:
            x = self.norm(x)
        if self.spec.mask_pads and padding is not None:
            x = x * padding[:, -x.shape[1] :, None].to(x.dtype)
        x = functional.dropout(x, self.rate, self.training)
        return self.project(x) if self.spec.project and not self.spec.project_first else x

    def scaled(self, x: Tensor) -> Tensor:
        """Multiply by the embedding's scale."""
        if self.spec.scale == 1.0:
            return x
        scale = torch.tensor(self.spec.scale, dtype=x.dtype) if self.spec.scale_rounds else None
        return x * (self.spec.scale if scale is None else scale.to(x.device))

    def _added(
        self, x: Tensor, table: Table, types: Tensor | None, languages: Tensor | None
    ) -> Tensor | float:
        added: Tensor | float = 0.0
        if self.spec.types:
            shape = x.shape[:2]
            types = x.new_zeros(shape, dtype=torch.int64) if types is None else types
            added = self.types(types)
        elif self.spec.types_from_tokens and types is not None:
            added = self.scaled(table(types))
        if self.spec.languages and languages is not None:
            added = added + self.languages(languages)
        return added

    def _positions(self, ids: Tensor | None, x: Tensor, given: Tensor | None,
                   padding: Tensor | None, past: int) -> Tensor | float:  # fmt: skip
        place = self.spec.positions
        if place is None:
            return 0.0
        if given is None:
            # Without ids nothing tells padding: every vector counts.
            like = x.new_full(x.shape[:2], self.spec.pad + 1, dtype=torch.int64)
            given = numbers(place, like if ids is None else ids, padding, self.spec.pad, past)
        elif place.count != "unpadded":
            given = given + place.offset
        if place.kind in {"learned", "stored"}:
            return self.positions(given)
        interleaved = place.kind == "sinus_interleaved"
        table = sinusoids(place.rows, x.shape[-1], interleaved=interleaved)
        return table.to(x)[given]
