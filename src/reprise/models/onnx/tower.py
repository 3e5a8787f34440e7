"""One tower: an input layer, the layers, a final norm, a pooler."""

from collections.abc import Mapping
from dataclasses import dataclass

from reprise.base.errors import NotSupported
from reprise.models import spec
from reprise.models.onnx import masks
from reprise.models.onnx.attention import past_names
from reprise.models.onnx.beside import beside
from reprise.models.onnx.bias import alibi, buckets
from reprise.models.onnx.block import Block
from reprise.models.onnx.call import Call, Request, Rotation
from reprise.models.onnx.disentangled import relation
from reprise.models.onnx.embed import embed, without_pads
from reprise.models.onnx.frames import frames
from reprise.models.onnx.graph import Graph
from reprise.models.onnx.layers import activate, linear, norm
from reprise.models.onnx.mixed import mixed
from reprise.models.onnx.patches import patches
from reprise.models.onnx.positions import rotation
from reprise.models.onnx.waves import states, waves

_FIRST = ("input_ids", "inputs_embeds", "pixel_values", "input_features", "input_values")


@dataclass
class Passed:
    """What a tower gives back."""

    last: str  # [B, T, C]
    pooled: str
    call: Call


class Tower:
    """An input layer and the layers of a stack.

    Args:
        g: The graph.
        tower: What to emit.
        prefix: Of its canonical names.
        table: Canonical name of the token table.
    """

    def __init__(self, g: Graph, tower: spec.Tower, prefix: str, table: str) -> None:
        self.g, self.tower, self.prefix, self.table = g, tower, prefix, table

    def run(self, given: Mapping[str, str], request: Request) -> Passed:
        """Emit the tower; `given` are inputs by a tower's own words."""
        call = self._call(given, request)
        x = self._embedded(given, call)
        self._prepare(given, call)
        x = self._layers(x, call, states=request.states)
        stack, raw = self.tower.stack, x
        if stack.final_norm:
            x = norm(self.g, x, f"{self.prefix}norm", stack.final_norm, stack.width)
        if self.tower.project:
            (x,) = linear(self.g, x, f"{self.prefix}project")
        if request.states:
            call.states.append(raw if self.tower.raw_states else x)
        return Passed(x, self._pooled(x, given), call)

    def _call(self, given: Mapping[str, str], request: Request) -> Call:
        g = self.g
        first = next(given[name] for name in _FIRST if name in given)
        rows = g.side(first, 0)
        fixed = _length(self.tower.input)
        length = g.constant([fixed]) if fixed else g.side(first, 1)
        if isinstance(self.tower.input, spec.Waves):
            length = states(g, self.tower.input, length)
        keys = g.add(g.side(past_names(0)[0], 2), length) if request.cache else length
        return Call(
            rows=rows, length=length, keys=keys, padding=given.get("attention_mask", ""),
            places=given.get("key_positions", ""),
            cached=request.cache, gates=given.get("head_mask", ""),
            cross_gates=given.get("cross_attn_head_mask", ""),
            ends=given.get("ends", ""), reach=given.get("reach", ""),
            crosses=request.crosses,
            recorded=frozenset(request.attentions),
        )  # fmt: skip

    def _embedded(self, given: Mapping[str, str], call: Call) -> str:
        match self.tower.input:
            case spec.Embedding() as table:
                return embed(self.g, table, (f"{self.prefix}embed", self.table), given, call)
            case spec.Mixed() as both:
                return mixed(self.g, both, f"{self.prefix}embed", given, call)
            case spec.Patches() as image:
                return patches(self.g, image, f"{self.prefix}embed", given)
            case spec.Frames():
                return frames(self.g, f"{self.prefix}embed", given)
            case spec.Waves() as sound:
                return waves(self.g, sound, f"{self.prefix}embed", given)
            case other:
                raise NotSupported(f"The onnx engine does not read {type(other).__name__}.")

    def _prepare(self, given: Mapping[str, str], call: Call) -> None:
        """Make what all layers share: masks by window, rotations by rope."""
        call.rotations = self._rotations(given, call)
        call.masks = {} if call.ends else self._masks(call)
        if isinstance(self.tower.stack.attention.score_bias, spec.Disentangled):
            call.shared = relation(self.g, self.tower.stack, self.prefix, call)
        seen = given.get("encoder_attention_mask")
        if seen:
            mask = masks.additive(self.g, masks.of_tokens(self.g, seen))
            call.memory_mask = masks.filled(self.g, mask, call, self.g.side(seen, 1))

    def _masks(self, call: Call) -> dict[int, str]:
        attention = self.tower.stack.attention
        bias = self._bias(call)
        found = {}
        for window in sorted(set(attention.windows) or {0}):
            seen = masks.visible(self.g, attention, window, call)
            mask = masks.additive(self.g, seen)
            joined = self.g.add(mask, bias) if mask and bias else mask or bias
            found[window] = masks.filled(self.g, joined, call, call.keys)
        return found

    def _bias(self, call: Call) -> str:
        attention = self.tower.stack.attention
        match attention.score_bias:
            case None | spec.Disentangled():
                return ""
            case spec.Buckets() as given:
                return buckets(self.g, given, f"{self.prefix}buckets.weight", call)
            case spec.Alibi():
                return alibi(self.g, attention, call)
            case other:
                raise NotSupported(f"The onnx engine has no {type(other).__name__} scores.")

    def _rotations(self, given: Mapping[str, str], call: Call) -> dict[spec.Rope, Rotation]:
        g, rope = self.g, self.tower.stack.attention.rope
        if rope is None:
            return {}
        positions = given.get("position_ids")
        if call.places:
            positions = g.op("Max", masks.queries(g, call), g.constant(0))
        elif positions is None:
            positions = g.range(g.op("Sub", call.keys, call.length), call.keys)
        kinds = dict.fromkeys(rope) if isinstance(rope, tuple) else {rope: None}
        return {kind: rotation(g, kind, positions, call) for kind in kinds}

    def _layers(self, x: str, call: Call, *, states: bool) -> str:
        stack = self.tower.stack
        for number in range(stack.layers):
            if states:
                call.states.append(x)
            before, x = x, Block(self.g, stack, self.prefix, number).emit(x, call)
            if number == 0 and stack.convolution:
                x = beside(self.g, stack, f"{self.prefix}conv", (before, x), call)
            if stack.mask_pads and call.padding:
                x = without_pads(self.g, x, call)
        return x

    def _pooled(self, x: str, given: Mapping[str, str]) -> str:
        pooler, g, width = self.tower.pooler, self.g, self.tower.stack.width
        if pooler is None:
            return ""
        row = g.at(x, 0, 1) if pooler.source == "first" else at_end(g, x, given, pooler.eos)
        if pooler.norm:
            row = norm(g, row, f"{self.prefix}pooler_norm", pooler.norm, width)
        if not pooler.dense:
            return row
        return activate(g, linear(g, row, f"{self.prefix}pooler")[0], pooler.act)


def _length(given: spec.Input) -> int:
    """How many vectors an input of fixed size gives; 0: as many as there are tokens."""
    match given:
        case spec.Patches():
            return given.count + given.tokens
        case spec.Frames():
            return given.rows
        case _:
            return 0


def at_end(g: Graph, x: str, given: Mapping[str, str], eos: int) -> str:
    """Take the state of the first end-of-text token of each row of x [B, T, C]."""
    ids = given["input_ids"]
    # The first CLIP files say 2 where their end of text has the highest id.
    ends = ids if eos == 2 else g.cast(g.op("Equal", ids, g.constant(eos)), 6)  # noqa: PLR2004
    return row_of(g, x, g.op("ArgMax", ends, axis=1, keepdims=0))


def row_of(g: Graph, x: str, places: str) -> str:
    """Take one state of each row of x [B, T, C]: places [B]."""
    return g.op("GatherND", x, g.unsqueeze(places, 1), batch_dims=1)
