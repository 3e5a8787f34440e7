"""wav2vec 2.0 and HuBERT: samples of sound through convolutions, an encoder, letters by CTC."""

from dataclasses import replace
from typing import Any

from reprise.base.errors import NotSupported
from reprise.models import heads
from reprise.models.config import Config
from reprise.models.family import Family
from reprise.models.spec import (
    Attention,
    Dropout,
    FeedForward,
    ModelSpec,
    Norm,
    Stack,
    Tower,
    Waves,
)  # fmt: skip

_DIRECTION = "encoder.pos_conv_embed.conv.parametrizations.weight.original"
NAMES = f"""
    embed.convs.*.conv              feature_extractor.conv_layers.*.conv
    embed.convs.*.norm              feature_extractor.conv_layers.*.layer_norm
    embed.norm                      feature_projection.layer_norm
    embed.project                   feature_projection.projection
    embed.places.scale!             {_DIRECTION}0!
    embed.places.direction!         {_DIRECTION}1!
    embed.places.bias!              encoder.pos_conv_embed.conv.bias!
    embed.places.norm               encoder.layer_norm
    norm                            encoder.layer_norm
    layers.*.attn.{{q,k,v,o}}       encoder.layers.*.attention.{{q_proj,k_proj,v_proj,out_proj}}
    layers.*.norm_attn              encoder.layers.*.layer_norm
    layers.*.ff.up                  encoder.layers.*.feed_forward.intermediate_dense
    layers.*.ff.down                encoder.layers.*.feed_forward.output_dense
    layers.*.norm_ff                encoder.layers.*.final_layer_norm
"""
_ABSENT = ("add_adapter", "conv_pos_batch_norm")


def _waves(config: Config) -> ModelSpec:
    asked = [name for name in _ABSENT if config.get(name)]
    if asked or config.get("adapter_attn_dim") is not None:
        raise NotSupported(f"Models of sound with {', '.join(asked) or 'adapters in their layers'} "
                           "are not known here.")  # fmt: skip
    width, count = config.hidden_size, config.num_attention_heads
    norm, pre = Norm(eps=config.layer_norm_eps), bool(config.do_stable_layer_norm)
    sound = Waves(
        channels=tuple(config.conv_dim), kernels=tuple(config.conv_kernel),
        strides=tuple(config.conv_stride), bias=config.conv_bias, norms=config.feat_extract_norm,
        act=config.feat_extract_activation, width=width, places=config.num_conv_pos_embeddings,
        groups=config.num_conv_pos_embedding_groups, norm_places=None if pre else norm,
        norm=norm if config.get("feat_proj_layer_norm", True) else None,
    )  # fmt: skip
    stack = Stack(
        layers=config.num_hidden_layers, width=width, norm=norm,
        placement="pre" if pre else "post", final_norm=norm if pre else None,
        attention=Attention(heads=count, width=width // count),
        ff=FeedForward(inner=config.intermediate_size, act=config.hidden_act),
    )  # fmt: skip
    rates = Dropout(hidden=config.hidden_dropout, attention=config.attention_dropout,
                    inner=config.activation_dropout, head=config.final_dropout)  # fmt: skip
    return ModelSpec(encoder=Tower(input=sound, stack=stack), dropout=rates)


def _letters(config: Config) -> heads.Head:
    return heads.Head(kind="ctc", out="width", out_width=config.vocab_size,
                      names="head.out lm_head")  # fmt: skip


_DEFAULTS: dict[str, Any] = {
    "vocab_size": 32, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
    "intermediate_size": 3072, "hidden_act": "gelu", "hidden_dropout": 0.1,
    "activation_dropout": 0.1, "attention_dropout": 0.1, "final_dropout": 0.1,
    "layer_norm_eps": 1e-5, "feat_extract_norm": "group", "feat_extract_activation": "gelu",
    "conv_dim": (512,) * 7, "conv_stride": (5, 2, 2, 2, 2, 2, 2),
    "conv_kernel": (10, 3, 3, 3, 3, 2, 2), "conv_bias": False, "num_conv_pos_embeddings": 128,
    "num_conv_pos_embedding_groups": 16, "do_stable_layer_norm": False, "pad_token_id": 0,
    "ctc_loss_reduction": "sum", "ctc_zero_infinity": False,
}  # fmt: skip
WAV2VEC2 = Family(
    model_type="wav2vec2",
    prefix="Wav2Vec2",
    spec=_waves,
    names=NAMES,
    body="wav2vec2.",
    heads={"ForCTC": _letters},
    defaults=_DEFAULTS,
    ignored=(r"masked_spec_embed$",),
    elsewhere=(r"^quantizer\.", r"^project_(q|hid)\.", r"^(projector|classifier)\."),
    renamed=(
        (r"conv\.weight_g$", "conv.parametrizations.weight.original0"),
        (r"conv\.weight_v$", "conv.parametrizations.weight.original1"),
    ),
)  # fmt: skip
HUBERT = replace(WAV2VEC2, model_type="hubert", prefix="Hubert", body="hubert.")

FAMILIES = {family.model_type: family for family in (WAV2VEC2, HUBERT)}
