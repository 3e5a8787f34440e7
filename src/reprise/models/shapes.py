"""The parameters of a spec: canonical names and shapes, known before any engine is asked.

The torch engine's modules have exactly these (a test says so), the ONNX engine points each at its
bytes, and the loader reports against them.
"""

from collections.abc import Iterator

from reprise.models.heads import Head
from reprise.models.spec import (
    Attention,
    Buckets,
    Clusters,
    Disentangled,
    Embedding,
    FeedForward,
    Frames,
    Mixed,
    ModelSpec,
    Norm,
    Patches,
    Pooler,
    Segmented,
    Stack,
    Tower,
    Waves,
)  # fmt: skip

Shapes = dict[str, tuple[int, ...]]
Item = tuple[str, tuple[int, ...]]


def parameters(spec: ModelSpec, head: Head | None = None, labels: int = 2) -> Shapes:
    """List the tensors of a model.

    Args:
        spec: The body.
        head: What stands on it, if anything.
        labels: How many labels a classifying head has.
    """
    found: Shapes = {}
    for name, tower in spec.towers.items():
        found |= dict(_tower(tower, f"{name}." if name else ""))
    if spec.encoder and spec.decoder and spec.shared_embedding:
        found = _share(found)
    if spec.projection:
        found |= dict(_contrastive(spec))
    if head:
        found |= dict(_head(head, spec, labels))
    return found


def _share(found: Shapes) -> Shapes:
    """One token table for both towers, called `shared`."""
    tables = ("encoder.embed.tokens.weight", "decoder.embed.tokens.weight")
    shape = found[tables[0]]
    return {"shared.weight": shape} | {k: v for k, v in found.items() if k not in tables}


def linear(name: str, out: int, into: int, *, bias: bool = True) -> Iterator[Item]:
    """Weight [out, in] and bias [out] of a linear layer."""
    yield f"{name}.weight", (out, into)
    if bias:
        yield f"{name}.bias", (out,)


def norm(name: str, spec: Norm | None, width: int) -> Iterator[Item]:
    """Weight and bias of a norm."""
    if spec is None or not spec.affine:
        return
    yield f"{name}.weight", (width,)
    if spec.kind == "layer" and spec.bias:
        yield f"{name}.bias", (width,)


def _tower(tower: Tower, prefix: str) -> Iterator[Item]:
    match tower.input:
        case Embedding():
            yield from _embedding(f"{prefix}embed", tower.input)
        case Clusters():
            yield from _clusters(f"{prefix}embed", tower.input)
        case Patches():
            yield from _patches(f"{prefix}embed", tower.input)
        case Frames():
            yield from _frames(f"{prefix}embed", tower.input)
        case Waves():
            yield from _waves(f"{prefix}embed", tower.input)
        case Mixed():
            yield from _embedding(f"{prefix}embed.text", tower.input.text)
            yield from _patches(f"{prefix}embed.image", tower.input.image)
            yield f"{prefix}embed.kinds.weight", (tower.input.kinds, tower.stack.width)
    yield from _stack(prefix, tower.stack)
    yield from _pooler(f"{prefix}pooler", tower.pooler, tower.stack.width)
    if tower.project:
        yield from linear(f"{prefix}project", tower.project, tower.stack.width,
                          bias=tower.project_bias)  # fmt: skip


def _embedding(name: str, spec: Embedding) -> Iterator[Item]:
    yield f"{name}.tokens.weight", (spec.vocab, spec.width)
    if spec.positions and spec.positions.kind in {"learned", "stored"}:
        width = spec.project if spec.project_first and spec.project else spec.width
        yield f"{name}.positions.weight", (spec.positions.rows, width)
    for table, rows in (("types", spec.types), ("languages", spec.languages)):
        if rows:
            yield f"{name}.{table}.weight", (rows, spec.width)
    yield from norm(f"{name}.norm", spec.norm, spec.width)
    if spec.project:
        yield from linear(f"{name}.project", spec.project, spec.width, bias=spec.project_bias)


def _clusters(name: str, spec: Clusters) -> Iterator[Item]:
    for number, (rows, width) in enumerate(spec.tables):
        yield f"{name}.tables.{number}.weight", (rows, width)
        if spec.projected:
            yield f"{name}.projects.{number}", (spec.project, width)


