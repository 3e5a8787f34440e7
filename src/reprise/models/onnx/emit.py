"""From a plan to a graph: inputs, towers, head, outputs."""

from collections.abc import Mapping

from reprise.base.errors import NotSupported
from reprise.models import spec
from reprise.models.onnx import proto
from reprise.models.onnx.attention import Attention, memory_names, past_names
from reprise.models.onnx.call import Request
from reprise.models.onnx.graph import Graph
from reprise.models.onnx.heads import Answer, shared_table
from reprise.models.onnx.tower import Passed, Tower
from reprise.models.onnx.weights import Weights
from reprise.models.plan import Plan

VERSION = 1  # raised when the same plan gives another graph than before

_TOKENS = ("rows", "length")
_SEEN = ("rows", "keys")
# Arguments that are whole numbers, with their sides; others are float32.
NUMBERS: dict[str, tuple[proto.Side, ...]] = {
    "input_ids": _TOKENS, "decoder_input_ids": _TOKENS, "token_type_ids": _TOKENS,
    "position_ids": ("position_rows", "length"), "langs": _TOKENS, "attention_mask": _SEEN,
    "decoder_position_ids": ("position_rows", "length"), "decoder_attention_mask": _SEEN,
    "mc_token_ids": ("examples", "choices"), "bool_masked_pos": ("rows", "patches"),
    "logits_to_keep": (1,),
}  # fmt: skip
# What a decoder's arguments are called inside its tower.
_DECODER = {
    "decoder_input_ids": "input_ids", "decoder_attention_mask": "attention_mask",
    "decoder_position_ids": "position_ids", "decoder_inputs_embeds": "inputs_embeds",
    "decoder_head_mask": "head_mask", "cross_attn_head_mask": "cross_attn_head_mask",
    "attention_mask": "encoder_attention_mask",
}  # fmt: skip


def check_expressible(plan: Plan) -> None:
    """Refuse a plan that no graph expresses.

    Raises:
        NotSupported: Naming the model type and the engine that runs it.
    """
    reason = plan.spec.torch_only
    for tower in plan.spec.towers.values():
        match tower.stack.attention.score_bias:
            case spec.Segmented():
                reason = reason or "its attention relates segments and keeps memories"
    if reason:
        raise NotSupported(
            f"The onnx engine cannot run {plan.family.model_type} models: {reason}.",
            hint="Load it with engine='torch'.",
        )


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
        whole = name in NUMBERS
        g.input(name, proto.INT64 if whole else proto.FLOAT, NUMBERS.get(name) or _floats(name))
    stack = _tower(plan, request.part).stack
    for layer in range(stack.layers):
        if request.cache:
            _keys_values(g, past_names(layer), stack.attention, layer, "past")
        if request.part == "decoder" and stack.cross:
            _keys_values(g, memory_names(layer), stack.cross, layer, "memory")
    return {name: name for name in request.inputs}


def _keys_values(g: Graph, names: tuple[str, str], given: spec.Attention, layer: int,
                 length: str) -> None:  # fmt: skip
    for name in names:
        g.input(name, proto.FLOAT, ("rows", given.groups_of(layer), length, given.width))


def _floats(name: str) -> tuple[proto.Side, ...]:
    if name.endswith("head_mask"):
        return ("layers", "heads")
    if name == "pixel_values":
        return ("rows", "channels", "height", "across")
    return ("rows", "length", "width")


def _tower(plan: Plan, part: str) -> spec.Tower:
    towers = plan.spec.towers
    return towers["decoder" if part == "memory" else part]


def _single(g: Graph, plan: Plan, given: Mapping[str, str], request: Request) -> None:
    prefix = f"{request.part}." if request.part else ""
    tower = Tower(g, _tower(plan, request.part), prefix, shared_table(plan, prefix))
    passed = tower.run(given, request)
    if plan.head is None or request.part:
        g.output("last_hidden_state", passed.last)
        if passed.pooled:
            g.output("pooler_output", passed.pooled)
    else:
        _answers(g, plan, passed, given)
    _recorded(g, passed)


def _decoder(g: Graph, plan: Plan, given: Mapping[str, str], request: Request) -> None:
    inside = {word: given[name] for name, word in _DECODER.items() if name in given}
    tower = Tower(g, _tower(plan, "decoder"), "decoder.", shared_table(plan, "decoder."))
    passed = tower.run(inside, request)
    if plan.head is None:
        g.output("last_hidden_state", passed.last)
    else:
        _answers(g, plan, passed, given)
    _recorded(g, passed)


def _memory(g: Graph, plan: Plan, states: str) -> None:
    """Make every layer's keys and values of the encoder's states."""
    stack = _tower(plan, "decoder").stack
    for layer in range(stack.layers):
        name = f"decoder.layers.{stack.set_of(layer)}.cross"
        pair = Attention(g, stack, name, layer, cross=True).memory(states)
        for output, value in zip(memory_names(layer), pair, strict=True):
            g.output(output, value)


def _answers(g: Graph, plan: Plan, passed: Passed, given: Mapping[str, str]) -> None:
    for field, value in Answer(g, plan, passed, given).fields().items():
        g.output(field, value)


def _recorded(g: Graph, passed: Passed) -> None:
    call = passed.call
    for number, state in enumerate(call.states):
        g.output(f"hidden_states.{number}", state)
    for layer, weights in sorted(call.attentions.items()):
        g.output(f"attentions.{layer}", weights)
    for layer, weights in sorted(call.cross_attentions.items()):
        g.output(f"cross_attentions.{layer}", weights)
    for layer, pair in sorted(call.present.items()):
        for name, value in zip(("present_key", "present_value"), pair, strict=True):
            g.output(f"{name}.{layer}", value)
