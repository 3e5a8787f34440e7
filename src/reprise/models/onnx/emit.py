"""From a plan to a graph: inputs, towers, head, outputs."""

from collections.abc import Mapping

from reprise.base.errors import NotSupported
from reprise.models import spec
from reprise.models.onnx import proto
from reprise.models.onnx.attention import Attention, memory_names, past_names
from reprise.models.onnx.call import Request
from reprise.models.onnx.graph import Graph
from reprise.models.onnx.heads import KINDS, Answer
from reprise.models.onnx.layers import check_activation, linear
from reprise.models.onnx.tables import shared_table
from reprise.models.onnx.tower import Passed, Tower
from reprise.models.onnx.weights import Weights
from reprise.models.plan import Plan

VERSION = 11  # raised when the same plan gives another graph than before

# Arguments that are whole numbers, and those that are not of rank 2 (or 3, as vectors are).
NUMBERS = frozenset({
    "input_ids", "decoder_input_ids", "token_type_ids", "position_ids", "decoder_position_ids",
    "langs", "attention_mask", "decoder_attention_mask", "mc_token_ids", "bool_masked_pos",
    "encoder_attention_mask", "logits_to_keep", "lengths", "key_positions",
    "decoder_key_positions", "picked",
})  # fmt: skip
_RANKS = {"logits_to_keep": 1, "pixel_values": 4, "input_values": 2, "head_mask": 2,
          "decoder_head_mask": 2, "cross_attn_head_mask": 2, "ends": 1, "reach": 1}  # fmt: skip
_SHORT = frozenset({"ends", "reach"})  # whole numbers of 32 bits
# What a decoder's arguments are called inside its tower.
_DECODER = {
    "decoder_input_ids": "input_ids", "decoder_attention_mask": "attention_mask",
    "decoder_position_ids": "position_ids", "decoder_inputs_embeds": "inputs_embeds",
    "decoder_key_positions": "key_positions",
    "decoder_head_mask": "head_mask", "cross_attn_head_mask": "cross_attn_head_mask",
    "attention_mask": "encoder_attention_mask",
}  # fmt: skip


def check_expressible(plan: Plan) -> None:
    """Refuse a plan that no graph expresses.

    Raises:
        NotSupported: Naming the model type and the engine that runs it.
        InvalidInput: An activation is unknown.
    """
    reason = plan.spec.torch_only
    for tower in plan.spec.towers.values():
        if isinstance(tower.stack.attention.score_bias, spec.Segmented):
            reason = reason or "its attention keeps memories of earlier segments"
        if isinstance(tower.input, spec.Clusters):
            reason = reason or "rare tokens have tables of their own"
    for act in _activations(plan):
        check_activation(act)
    if plan.head and plan.head.kind not in KINDS:
        reason = f"it has no {plan.family.prefix}{plan.head_name} yet"
    if reason:
        raise NotSupported(
            f"The onnx engine cannot run this {plan.family.model_type} model: {reason}.",
            hint="Load it with engine='torch'.",
        )


def _activations(plan: Plan) -> list[str]:
    towers = plan.spec.towers.values()
    found = [tower.stack.ff.act for tower in towers]
    found += [tower.pooler.act for tower in towers if tower.pooler]
    heads = [head for head in (plan.head, plan.head.second if plan.head else None) if head]
    return found + [head.act for head in heads]


def emit(plan: Plan, weights: Weights, request: Request) -> bytes:
    """Write the ONNX model of one part of a plan.

    Args:
        plan: What to run.
        weights: Where its numbers lie.
        request: Which part, with which inputs and outputs.

    Raises:
        NotSupported: No graph expresses it.
        InvalidInput: The specification names something unknown.
    """
    check_expressible(plan)
    g = Graph(weights)
    given = _inputs(g, plan, request)
    if request.part == "memory":
        _memory(g, plan, given["encoder_hidden_states"])
    elif request.part == "decoder":
        _decoder(g, plan, given, request)
    else:
        _single(g, plan, given, request)
    return g.model()


