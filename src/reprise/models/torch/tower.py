"""One tower: an input layer, the layers, a final norm, a pooler."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reprise.base.errors import InvalidInput
from reprise.models import spec
from reprise.models.torch import masks
from reprise.models.torch.beside import Beside
from reprise.models.torch.bias import BucketTable, alibi, counted
from reprise.models.torch.block import Block
from reprise.models.torch.call import Call, Inputs, Rotation, recorded_layers
from reprise.models.torch.embed import Embed
from reprise.models.torch.layers import Linear, Table, activation, make_norm
from reprise.models.torch.positions import rotation


@dataclass
class Passed:
    """What a tower gives back."""

    last: Tensor  # [B, T, C]
    pooled: Tensor | None
    states: tuple[Tensor, ...] | None
    call: Call


class Tower(nn.Module):
    """An input layer and the layers of a stack."""

    def __init__(self, tower: spec.Tower, rates: spec.Dropout, *, own_table: bool = True) -> None:
        super().__init__()
        stack = tower.stack
        self.tower = tower
        self.embed = make_input(tower.input, rates, own_table=own_table)
        self.layers = nn.ModuleList(Block(stack, i, rates) for i in range(stack.sets))
        self.norm = make_norm(stack.width, stack.final_norm) if stack.final_norm else None
        if isinstance(stack.attention.score_bias, spec.Buckets):
            self.buckets = BucketTable(stack.attention.score_bias, stack.attention.heads)
        if isinstance(stack.attention.score_bias, spec.Disentangled):
            self.relative = Table(2 * stack.attention.score_bias.span, stack.width)
            if stack.attention.score_bias.norm:
                self.relative_norm = make_norm(stack.width, stack.attention.score_bias.norm)
        if stack.convolution:
            self.conv = Beside(stack)
        if tower.project:
            self.project = Linear(tower.project, stack.width, bias=tower.project_bias)
        if tower.pooler and tower.pooler.norm:
            self.pooler_norm = make_norm(stack.width, tower.pooler.norm)
        if tower.pooler and tower.pooler.dense:
            self.pooler = Linear(stack.width, stack.width)

    def run(self, given: Inputs, table: Table | None = None) -> Passed:
        """Run the tower; `table` is a token table that another part owns."""
        past = given.past_key_values.length if given.past_key_values else 0
        self._count_tokens(given)
        x = self._embedded(given, table, past)
        call = self._call(given, x, past)
        x = self._layers(x, call)
        raw, x = x, x if self.norm is None else self.norm(x)
        x = self.project(x) if self.tower.project else x
        states = None
        if call.states is not None:
            states = (*call.states, raw if self.tower.raw_states else x)
        return Passed(x, self._pooled(x, given), states, call)

    def _count_tokens(self, given: Inputs) -> None:
        """Mask what lies beyond a row's tokens where padding has to be zero and no mask is given.

        A row has as many tokens as `lengths` says or, without it, as ids that are not padding.
        """
        table, ids = self.tower.input, given.input_ids
        if not isinstance(table, spec.Embedding) or not table.mask_pads or ids is None:
            return
        if given.attention_mask is None and given.past_key_values is None:
            counted = ids.ne(table.pad).sum(1) if given.lengths is None else given.lengths
            places = torch.arange(ids.shape[1], device=ids.device)
            given.attention_mask = (places < counted[:, None]).to(torch.int64)

    def _embedded(self, given: Inputs, table: Table | None, past: int) -> Tensor:
        if not isinstance(self.embed, Embed):
            return self.embed(given)
        if (given.input_ids is None) == (given.inputs_embeds is None):
            raise InvalidInput("Give either input_ids or inputs_embeds, and not both.")
        return self.embed(
            given.input_ids, table=table or self.embed.tokens, vectors=given.inputs_embeds,
            types=given.token_type_ids, positions=self._stated(given), languages=given.langs,
            padding=given.attention_mask, past=past,
        )  # fmt: skip

    def _stated(self, given: Inputs) -> Tensor | None:
        """Give the rows of the position table that the call states."""
        first = given.input_ids if given.inputs_embeds is None else given.inputs_embeds
        if given.key_positions is None or first is None:
            return given.position_ids
        places = given.key_positions[:, -first.shape[1] :].clamp_min(0)
        assert isinstance(self.tower.input, spec.Embedding)
        added = self.tower.input.positions
        # Such tables are read as stated, and their first row is of the second place.
        return places + added.offset + 1 if added and added.count == "unpadded" else places

    def _layers(self, x: Tensor, call: Call) -> Tensor:
        stack = self.tower.stack
        for number in range(stack.layers):
            if call.states is not None:
                call.states.append(x)
            before, x = x, self.layers[stack.set_of(number)](x, call, number)
            if number == 0 and stack.convolution:
                x = self.conv(before, x, call.padding)
            if stack.mask_pads and call.padding is not None:
                x = x * call.padding[:, -x.shape[1] :, None].to(x.dtype)
        return x

    def _call(self, given: Inputs, x: Tensor, past: int) -> Call:
        stack = self.tower.stack
        memory_mask = None
        if given.encoder_attention_mask is not None:
            seen = given.encoder_attention_mask.bool()[:, None, None]
            memory_mask = masks.additive(seen, x.dtype)
        return Call(
            masks=self._masks(given, x, past), rotations=self._rotations(given, x, past),
            padding=given.attention_mask, memory=given.encoder_hidden_states,
            memory_mask=memory_mask, cache=given.past_key_values,
            gates=gates_of(given.head_mask, stack.layers),
            cross_gates=gates_of(given.cross_attn_head_mask, stack.layers),
            recorded=recorded_layers(given.output_attentions, stack.layers),
            states=[] if given.output_hidden_states else None, shared=self._shared(),
        )  # fmt: skip

    def _shared(self) -> Tensor | None:
        """Vectors of relative positions, for every layer's own scores."""
        bias = self.tower.stack.attention.score_bias
        if not isinstance(bias, spec.Disentangled):
            return None
        table: Tensor = self.relative.weight
        return self.relative_norm(table) if bias.norm else table

    def _masks(self, given: Inputs, x: Tensor, past: int) -> dict[int, Tensor | None]:
        attention = self.tower.stack.attention
        lengths = (x.shape[1], past + x.shape[1])
        bias = self._bias(given, x, lengths)
        found: dict[int, Tensor | None] = {}
        for window in set(attention.windows) or {0}:
            if given.key_positions is None:
                seen = masks.visible(attention, window, given.attention_mask, lengths, x.device)
            else:
                seen = masks.placed(given.key_positions, lengths[0], window)
            mask = masks.additive(seen, x.dtype)
            found[window] = mask if bias is None else bias if mask is None else mask + bias
        return found

    def _bias(self, given: Inputs, x: Tensor, lengths: tuple[int, int]) -> Tensor | None:
        places = given.key_positions
        match self.tower.stack.attention.score_bias:
            case spec.Buckets():
                if places is not None:
                    return self.buckets.placed(places, lengths[0])
                return self.buckets(*lengths)
            case spec.Alibi():
                if places is None:
                    places = counted(given.attention_mask, lengths[1], x.device)
                return alibi(self.tower.stack.attention, places.clamp_min(0), x.dtype)
            case _:
                return None

    def _rotations(self, given: Inputs, x: Tensor, past: int) -> dict[spec.Rope, Rotation]:
        rope = self.tower.stack.attention.rope
        if rope is None:
            return {}
        positions = given.position_ids
        if given.key_positions is not None:
            positions = given.key_positions[:, -x.shape[1] :].clamp_min(0)
        if positions is None:
            positions = torch.arange(past, past + x.shape[1], device=x.device)[None]
        kinds = set(rope) if isinstance(rope, tuple) else {rope}
        return {kind: rotation(kind, positions, x.dtype) for kind in kinds}

    def _pooled(self, x: Tensor, given: Inputs) -> Tensor | None:
        pooler = self.tower.pooler
        if pooler is None:
            return None
        row = x[:, 0] if pooler.source == "first" else _at_end(x, given, pooler.eos)
        row = self.pooler_norm(row) if pooler.norm else row
        return activation(pooler.act)(self.pooler(row)) if pooler.dense else row


