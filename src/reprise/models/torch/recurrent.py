"""Models with a memory of what came before, and perhaps two streams (Transformer-XL, XLNet)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from reprise.base.errors import InvalidInput
from reprise.models import spec
from reprise.models.plan import Plan
from reprise.models.torch import masks
from reprise.models.torch.call import Call, Inputs, recorded_layers
from reprise.models.torch.layers import Table, parameter
from reprise.models.torch.model import SingleModel, tower_inputs
from reprise.models.torch.segmented import Biases, Relation
from reprise.models.torch.tower import Passed, gates_of


@dataclass
class Remembered(Passed):
    """What a pass gives back, with the memory for the next one."""

    mems: tuple[Tensor, ...] | None = None  # [M, B, C] per layer
    attentions: tuple[Any, ...] | None = None  # per layer, of both streams where there are two


class RecurrentModel(SingleModel):
    """One tower whose layers also see states of earlier segments, and perhaps a head.

    A call takes `mems` and gives them back, one [M, B, C] per layer as in transformers. XLNet's
    also takes `perm_mask`, `target_mapping` and `input_mask`, and `use_mems`.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        stack = self.tower.stack
        bias = stack.attention.score_bias
        assert isinstance(bias, spec.Segmented)
        self.bias, self.rate = bias, plan.spec.dropout.hidden
        if bias.shared:
            self.add_module("relative", Biases(stack.attention.heads, stack.attention.width))
        if bias.queries:
            self.masked = parameter(stack.width)

    def _run(self, given: dict[str, Any]) -> dict[str, Any]:
        passed = self.run(tower_inputs(given))
        given["pad"] = self.config.get("pad_token_id")
        shown = {"mems": passed.mems, "hidden_states": passed.states,
                 "attentions": passed.attentions}  # fmt: skip
        if self.plan.head is None:
            return {"last_hidden_state": passed.last} | shown
        return self._answered(passed.last, None, given) | shown

    def run(self, given: Inputs, table: Table | None = None) -> Remembered:
        """Run the tower; `table` is a token table that another part owns."""
        x = self._embedded(given, table, 0)
        before = self._before(given, x)
        lengths = (x.shape[1], before[0].shape[1] + x.shape[1])
        seen = self._seen(given, lengths, x.device)
        relation = Relation(
            positions=self._positions(lengths, x), apart=_apart(given, lengths, x),
            biases=self.get_submodule("relative") if self.bias.shared else None,
            two=given.target_mapping is not None,
        )  # fmt: skip
        content, asking = self._calls(given, relation, seen, x.dtype)
        remembered = self._streams(x, before, content, asking)
        if not self._remembers(given):
            remembered.mems = None
        return remembered

    def _streams(self, x: Tensor, before: Sequence[Tensor], content: Call,
                 asking: Call | None) -> Remembered:  # fmt: skip
        """Run the layers, the query stream (if any) behind the content stream."""
        mems: list[Tensor] = []
        g = None if asking is None else self._first_queries(x, asking)
        for number, layer in enumerate(self.layers):
            mems.append(self._kept(before[number], x))
            _note(content, x, g)
            content.shared.memory = self._normalised(layer, before[number])
            x = layer(x, content, number)
            g = g if g is None or asking is None else layer(g, asking, number)
        x = x if self.norm is None else self.norm(x)
        _note(content, x, g)
        last = functional.dropout(x if g is None else g, self.rate, self.training)
        return Remembered(
            last, None, None if content.states is None else tuple(content.states), content,
            mems=tuple(mems), attentions=_attentions(content, asking),
        )  # fmt: skip

    def _first_queries(self, x: Tensor, asking: Call) -> Tensor:
        placed = asking.shared.placed
        first = self.masked.to(x.dtype).expand(x.shape[0], placed.shape[1], -1)
        return functional.dropout(first, self.rate, self.training)

    def _calls(self, given: Inputs, relation: Relation, seen: Tensor | None,
               dtype: torch.dtype) -> tuple[Call, Call | None]:  # fmt: skip
        """Make the pass of the content stream, and of the query stream where there is one."""
        layers = self.tower.stack.layers
        content = Call(
            masks={0: masks.additive(_and_itself(seen), dtype)}, shared=relation,
            gates=gates_of(given.head_mask, layers),
            recorded=recorded_layers(given.output_attentions, layers),
            states=[] if given.output_hidden_states else None,
        )  # fmt: skip
        if given.target_mapping is None:
            return content, None
        if not self.bias.queries:
            raise InvalidInput(f"{self.family.model_type} models have no target_mapping.")
        placed = replace(relation, placed=given.target_mapping.to(dtype), keys=relation.keys)
        asking = replace(content, masks={0: masks.additive(seen, dtype)}, shared=placed,
                         attentions={}, states=None)  # fmt: skip
        return content, asking

    def _seen(self, given: Inputs, lengths: tuple[int, int],
              device: torch.device) -> Tensor | None:  # fmt: skip
        """Say what queries may see of memory and segment, as booleans [B or 1, 1, T, S]."""
        seen = None
        if self.tower.stack.attention.causal:
            seen = masks.causal(*lengths, self._window(lengths), device)[None]
        tokens = _tokens(given)
        if tokens is None:
            return None if seen is None else seen[:, None]
        # The memory is seen by all, unless the mask is long enough to speak of it.
        if tokens.shape[-1] < lengths[1]:
            tokens = functional.pad(tokens, (lengths[1] - tokens.shape[-1], 0), value=True)
        seen = tokens if seen is None else seen & tokens
        return seen[:, None].expand(-1, 1, lengths[0], -1)

    def _window(self, lengths: tuple[int, int]) -> int:
        """How many keys a query sees, itself included; 0: all before it."""
        if not self.bias.same_length:
            return 0
        queries, keys = lengths
        if not self.bias.blank:
            return keys - queries + 1
        over = keys - max(self.bias.memory, 0)
        shifted = queries - over if over > 0 else queries
        return keys - queries + shifted

    def _positions(self, lengths: tuple[int, int], x: Tensor) -> Tensor:
        """Compute sinusoids [R, C] of the distances, from the farthest past on."""
        queries, keys = lengths
        last = -queries if self.bias.both_ways else -1
        distances = torch.arange(keys - 1, last, -1, device=x.device, dtype=torch.float32)
        if self.bias.clamp > 0:
            distances = distances.clamp(-self.bias.clamp, self.bias.clamp)
        width = self.tower.stack.width
        steps = torch.arange(0, width, 2, device=x.device, dtype=torch.float32)
        angles = distances[:, None] / torch.pow(10_000, steps / width)
        found = torch.cat((angles.sin(), angles.cos()), dim=-1)
        if self.bias.mirrored:
            found = _mirrored(angles, found, x.shape[0])
        return functional.dropout(found.to(x.dtype), self.rate, self.training)

    def _before(self, given: Inputs, x: Tensor) -> list[Tensor]:
        """Give the memory [B, M, C] of each layer; M may be 0."""
        layers = self.tower.stack.layers
        if given.mems is not None:
            return [self._memory(layer, x) for layer in _all(given.mems, layers)]
        length = max(self.bias.memory, 0) if self.bias.blank else 0
        return [x.new_zeros(x.shape[0], length, x.shape[2])] * layers

    def _memory(self, states: Tensor, x: Tensor) -> Tensor:
        if states.dim() != x.dim() or states.shape[1:] != (x.shape[0], x.shape[2]):
            raise InvalidInput(
                f"mems must be [M, {x.shape[0]}, {x.shape[2]}] per layer, not "
                f"{list(states.shape)}: time comes first, and rows must be those of the call."
            )
        return states.transpose(0, 1).to(x.dtype)

    def _kept(self, before: Tensor, x: Tensor) -> Tensor:
        """Remember the newest states, [M, B, C], cut from the gradient."""
        new = x[:, : self.bias.reuse] if self.bias.reuse else x
        joined = torch.cat((before, new), dim=1).detach()
        return joined[:, -max(self.bias.memory, 0) :].transpose(0, 1)

    def _remembers(self, given: Inputs) -> bool:
        if self.bias.memory < 0:
            return False
        if given.use_mems is not None:
            return given.use_mems
        return bool(self.config.get("use_mems_train" if self.training else "use_mems_eval", True))

    def _normalised(self, layer: Any, memory: Tensor) -> Tensor:
        first = self.tower.stack.placement == "pre"
        normalised: Tensor = layer.norm_attn(memory) if first else memory
        return normalised