def _inputs(g: Graph, plan: Plan, request: Request) -> dict[str, str]:
    for name in sorted(request.inputs):
        rank = _RANKS.get(name, 2 if name in NUMBERS else 3)
        # Sides of one name are taken to be equal, so each has its own.
        g.input(name, _type(name), [f"{name}.{n}" for n in range(rank)])
    stack = _tower(plan, request.part).stack
    for layer in range(stack.layers):
        if request.cache or request.buffered:
            _keys_values(g, past_names(layer), stack.attention, stack.set_of(layer))
        if request.crosses and stack.cross:
            _keys_values(g, memory_names(layer), stack.cross, stack.set_of(layer))
    return {name: name for name in request.inputs}


def _type(name: str) -> int:
    if name in _SHORT:
        return proto.INT32
    return proto.INT64 if name in NUMBERS else proto.FLOAT


def _keys_values(g: Graph, names: tuple[str, str], given: spec.Attention, layer: int) -> None:
    for name in names:
        sides = (f"{name}.rows", given.groups_of(layer), f"{name}.seen", given.width)
        g.input(name, proto.FLOAT, sides)


def _tower(plan: Plan, part: str) -> spec.Tower:
    towers = plan.spec.towers
    return towers[_reader(plan) if part == "memory" else part]


def _reader(plan: Plan) -> str:
    """Name the tower that reads the encoder's states: the decoder, or the only one."""
    return "decoder" if "decoder" in plan.spec.towers else ""


def _single(g: Graph, plan: Plan, given: Mapping[str, str], request: Request) -> None:
    prefix = f"{request.part}." if request.part else ""
    tower = Tower(g, _tower(plan, request.part), prefix, shared_table(plan, prefix))
    passed = tower.run(given, request)
    if plan.head is None or request.part:
        g.output("last_hidden_state", passed.last, 3)
        if passed.pooled:
            g.output("pooler_output", passed.pooled, 2)
        if plan.spec.projection:
            g.output("features", linear(g, passed.pooled, f"{prefix}projection")[0], 2)
    else:
        _answers(g, plan, passed, given)
    _recorded(g, passed)


def _decoder(g: Graph, plan: Plan, given: Mapping[str, str], request: Request) -> None:
    inside = {word: given[name] for name, word in _DECODER.items() if name in given}
    tower = Tower(g, _tower(plan, "decoder"), "decoder.", shared_table(plan, "decoder."))
    passed = tower.run(inside, request)
    if plan.head is None:
        g.output("last_hidden_state", passed.last, 3)
    else:
        _answers(g, plan, passed, given)
    _recorded(g, passed)


def _memory(g: Graph, plan: Plan, states: str) -> None:
    """Make every layer's keys and values of the encoder's states."""
    reader = _reader(plan)
    stack, prefix = _tower(plan, reader).stack, f"{reader}." if reader else ""
    for layer in range(stack.layers):
        name = f"{prefix}layers.{stack.set_of(layer)}.cross"
        pair = Attention(g, stack, name, layer, cross=True).memory(states)
        for output, value in zip(memory_names(layer), pair, strict=True):
            g.output(output, value, 4)


def _answers(g: Graph, plan: Plan, passed: Passed, given: Mapping[str, str]) -> None:
    for field, value in Answer(g, plan, passed, given).fields().items():
        g.output(field, value, _rank(field, plan))


def _rank(field: str, plan: Plan) -> int:
    """How many sides an answer has: three where there is one per token."""
    head = plan.head
    assert head is not None
    if field == "reconstruction":
        return 4
    each = head.pool == "all" and head.kind != "discriminator"
    return 3 if field in {"last_hidden_state", "prediction_logits"} or (
        field == "logits" and each) else 2  # fmt: skip


def _recorded(g: Graph, passed: Passed) -> None:
    call = passed.call
    for number, state in enumerate(call.states):
        g.output(f"hidden_states.{number}", state, 3)
    for layer, weights in sorted(call.attentions.items()):
        g.output(f"attentions.{layer}", weights, 4)
    for layer, weights in sorted(call.cross_attentions.items()):
        g.output(f"cross_attentions.{layer}", weights, 4)
    for layer, pair in sorted(call.present.items()):
        for name, value in zip(("present_key", "present_value"), pair, strict=True):
            g.output(f"{name}.{layer}", value, 4)
