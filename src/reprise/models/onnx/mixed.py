"""A text and an image as one row: tokens first, then the patches, each marked as what it is."""

from collections.abc import Mapping

from reprise.models import spec
from reprise.models.onnx.call import Call
from reprise.models.onnx.embed import embed
from reprise.models.onnx.graph import Graph


def mixed(g: Graph, given: spec.Mixed, name: str, inputs: Mapping[str, str], call: Call) -> str:
    """Embed ids [B, T] and pixels as [B, T + patches, C]; the pass grows by the patches."""
    names = f"{name}.text", f"{name}.text.tokens.weight"
    text = embed(g, given.text, names, inputs, call)
    image = _image(g, given.image, f"{name}.image", inputs["pixel_values"])
    kinds = g.weight(f"{name}.kinds.weight")
    text, image = (g.add(x, g.at(kinds, kind, 0)) for kind, x in enumerate((text, image)))
    beside = g.side(image, 1)
    call.length, call.keys = g.add(call.length, beside), g.add(call.keys, beside)
    if call.padding:
        sides = g.concat(call.rows, beside, axis=0)
        seen = g.op("Expand", g.constant([[1]]), sides)
        call.padding = g.concat(call.padding, seen, axis=1)
    return g.concat(text, image, axis=1)


def _image(g: Graph, given: spec.Patches, name: str, pixels: str) -> str:
    """Embed an image of any size: positions are stretched to its grid, corner to corner."""
    bias = [g.weight(f"{name}.patches.bias")] if given.bias else []
    grid = g.op("Conv", pixels, g.weight(f"{name}.patches.weight"), *bias, strides=given.patch)
    table, width = g.weight(f"{name}.positions.weight"), given.width
    seen = tuple(side // patch for side, patch in zip(given.image, given.patch, strict=True))
    first = g.slice(table, g.constant([0]), g.constant([given.tokens]), 0)
    rest = g.slice(table, g.constant([given.tokens]), g.constant([given.tokens + given.count]), 0)
    square = g.transpose(g.reshape(rest, 1, *seen, width), 0, 3, 1, 2)
    sizes = g.concat(g.constant([1, width]), g.side(grid, 2), g.side(grid, 3), axis=0)
    stretched = g.op("Resize", square, "", "", sizes, mode="linear",
                     coordinate_transformation_mode="align_corners")  # fmt: skip
    x = g.transpose(g.reshape(g.add(grid, stretched), 0, width, -1), 0, 2, 1)
    sides = g.concat(g.side(pixels, 0), g.constant([1, width]), axis=0)
    token = g.op("Expand", g.add(g.weight(f"{name}.first"), first), sides)
    return g.concat(token, x, axis=1)
