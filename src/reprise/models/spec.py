"""An architecture as plain data: what both engines read.

A position scheme is one of three things: it is **added** to the embedding (`Positions`), it
**rotates** queries and keys (`Rope`), or it is a **bias** on the attention scores
(`Buckets`, `Alibi`, `Disentangled`, `Segmented`). Where norms sit is one word (`Placement`).
With those, one stack describes every transformer of the families.

Shape letters: B batch, T query tokens, S key tokens, H heads, D head width, C model width,
V vocabulary.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from itertools import pairwise
from typing import Literal

from reprise.base.errors import InvalidInput
from reprise.models.limits import MAX_LAYERS, positive

Placement = Literal["post", "pre", "parallel", "parallel_shared", "sandwich"]


@dataclass(frozen=True, kw_only=True)
class Norm:
    """Layer norm (`layer`), root mean square (`rms`), or the latter times 1 + weight (`rms1p`)."""

    kind: Literal["layer", "rms", "rms1p"] = "layer"
    eps: float = 1e-5
    bias: bool = True  # of `layer` only
    affine: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.eps, int | float) or not 0 <= self.eps < 1:
            raise InvalidInput(f"A norm's epsilon must lie in [0, 1), not {self.eps!r}.")


@dataclass(frozen=True, kw_only=True)
class Positions:
    """A vector per position, added to the embedding.

    `count` says how positions are numbered: `index` 0, 1, 2 …; `unpadded` counts tokens that are
    not padding (RoBERTa); `mask` counts where the attention mask is 1 (OPT).
    """

    kind: Literal["learned", "sinus", "sinus_interleaved", "stored"] = "learned"
    rows: int
    offset: int = 0  # first row in use
    count: Literal["index", "unpadded", "mask"] = "index"

    def __post_init__(self) -> None:
        positive(self, rows=self.rows)


@dataclass(frozen=True, kw_only=True)
class Embedding:
    """Tokens to vectors: look up, scale, add positions and types, normalise, project."""

    vocab: int
    width: int
    positions: Positions | None = None
    types: int = 0  # rows of the token type table; 0: none
    types_from_tokens: bool = False  # token types are looked up in the token table (GPT)
    languages: int = 0  # rows of the language table (XLM)
    scale: float = 1.0
    scale_rounds: bool = False  # the scale is rounded to the weights' type (Gemma)
    norm: Norm | None = None
    project: int = 0  # model width, when it differs from the table's
    project_bias: bool = True
    project_first: bool = False  # project the tokens before positions are added (OPT)
    pad: int = 0
    mask_pads: bool = False  # zero where the attention mask is 0

    def __post_init__(self) -> None:
        positive(self, vocab=self.vocab, width=self.width)


@dataclass(frozen=True, kw_only=True)
class Rope:
    """Rotary positions (Su et al., 2021): the first `width` of each head's numbers are rotated.

    `scaling` is the configuration's own mapping, as sorted pairs; see `rope.frequencies`.
    """

    width: int
    theta: float = 10_000.0
    scaling: tuple[tuple[str, object], ...] = ()
    context: int = 2048  # positions seen in training

    def __post_init__(self) -> None:
        positive(self, width=self.width)


@dataclass(frozen=True, kw_only=True)
class Buckets:
    """A learned number per head and distance bucket (T5); one table for the whole stack."""

    count: int
    distance: int = 128
    both_ways: bool = True

    def __post_init__(self) -> None:
        positive(self, count=self.count)


@dataclass(frozen=True, kw_only=True)
class Alibi:
    """A slope per head times the key's position (Press et al., 2021)."""


@dataclass(frozen=True, kw_only=True)
class Disentangled:
    """Content-to-position and position-to-content scores (DeBERTa)."""

    span: int  # rows of the relative table are 2 * span
    buckets: int = 0  # 0: distances are clipped, not put in logarithmic buckets
    distance: int = 512
    c2p: bool = True
    p2c: bool = True
    shared: bool = True  # queries' and keys' own projections serve for positions
    norm: Norm | None = None
    legacy: bool = False  # version 1: fused projection, own position projections


