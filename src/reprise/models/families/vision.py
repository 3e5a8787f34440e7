"""ViT, DeiT and DINOv2: an image as a row of patches."""

from dataclasses import replace
from typing import Any

from reprise.models import heads
from reprise.models.config import Config
from reprise.models.family import Family, HeadOf
from reprise.models.spec import (
    Attention,
    Dropout,
    FeedForward,
    ModelSpec,
    Norm,
    Patches,
    Pooler,
    Stack,
    Tower,
)  # fmt: skip

_EMBED = """
    embed.first!                    embeddings.cls_token!           leading
    embed.second!                   embeddings.distillation_token!  leading
    embed.masked!                   embeddings.mask_token!          {mask}
    embed.positions.weight!         embeddings.position_embeddings! batched
    embed.patches                   embeddings.patch_embeddings.projection
    layers.*.attn.[q,k,v]           encoder.layer.*.attention.attention.[query,key,value]
    layers.*.attn.o                 encoder.layer.*.attention.output.dense
    norm                            layernorm
"""
_EMBED = _EMBED.replace("[", "{{").replace("]", "}}")
NAMES = _EMBED.format(mask="leading") + """
    layers.*.norm_attn              encoder.layer.*.layernorm_before
    layers.*.norm_ff                encoder.layer.*.layernorm_after
    layers.*.ff.up                  encoder.layer.*.intermediate.dense
    layers.*.ff.down                encoder.layer.*.output.dense
    pooler                          pooler.dense
"""  # fmt: skip
DINO_NAMES = _EMBED.format(mask="batched") + """
    layers.*.{norm_attn,norm_ff}    encoder.layer.*.{norm1,norm2}
    layers.*.scale_attn!            encoder.layer.*.layer_scale1.lambda1!
    layers.*.scale_ff!              encoder.layer.*.layer_scale2.lambda1!
"""  # fmt: skip
_DINO_FF = "layers.*.ff.{up,down} encoder.layer.*.mlp.{fc1,fc2}"
_DINO_GATED = """
    layers.*.ff.gate+up             encoder.layer.*.mlp.weights_in      rows
    layers.*.ff.down                encoder.layer.*.mlp.weights_out
"""
DEFAULTS: dict[str, Any] = {
    "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
    "intermediate_size": 3072, "hidden_act": "gelu", "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0, "layer_norm_eps": 1e-12, "image_size": 224,
    "patch_size": 16, "num_channels": 3, "qkv_bias": True, "encoder_stride": 16,
    "pooler_act": "tanh",
}  # fmt: skip


def pair(size: Any) -> tuple[int, int]:
    """Read a size that stands for both sides, or one for each."""
    return (size[0], size[1]) if isinstance(size, list | tuple) else (size, size)


def patches(config: Config, **more: Any) -> Patches:
    """Make the input layer of an image model."""
    given: dict[str, Any] = {
        "image": pair(config.image_size), "patch": pair(config.patch_size),
        "channels": config.num_channels, "width": config.hidden_size,
    } | more  # fmt: skip
    return Patches(**given)


def _tower(config: Config, pooler: Pooler, ff: FeedForward, **more: Any) -> Tower:
    width, count = config.hidden_size, config.num_attention_heads
    norm = Norm(eps=config.layer_norm_eps)
    tokens = {name: more.pop(name) for name in ("tokens", "mask_token") if name in more}
    stack = Stack(
        layers=config.num_hidden_layers, width=width, placement="pre", norm=norm, final_norm=norm,
        attention=Attention(
            heads=count, width=width // count, bias="qkvo" if config.qkv_bias else "o"),
        ff=ff, **more,
    )  # fmt: skip
    given = patches(config, **tokens)
    return Tower(input=given, stack=stack, pooler=pooler, raw_states=True)


def _model(config: Config, tower: Tower) -> ModelSpec:
    rates = Dropout(hidden=config.hidden_dropout_prob,
                    attention=config.attention_probs_dropout_prob)  # fmt: skip
    return ModelSpec(vision=tower, dropout=rates)


def _vit(config: Config, tokens: int = 1) -> ModelSpec:
    ff = FeedForward(inner=config.intermediate_size, act=config.hidden_act)
    pooler = Pooler(act=config.pooler_act)
    return _model(config, _tower(config, pooler, ff, tokens=tokens))


def _masked(config: Config) -> heads.Head:
    pixels = config.encoder_stride**2 * config.num_channels
    return heads.Head(kind="masked_image", out="width", out_width=pixels,
                      names="head.out.weight! decoder.0.weight! pointwise\n"
                      "head.out.bias! decoder.0.bias!")  # fmt: skip


_CLASSIFIER = heads.Head(kind="image", out="labels", pool="first", names="head.out classifier")
_HEADS: dict[str, HeadOf] = {
    "ForImageClassification": _CLASSIFIER,
    "ForMaskedImageModeling": _masked,
}
VIT = Family(
    model_type="vit", prefix="ViT", spec=_vit, names=NAMES, body="vit.", heads=_HEADS,
    defaults=DEFAULTS,
)  # fmt: skip
_TEACHER = replace(
    _CLASSIFIER, kind="image_with_teacher", names="head.out cls_classifier",
    second=replace(_CLASSIFIER, pool="second", names="head.out distillation_classifier"),
)  # fmt: skip
DEIT = replace(
    VIT, model_type="deit", prefix="DeiT", spec=lambda config: _vit(config, 2), body="deit.",
    heads=_HEADS | {"ForImageClassificationWithTeacher": _TEACHER},
)  # fmt: skip


def _dinov2(config: Config) -> ModelSpec:
    inner = int(config.hidden_size * config.mlp_ratio)
    gated = config.use_swiglu_ffn
    if gated:  # two thirds, rounded up to a multiple of 8
        inner = (int(inner * 2 / 3) + 7) // 8 * 8
    ff = FeedForward(inner=inner, act="silu" if gated else config.hidden_act, gated=gated)
    return _model(config, _tower(
        config, Pooler(dense=False), ff, layer_scale=True, mask_token=config.use_mask_token,
        tokens=1))  # fmt: skip


DINOV2 = Family(
    model_type="dinov2", prefix="Dinov2", spec=_dinov2, body="dinov2.",
    names=lambda config: DINO_NAMES + (_DINO_GATED if config.use_swiglu_ffn else _DINO_FF),
    heads={"ForImageClassification": replace(_CLASSIFIER, pool="class_and_mean")},
    defaults=DEFAULTS | {
        "layer_norm_eps": 1e-6, "patch_size": 14, "mlp_ratio": 4, "use_swiglu_ffn": False,
        "use_mask_token": True,
    },
)  # fmt: skip

FAMILIES = {family.model_type: family for family in (VIT, DEIT, DINOV2)}