def _at_end(x: Tensor, given: Inputs, eos: int) -> Tensor:
    """Take the state of the first end-of-text token of each row."""
    assert given.input_ids is not None
    # The first CLIP files say 2 where their end of text has the highest id.
    ends = given.input_ids if eos == 2 else (given.input_ids == eos).int()  # noqa: PLR2004
    return x[torch.arange(x.shape[0], device=x.device), ends.argmax(-1)]


def gates_of(mask: Tensor | None, layers: int) -> Tensor | None:
    """Read a head mask: [H] for every layer, or [layers, H]."""
    if mask is None:
        return None
    return mask.expand(layers, -1) if mask.dim() == 1 else mask


def make_input(given: spec.Input, rates: spec.Dropout, *, own_table: bool) -> nn.Module:
    """Make the input layer of a tower."""
    match given:
        case spec.Embedding():
            return Embed(given, rates, own_table=own_table)
        case spec.Clusters():
            from reprise.models.torch.adaptive import ClusterEmbed

            return ClusterEmbed(given, rates)
        case spec.Patches():
            from reprise.models.torch.patches import PatchEmbed

            return PatchEmbed(given, rates)
        case spec.Frames():
            from reprise.models.torch.frames import FrameEmbed

            return FrameEmbed(given, rates)
        case spec.Waves():
            from reprise.models.torch.waves import WaveEmbed

            return WaveEmbed(given, rates)
        case spec.Mixed():
            from reprise.models.torch.mixed import MixedEmbed

            return MixedEmbed(given, rates)