@dataclass(frozen=True, kw_only=True)
class Segmented:
    """Relative sinusoids, and a memory of earlier states (Transformer-XL, XLNet)."""

    segments: bool = False  # XLNet's bias for same or other segment
    shared: bool = False  # all layers have the same content and position biases
    clamp: int = -1  # distances beyond it count as it; not above 0: none does
    both_ways: bool = False  # keys after the query have distances of their own
    mirrored: bool = False  # the second half of a batch is read backwards
    same_length: bool = False  # every query sees equally many keys
    memory: int = 0  # states kept of what came before; 0: all of them, below 0: none
    reuse: int = 0  # how many states of a segment the memory takes; 0: all of them
    blank: bool = False  # the memory begins as zeros that are seen (Transformer-XL)
    queries: bool = False  # a second stream asks without seeing its own token (XLNet)


ScoreBias = Buckets | Alibi | Disentangled | Segmented


@dataclass(frozen=True, kw_only=True)
class Attention:
    """Queries, keys and values; `bias` names those of q, k, v, o that have one."""

    heads: int
    width: int  # D, of one head
    kv_heads: int = 0  # 0: as many as `heads`
    bias: str = "qkvo"
    scale: float | tuple[float, ...] = 0.0  # 0: D ** -0.5; a tuple: one per layer
    causal: bool = False
    rope: Rope | tuple[Rope, ...] | None = None  # a tuple: one per layer
    windows: tuple[int, ...] = ()  # per layer: tokens seen to each side (or back); 0: all
    score_bias: ScoreBias | None = None
    softcap: float = 0.0
    head_norm: Norm | None = None  # of each head's queries and keys
    pruned: tuple[tuple[int, ...], ...] = ()  # heads that are gone, per layer
    memory: int = 0  # width of the states that are read; 0: the stack's own

    def __post_init__(self) -> None:
        positive(self, heads=self.heads, width=self.width)
        if self.heads % (self.kv_heads or self.heads):
            raise InvalidInput(
                f"{self.heads} heads cannot share {self.kv_heads} key and value heads evenly."
            )
        for gone in self.pruned:
            self._check_pruned(gone)

    def _check_pruned(self, gone: tuple[int, ...]) -> None:
        if any(not 0 <= head < self.heads for head in gone) or len(set(gone)) >= self.heads:
            raise InvalidInput(
                f"Heads {list(gone)} cannot be pruned of {self.heads}: one must stay."
            )
        shared = self.heads // self.groups
        groups = {head // shared for head in gone}
        if len(set(gone)) != len(groups) * shared:
            raise InvalidInput(
                f"Heads {list(gone)} cannot be pruned: each {shared} heads share one key and value."
            )

    @property
    def groups(self) -> int:
        """How many key and value heads there are."""
        return self.kv_heads or self.heads

    def kept(self, layer: int) -> tuple[int, ...]:
        """Heads that a layer still has."""
        gone = self.pruned[layer] if self.pruned else ()
        return tuple(head for head in range(self.heads) if head not in gone)

    def groups_of(self, layer: int) -> int:
        """How many key and value heads a layer still has."""
        return len(self.kept(layer)) * self.groups // self.heads

    def scale_of(self, layer: int) -> float:
        """Factor on the scores in one layer."""
        if isinstance(self.scale, tuple):
            return self.scale[layer]
        return self.scale or self.width**-0.5

    def rope_of(self, layer: int) -> Rope | None:
        """Rotary positions of one layer."""
        return self.rope[layer] if isinstance(self.rope, tuple) else self.rope

    def window_of(self, layer: int) -> int:
        """Window of one layer; 0 is none."""
        return self.windows[layer] if self.windows else 0


@dataclass(frozen=True, kw_only=True)
class FeedForward:
    """`up`, activation, `down`; with `gated`, the activated `gate` multiplies `up`."""

    inner: int
    act: str
    gated: bool = False
    bias: bool = True

    def __post_init__(self) -> None:
        positive(self, inner=self.inner)


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Layers of one kind over a hidden state [B, T, C]."""

    layers: int
    width: int
    attention: Attention
    ff: FeedForward
    norm: Norm
    placement: Placement = "post"
    final_norm: Norm | None = None
    cross: Attention | None = None
    groups: int = 0  # layers share this many sets of weights (ALBERT); 0: each has its own
    inner_groups: int = 1  # layers inside one set (ALBERT)
    layer_scale: bool = False  # a learned factor per channel after each branch (DINOv2)
    first_norm: bool = True  # layer 0 has a norm before its attention (ModernBERT has none)
    mask_pads: bool = False  # hidden states are zeroed at padding after each layer (XLM)
    convolution: int = 0  # kernel of a convolution beside layer 0 (DeBERTa-v2 xlarge)
    convolution_groups: int = 1
    convolution_act: str = "tanh"

    def __post_init__(self) -> None:
        positive(self, layers=self.layers, width=self.width)

    @property
    def sets(self) -> int:
        """How many sets of layer weights are stored."""
        return self.groups * self.inner_groups if self.groups else self.layers

    def set_of(self, layer: int) -> int:
        """Which set of weights a layer uses."""
        if not self.groups:
            return layer
        outer, inner = divmod(layer, self.inner_groups)
        group = outer * self.groups // (self.layers // self.inner_groups)
        return group * self.inner_groups + inner


@dataclass(frozen=True, kw_only=True)
class Patches:
    """An image [B, channels, height, width] as a row of patch vectors, special tokens first."""

    image: tuple[int, int]
    patch: tuple[int, int]
    channels: int
    width: int
    tokens: int = 1  # class token, distillation token
    bias: bool = True
    norm: Norm | None = None
    mask_token: bool = False
    interpolate: bool = True

    def __post_init__(self) -> None:
        sides = zip(("height", "width"), self.image, self.patch, strict=True)
        for side, image, patch in sides:
            positive(self, image=image, patch=patch)
            if image < patch:
                raise InvalidInput(f"A patch is larger than the image: {side} {patch} > {image}.")

    @property
    def count(self) -> int:
        """Patches of an image of the size seen in training."""
        return (self.image[0] // self.patch[0]) * (self.image[1] // self.patch[1])


@dataclass(frozen=True, kw_only=True)
class Frames:
    """A spectrogram [B, mels, time] through two convolutions, then stored sinusoids (Whisper)."""

    mels: int
    width: int
    rows: int

    def __post_init__(self) -> None:
        positive(self, mels=self.mels, width=self.width, rows=self.rows)


@dataclass(frozen=True, kw_only=True)
class Pooler:
    """One vector for the whole input: dense and activation over one token's state."""

    source: Literal["first", "eos"] = "first"
    dense: bool = True
    act: str = "tanh"
    eos: int = 0  # token whose state is taken, with `source="eos"`
    norm: Norm | None = None  # before it


@dataclass(frozen=True, kw_only=True)
class Dropout:
    """Rates while training; loading for use ignores them."""

    hidden: float = 0.0  # after each branch, and after the embedding unless `embedding` is given
    attention: float = 0.0  # of the attention probabilities
    inner: float = 0.0  # inside the feed-forward layer
    head: float = 0.0  # before a head's output layer
    embedding: float = -1.0  # -1: as `hidden`

    def __post_init__(self) -> None:
        for name, rate in vars(self).items():
            right = isinstance(rate, int | float) and (0 <= rate <= 1 or rate == -1)
            if not right:
                raise InvalidInput(f"The dropout rate of {name} must lie in [0, 1], not {rate!r}.")


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """Tokens to vectors, rarer ones from narrower tables (adaptive input, Transformer-XL).

    Tokens up to the first cutoff are in the first table, and so on. Table i has rows of
    `width // divide ** i` numbers, projected to `project`. With `divide=1` there is one table.
    """

    vocab: int
    width: int
    project: int
    cutoffs: tuple[int, ...] = ()
    divide: int = 1
    scale: float = 1.0

    def __post_init__(self) -> None:
        positive(self, vocab=self.vocab, width=self.width, project=self.project)
        if any(end <= start for start, end in pairwise(self.ends)):
            raise InvalidInput(f"Cutoffs must rise from 1 to below {self.vocab}: {self.cutoffs}.")
        if self.divide < 1 or self.width < self.divide ** len(self.cutoffs):
            raise InvalidInput(
                f"A width of {self.width} cannot be divided by {self.divide} per cluster."
            )

    @property
    def ends(self) -> tuple[int, ...]:
        """First token of each cluster, and the size of the vocabulary."""
        return (0, *self.cutoffs, self.vocab)

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers of a row, cluster by cluster."""
        return tuple(self.width // self.divide**i for i in range(len(self.cutoffs) + 1))

    @property
    def tables(self) -> tuple[tuple[int, int], ...]:
        """Rows and width of each table."""
        if self.divide == 1:
            return ((self.vocab, self.width),)
        rows = (end - start for start, end in pairwise(self.ends))
        return tuple(zip(rows, self.widths, strict=True))

    @property
    def projected(self) -> bool:
        """Whether rows are projected."""
        return self.divide > 1 or self.width != self.project


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """Tokens and the patches of an image in one row, each marked as what it is (ViLT)."""

    text: Embedding
    image: Patches
    kinds: int = 2

    def __post_init__(self) -> None:
        positive(self, kinds=self.kinds)


@dataclass(frozen=True, kw_only=True)
class Waves:
    """Samples of sound [B, N] through convolutions, projected, places added (wav2vec 2.0)."""

    channels: tuple[int, ...]  # of each convolution
    kernels: tuple[int, ...]
    strides: tuple[int, ...]
    bias: bool
    norms: Literal["group", "layer"]  # of the first convolution alone by group, or of each by layer
    act: str
    width: int
    places: int  # kernel of the convolution that tells places
    groups: int
    norm: Norm | None  # before the projection
    norm_places: Norm | None  # behind the places

    def __post_init__(self) -> None:
        positive(self, width=self.width, places=self.places, groups=self.groups)
        sizes = (self.channels, self.kernels, self.strides)
        if len({len(size) for size in sizes}) > 1 or not 0 < len(self.channels) <= MAX_LAYERS:
            raise InvalidInput("Convolutions need a width, a kernel and a stride each.")
        for channels, kernel, stride in zip(*sizes, strict=True):
            positive(self, channels=channels, kernel=kernel, stride=stride)
        if self.norms not in {"group", "layer"} or self.width % self.groups:
            raise InvalidInput(f"Convolutions have no norms {self.norms!r}, or {self.groups} "
                               f"groups do not share {self.width} channels evenly.")  # fmt: skip

    def norm_of(self, number: int) -> str:
        """Name the kind of norm of a convolution; empty: none."""
        return self.norms if self.norms == "layer" or number == 0 else ""

    @property
    def ratio(self) -> int:
        """Samples from one state to the next."""
        return math.prod(self.strides)

    @property
    def shortest(self) -> int:
        """Samples that one state needs."""
        needed = 1
        for kernel, stride in zip(reversed(self.kernels), reversed(self.strides), strict=True):
            needed = (needed - 1) * stride + kernel
        return needed


Input = Embedding | Patches | Frames | Clusters | Mixed | Waves


@dataclass(frozen=True, kw_only=True)
class Tower:
    """What turns one kind of input into hidden states: an input layer and a stack."""

    input: Input
    stack: Stack
    pooler: Pooler | None = None
    project: int = 0  # width of the states after a last projection (OPT 350m)
    project_bias: bool = False
    raw_states: bool = False  # the last of all hidden states is taken before the final norm


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """A whole body without its head.

    `encoder` alone, `decoder` alone, both (sequence to sequence), or two encoders (`vision`
    beside `encoder`, contrastive).
    """

    encoder: Tower | None = None
    decoder: Tower | None = None
    vision: Tower | None = None
    shared_embedding: bool = True  # encoder and decoder read the same token table
    projection: int = 0  # width both towers of a contrastive model are projected to
    start: int = 0  # first token of the decoder; labels are shifted right behind it
    dropout: Dropout = Dropout()
    torch_only: str = ""  # why no ONNX graph expresses it; empty: one does

    @property
    def towers(self) -> dict[str, Tower]:
        """The towers by name; a single one is called ``""``: its names carry no prefix."""
        found = {"encoder": self.encoder, "decoder": self.decoder, "vision": self.vision}
        kept = {name: tower for name, tower in found.items() if tower is not None}
        return kept if len(kept) > 1 else dict(zip([""], kept.values(), strict=True))

    @property
    def width(self) -> int:
        """C, of the hidden states that heads read."""
        tower = self.decoder or self.encoder or self.vision
        assert tower is not None
        return tower.project or tower.stack.width


def walk(part: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every leaf of a spec with its dotted path: for printing, hashing and comparing."""
    if not is_dataclass(part):
        yield path, part
        return
    for field in fields(part):
        yield from walk(getattr(part, field.name), f"{path}.{field.name}" if path else field.name)