def _patches(name: str, spec: Patches) -> Iterator[Item]:
    yield f"{name}.patches.weight", (spec.width, spec.channels, *spec.patch)
    if spec.bias:
        yield f"{name}.patches.bias", (spec.width,)
    yield f"{name}.first", (spec.width,)
    if spec.tokens > 1:
        yield f"{name}.second", (spec.width,)
    yield f"{name}.positions.weight", (spec.count + spec.tokens, spec.width)
    if spec.mask_token:
        yield f"{name}.masked", (spec.width,)
    yield from norm(f"{name}.norm", spec.norm, spec.width)


def _frames(name: str, spec: Frames) -> Iterator[Item]:
    for number, width in ((1, spec.mels), (2, spec.width)):
        yield f"{name}.conv{number}.weight", (spec.width, width, 3)
        yield f"{name}.conv{number}.bias", (spec.width,)
    yield f"{name}.positions.weight", (spec.rows, spec.width)


def _waves(name: str, spec: Waves) -> Iterator[Item]:
    into = 1
    for number, (out, kernel) in enumerate(zip(spec.channels, spec.kernels, strict=True)):
        yield f"{name}.convs.{number}.conv.weight", (out, into, kernel)
        if spec.bias:
            yield f"{name}.convs.{number}.conv.bias", (out,)
        if spec.norm_of(number):
            yield from norm(f"{name}.convs.{number}.norm", Norm(), out)
        into = out
    yield from norm(f"{name}.norm", spec.norm, into)
    yield from linear(f"{name}.project", spec.width, into)
    yield f"{name}.places.scale", (1, 1, spec.places)
    yield f"{name}.places.direction", (spec.width, spec.width // spec.groups, spec.places)
    yield f"{name}.places.bias", (spec.width,)
    yield from norm(f"{name}.places.norm", spec.norm_places, spec.width)


def _stack(prefix: str, spec: Stack) -> Iterator[Item]:
    for number in range(spec.sets):
        yield from _block(f"{prefix}layers.{number}", spec, number)
    yield from norm(f"{prefix}norm", spec.final_norm, spec.width)
    yield from _score_bias(prefix, spec)


def _block(name: str, spec: Stack, number: int) -> Iterator[Item]:
    yield from _attention(f"{name}.attn", spec.attention, spec.width, number)
    if spec.cross:
        yield from _attention(f"{name}.cross", spec.cross, spec.width, number)
        yield from norm(f"{name}.norm_cross", spec.norm, spec.width)
    yield from _feed_forward(f"{name}.ff", spec.ff, spec.width)
    for norm_name in block_norms(spec, number):
        yield from norm(f"{name}.{norm_name}", spec.norm, spec.width)
    if spec.layer_scale:
        yield f"{name}.scale_attn", (spec.width,)
        yield f"{name}.scale_ff", (spec.width,)


def block_norms(spec: Stack, number: int) -> tuple[str, ...]:
    """Names of a layer's norms, cross attention's aside."""
    names: tuple[str, ...] = ("norm_attn", "norm_ff")
    if spec.placement == "sandwich":
        names = ("norm_attn", "norm_attn_out", "norm_ff", "norm_ff_out")
    if spec.placement == "parallel_shared":
        names = ("norm_attn",)
    if number == 0 and not spec.first_norm:
        return tuple(name for name in names if name != "norm_attn")
    return names


def _attention(name: str, spec: Attention, width: int, number: int) -> Iterator[Item]:
    heads = len(spec.kept(number))
    inner, shared = heads * spec.width, spec.groups_of(number) * spec.width
    read = spec.memory or width
    for part, out, into in (("q", inner, width), ("k", shared, read), ("v", shared, read)):
        yield from linear(f"{name}.{part}", out, into, bias=part in spec.bias)
    yield from linear(f"{name}.o", width, inner, bias="o" in spec.bias)
    for part in ("q_norm", "k_norm"):
        yield from norm(f"{name}.{part}", spec.head_norm, spec.width)
    match spec.score_bias:
        case Segmented() as bias:
            yield from _segmented(f"{name}.relative", bias, (heads, spec.width, width))
        case Disentangled(shared=False) as bias:
            if bias.c2p:
                yield from linear(f"{name}.relative.k", inner, width, bias=not bias.legacy)
            if bias.p2c:
                yield from linear(f"{name}.relative.q", inner, width)


def _segmented(name: str, bias: Segmented, sizes: tuple[int, int, int]) -> Iterator[Item]:
    heads, size, width = sizes
    yield f"{name}.r.weight", (heads * size, width)
    if not bias.shared:
        yield f"{name}.content", (heads, size)
        yield f"{name}.position", (heads, size)
    if bias.segments:
        yield f"{name}.segment", (heads, size)
        yield f"{name}.segments", (2, heads, size)


def _feed_forward(name: str, spec: FeedForward, width: int) -> Iterator[Item]:
    for part in ("gate", "up") if spec.gated else ("up",):
        yield from linear(f"{name}.{part}", spec.inner, width, bias=spec.bias)
    yield from linear(f"{name}.down", width, spec.inner, bias=spec.bias)


def _score_bias(prefix: str, spec: Stack) -> Iterator[Item]:
    match spec.attention.score_bias:
        case Buckets(count=count):
            yield f"{prefix}buckets.weight", (count, spec.attention.heads)
        case Disentangled(span=span, norm=bias_norm):
            yield f"{prefix}relative.weight", (2 * span, spec.width)
            yield from norm(f"{prefix}relative_norm", bias_norm, spec.width)
        case Segmented() as bias:
            shape = (spec.attention.heads, spec.attention.width)
            if bias.shared:
                yield f"{prefix}relative.content", shape
                yield f"{prefix}relative.position", shape
            if bias.queries:
                yield f"{prefix}masked", (spec.width,)
    if spec.convolution:
        rows = spec.width // spec.convolution_groups
        yield f"{prefix}conv.weight", (spec.width, rows, spec.convolution)
        yield f"{prefix}conv.bias", (spec.width,)
        yield from norm(f"{prefix}conv.norm", spec.norm, spec.width)


def _pooler(name: str, spec: Pooler | None, width: int) -> Iterator[Item]:
    if spec is None:
        return
    yield from norm(f"{name}_norm", spec.norm, width)
    if spec.dense:
        yield from linear(name, width, width)


def _contrastive(spec: ModelSpec) -> Iterator[Item]:
    for name, tower in spec.towers.items():
        width = tower.stack.width
        yield from linear(f"{name}.projection", spec.projection, width, bias=False)
    yield "scale", ()


def _head(head: Head, spec: ModelSpec, labels: int, name: str = "head") -> Iterator[Item]:
    vocab, table_width = table_of(spec)
    width = pooled_width(head, spec.width)
    if head.kind == "beam_question_answering":
        yield from _beam(name, head.norm, width)
        return
    if head.kind == "adaptive_lm":
        yield from _adaptive(name, head, spec)
        return
    if head.dense:
        inner = head.dense_width or spec.width
        yield from linear(f"{name}.dense", inner, width, bias=head.dense_bias)
        width = inner
    yield from norm(f"{name}.norm", head.norm, width)
    out = head.rows(vocab, labels)
    if out and not head.tied:
        yield f"{name}.out.weight", (out, table_width if head.out == "vocab" else width)
    if out and head.bias:
        yield f"{name}.out.bias", (out,)
    if head.logits_bias:
        yield f"{name}.logits_bias", (1, vocab)
    if head.second:
        yield from _head(head.second, spec, labels, "second")


def _beam(name: str, given: Norm | None, width: int) -> Iterator[Item]:
    """Starts, ends and the answer's class (XLM, XLNet)."""
    yield from linear(f"{name}.start", 1, width)
    for part in ("end", "answer"):
        yield from linear(f"{name}.{part}.dense", width, 2 * width)
        yield from linear(f"{name}.{part}.out", 1, width, bias=part == "end")
    yield from norm(f"{name}.end.norm", given, width)


def _adaptive(name: str, head: Head, spec: ModelSpec) -> Iterator[Item]:
    """Log-probabilities by clusters, from the input's tables (Transformer-XL)."""
    (tower,) = spec.towers.values()
    tables = tower.input
    assert isinstance(tables, Clusters)
    for number, (rows, width) in enumerate(tables.tables):
        if not head.tied:
            yield f"{name}.tables.{number}.weight", (rows, width)
        yield f"{name}.tables.{number}.bias", (rows,)
    if tables.cutoffs:
        yield from linear(f"{name}.clusters", len(tables.cutoffs), tables.width)
    for number in head.projections:
        yield f"{name}.projects.{number}", (tables.project, tables.widths[number])


def pooled_width(head: Head, width: int) -> int:
    """Width of what a head's first layer reads."""
    return 2 * width if head.pool == "class_and_mean" else width


def table_of(spec: ModelSpec) -> tuple[int, int]:
    """Vocabulary and width of the token table that a language head answers with."""
    tower = spec.decoder or spec.encoder
    if tower is None or not isinstance(tower.input, Embedding):
        return 0, spec.width
    return tower.input.vocab, tower.input.width
