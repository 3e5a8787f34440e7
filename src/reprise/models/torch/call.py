"""What one forward pass carries through the layers beside the hidden states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from reprise.models.spec import Rope
from reprise.models.torch.cache import Cache

Rotation = tuple[Tensor, Tensor]  # cosines and sines [B or 1, 1, T, width]


@dataclass(kw_only=True)
class Inputs:
    """What a tower is called with; names as in transformers."""

    input_ids: Tensor | None = None
    attention_mask: Tensor | None = None
    token_type_ids: Tensor | None = None
    position_ids: Tensor | None = None
    key_positions: Tensor | None = None  # place of each key in its own row, [B, S]; -1: no token
    langs: Tensor | None = None
    lengths: Tensor | None = None  # tokens of each row, [B]
    inputs_embeds: Tensor | None = None
    pixel_values: Tensor | None = None
    pixel_mask: Tensor | None = None  # 0 where an image is padded, [B, height, width]
    input_features: Tensor | None = None
    input_values: Tensor | None = None
    encoder_hidden_states: Tensor | None = None
    encoder_attention_mask: Tensor | None = None
    past_key_values: Cache | None = None
    mems: Sequence[Tensor] | None = None  # states of what came before, [M, B, C] per layer
    use_mems: bool | None = None
    perm_mask: Tensor | None = None  # 1 where a token does not see another, [B, T, T]
    target_mapping: Tensor | None = None  # 1 where a prediction stands, [B, P, T]
    input_mask: Tensor | None = None  # 1 where padding is, [B, T]
    head_mask: Tensor | None = None
    cross_attn_head_mask: Tensor | None = None
    output_hidden_states: bool = False
    output_attentions: bool | Sequence[int] = False
    interpolate_pos_encoding: bool = False
    bool_masked_pos: Tensor | None = None


@dataclass
class Call:
    """One pass through one stack.

    `masks` and `rotations` hold one value per distinct window or rope, made once for all layers;
    `shared` is what the stack's score bias computed for all layers.
    """

    masks: Mapping[int, Tensor | None]
    rotations: Mapping[Rope, Rotation] = field(default_factory=dict)
    shared: Any = None
    padding: Tensor | None = None  # [B, S]
    memory: Tensor | None = None  # the encoder's states [B, S, C]
    memory_mask: Tensor | None = None
    cache: Cache | None = None
    gates: Tensor | None = None  # [layers, H]
    cross_gates: Tensor | None = None
    recorded: frozenset[int] = frozenset()  # layers whose attentions are kept
    states: list[Tensor] | None = None
    attentions: dict[int, Tensor] = field(default_factory=dict)
    cross_attentions: dict[int, Tensor] = field(default_factory=dict)

    def crosses(self, layer: int) -> bool:
        """Whether there are states of an encoder: a decoder that stands alone may do without."""
        kept = self.cache is not None and layer in self.cache.cross
        return kept or self.memory is not None


def recorded_layers(wanted: bool | Sequence[int], layers: int) -> frozenset[int]:
    """Read `output_attentions`: True is every layer, a list names some."""
    if isinstance(wanted, bool):
        return frozenset(range(layers)) if wanted else frozenset()
    return frozenset(wanted)
