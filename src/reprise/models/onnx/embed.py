"""Tokens to vectors."""

from collections.abc import Mapping

from reprise.models import spec
from reprise.models.onnx import proto
from reprise.models.onnx.call import Call
from reprise.models.onnx.graph import Graph
from reprise.models.onnx.layers import linear, lookup, norm
from reprise.models.onnx.positions import numbers, sinusoids


def embed(g: Graph, embedding: spec.Embedding, names: tuple[str, str], given: Mapping[str, str],
          call: Call) -> str:  # fmt: skip
    """Look up tokens, scale, add positions and types, normalise, project; gives [B, T, C].

    Args:
        g: The graph.
        embedding: What to emit.
        names: Of the module, and of the token table; canonical.
        given: Inputs by a tower's own words: `input_ids` or `inputs_embeds`, …
        call: The pass.
    """
    (name, table), ids = names, given.get("input_ids", "")
    vectors = lookup(g, table, ids) if ids else given["inputs_embeds"]
    x = g.scaled(vectors, embedding.scale)
    if embedding.project_first and embedding.project:
        (x,) = linear(g, x, f"{name}.project")
    for added in _added(g, embedding, name, table, given):
        x = g.add(x, added)
    if embedding.positions:
        x = g.add(x, _positions(g, embedding, name, given, call))
    if embedding.norm:
        x = norm(g, x, f"{name}.norm", embedding.norm, embedding.width)
    if embedding.mask_pads and call.padding:
        x = without_pads(g, x, call)
    if embedding.project and not embedding.project_first:
        (x,) = linear(g, x, f"{name}.project")
    return x


def without_pads(g: Graph, x: str, call: Call) -> str:
    """Zero x [B, T, C] where the attention mask is 0."""
    past = g.op("Sub", call.keys, call.length)
    marks = g.cast(g.slice(call.padding, past, call.keys, 1), proto.FLOAT)
    return g.mul(x, g.unsqueeze(marks, 2))


def _added(g: Graph, embedding: spec.Embedding, name: str, table: str,
           given: Mapping[str, str]) -> list[str]:  # fmt: skip
    found = []
    types = given.get("token_type_ids", "")
    if embedding.types:
        found.append(lookup(g, f"{name}.types.weight", types or g.constant([[0]])))
    elif embedding.types_from_tokens and types:
        found.append(g.scaled(lookup(g, table, types), embedding.scale))
    if embedding.languages and "langs" in given:
        found.append(lookup(g, f"{name}.languages.weight", given["langs"]))
    return found


def _positions(g: Graph, embedding: spec.Embedding, name: str, given: Mapping[str, str],
               call: Call) -> str:  # fmt: skip
    place = embedding.positions
    assert place is not None
    stated = given.get("position_ids", "")
    if not stated:
        stated = numbers(g, place, given.get("input_ids", ""), embedding.pad, call)
    elif place.count != "unpadded":
        stated = g.add(stated, g.constant(place.offset))
    if place.kind in {"learned", "stored"}:
        return lookup(g, f"{name}.positions.weight", stated)
    wide = embedding.project if embedding.project_first and embedding.project else embedding.width
    return sinusoids(g, stated, wide, interleaved=place.kind == "sinus_interleaved")
