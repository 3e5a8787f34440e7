"""CLIP: a text tower and an image tower that meet in one space."""

from dataclasses import replace
from typing import Any

from reprise.models import heads
from reprise.models.config import Config
from reprise.models.families.vision import patches
from reprise.models.family import Family
from reprise.models.spec import (
    Attention,
    Dropout,
    Embedding,
    FeedForward,
    ModelSpec,
    Norm,
    Pooler,
    Positions,
    Stack,
    Tower,
)  # fmt: skip

_LAYERS = """
    layers.*.attn.{q,k,v,o}         encoder.layers.*.self_attn.{q_proj,k_proj,v_proj,out_proj}
    layers.*.{norm_attn,norm_ff}    encoder.layers.*.{layer_norm1,layer_norm2}
    layers.*.ff.{up,down}           encoder.layers.*.mlp.{fc1,fc2}
"""
TEXT_NAMES = _LAYERS + """
    embed.tokens                    embeddings.token_embedding
    embed.positions                 embeddings.position_embedding
    norm                            final_layer_norm
"""  # fmt: skip
VISION_NAMES = _LAYERS + """
    embed.first!                    embeddings.class_embedding!
    embed.patches                   embeddings.patch_embedding
    embed.positions                 embeddings.position_embedding
    embed.norm                      pre_layrnorm
    pooler_norm                     post_layernorm
"""  # fmt: skip


def _beneath(names: str, tower: str, stored: str) -> str:
    """Put a tower's names beneath both sides."""
    rows = [line.split() for line in names.splitlines() if line.strip()]
    return "\n".join(f"{tower}{left} {stored}{right}" for left, right in rows) + "\n"


NAMES = (
    _beneath(TEXT_NAMES, "encoder.", "text_model.")
    + _beneath(VISION_NAMES, "vision.", "vision_model.")
    + "encoder.projection text_projection\nvision.projection visual_projection\n"
    + "scale! logit_scale!\n"
    + _beneath(VISION_NAMES, "", "vision_model.")  # image classification has this tower alone
)
_TOWER: dict[str, Any] = {
    "hidden_size": 512, "intermediate_size": 2048, "projection_dim": 512,
    "num_hidden_layers": 12, "num_attention_heads": 8, "max_position_embeddings": 77,
    "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "attention_dropout": 0.0,
    "vocab_size": 49408, "pad_token_id": 1, "eos_token_id": 49407,
}  # fmt: skip
_VISION = _TOWER | {
    "hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "num_channels": 3,
    "image_size": 224, "patch_size": 32,
}  # fmt: skip


def _stack(config: Config, **more: Any) -> Stack:
    width, count = config.hidden_size, config.num_attention_heads
    causal = more.pop("causal", False)
    return Stack(
        layers=config.num_hidden_layers, width=width, placement="pre",
        norm=Norm(eps=config.layer_norm_eps),
        attention=Attention(heads=count, width=width // count, causal=causal),
        ff=FeedForward(inner=config.intermediate_size, act=config.hidden_act), **more,
    )  # fmt: skip


def _text(config: Config) -> Tower:
    embedding = Embedding(vocab=config.vocab_size, width=config.hidden_size,
                          positions=Positions(rows=config.max_position_embeddings))  # fmt: skip
    stack = _stack(config, causal=True, final_norm=Norm(eps=config.layer_norm_eps))
    pooler = Pooler(source="eos", dense=False, eos=config.eos_token_id)
    return Tower(input=embedding, stack=stack, pooler=pooler, raw_states=True)


def _vision(config: Config) -> Tower:
    norm = Norm(eps=config.layer_norm_eps)
    given = patches(config, bias=False, norm=norm, interpolate=False)
    pooler = Pooler(dense=False, norm=norm)
    return Tower(input=given, stack=_stack(config), pooler=pooler, raw_states=True)


def _clip(config: Config) -> ModelSpec:
    text = Config(config.get("text_config") or {}, _TOWER)
    vision = Config(config.get("vision_config") or {}, _VISION)
    return ModelSpec(encoder=_text(text), vision=_vision(vision), projection=config.projection_dim,
                     dropout=Dropout(attention=text.attention_dropout))  # fmt: skip


_CLASSIFIER = heads.Head(kind="image", out="labels", pool="patches_mean", only="vision",
                         keeps_pooler=True, names="head.out classifier")  # fmt: skip
CLIP = Family(
    model_type="clip", prefix="CLIP", spec=_clip, names=NAMES, body="",
    heads={"ForImageClassification": _CLASSIFIER},
    defaults={"projection_dim": 512}, ignored=(r"embeddings\.position_ids$",),
)  # fmt: skip
_PROJECTED = heads.Head(kind="projected", out="width", pool="pooler", bias=False)


def _projected(names: str) -> Any:
    return lambda config: replace(_PROJECTED, out_width=config.projection_dim, names=names)


CLIP_TEXT = Family(
    model_type="clip_text_model", prefix="CLIPText", names=TEXT_NAMES, body="text_model.",
    spec=lambda config: ModelSpec(encoder=_text(config)), defaults=_TOWER,
    heads={"ModelWithProjection": _projected("head.out text_projection")},
    ignored=CLIP.ignored, elsewhere=(r"^vision_model\.", r"^visual_projection", r"^logit_scale"),
)  # fmt: skip
CLIP_VISION = Family(
    model_type="clip_vision_model", prefix="CLIPVision", names=VISION_NAMES, body="vision_model.",
    spec=lambda config: ModelSpec(vision=_vision(config)), defaults=_VISION,
    heads={"ModelWithProjection": _projected("head.out visual_projection")},
    ignored=CLIP.ignored, elsewhere=(r"^text_model\.", r"^text_projection", r"^logit_scale"),
)  # fmt: skip

FAMILIES = {family.model_type: family for family in (CLIP, CLIP_TEXT, CLIP_VISION)}