def _tokens(given: Inputs) -> Tensor | None:
    """Join the masks of padding and of order: True where a token is seen, [B, 1 or T, T]."""
    if given.attention_mask is not None and given.input_mask is not None:
        raise InvalidInput(
            "Give attention_mask (1 for tokens) or input_mask (1 for padding), not both."
        )
    seen = None
    if given.attention_mask is not None:
        seen = given.attention_mask.bool()[:, None]
    if given.input_mask is not None:
        seen = given.input_mask.eq(0)[:, None]
    if given.perm_mask is None:
        return seen
    ordered = given.perm_mask <= 0
    return ordered if seen is None else seen & ordered


def _and_itself(seen: Tensor | None) -> Tensor | None:
    """Let every token of the content stream see itself, even padding."""
    if seen is None:
        return None
    queries, keys = seen.shape[-2:]
    itself = torch.eye(queries, dtype=torch.bool, device=seen.device)
    return seen | functional.pad(itself, (keys - queries, 0))


def _apart(given: Inputs, lengths: tuple[int, int], x: Tensor) -> Tensor | None:
    """Mark with 1 queries and keys of different segments; the memory is of segment 0."""
    types = given.token_type_ids
    if types is None:
        return None
    keys = functional.pad(types, (lengths[1] - lengths[0], 0))
    return (types[:, :, None] != keys[:, None]).to(x.dtype)


def _mirrored(angles: Tensor, forward: Tensor, rows: int) -> Tensor:
    if rows % 2:
        raise InvalidInput(
            f"A batch of {rows} has no second half: with bi_data it must have an even number of "
            "rows, the second half of them read backwards."
        )
    backward = torch.cat((-angles.sin(), angles.cos()), dim=-1)
    halves = [half.expand(rows // 2, -1, -1) for half in (forward, backward)]
    return torch.cat(halves)


def _all(mems: Sequence[Tensor], layers: int) -> Sequence[Tensor]:
    if len(mems) != layers:
        raise InvalidInput(f"mems must hold one tensor per layer: {layers}, not {len(mems)}.")
    return mems


def _note(call: Call, x: Tensor, g: Tensor | None) -> None:
    """Keep the hidden states of this moment, of both streams."""
    if call.states is not None:
        call.states += [x] if g is None else [x, g]


def _attentions(content: Call, asking: Call | None) -> tuple[Any, ...] | None:
    found = [content.attentions[layer] for layer in sorted(content.attentions)]
    if asking is None:
        return tuple(found) or None
    return tuple(zip(found, (asking.attentions[n] for n in sorted(asking.attentions)),
                     strict=True)) or None  # fmt: skip
