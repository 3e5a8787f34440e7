"""DeBERTa, versions 1 to 3: scores of content and of relative position apart."""

from dataclasses import replace

from reprise.base.errors import NotSupported
from reprise.models import heads
from reprise.models.config import Config
from reprise.models.families import bert
from reprise.models.family import Family, HeadOf
from reprise.models.spec import Disentangled, ModelSpec, Norm, Positions, Tower

_NAMES = """
    embed.tokens            embeddings.word_embeddings
    embed.positions         embeddings.position_embeddings
    embed.types             embeddings.token_type_embeddings
    embed.norm              embeddings.LayerNorm
    relative                encoder.rel_embeddings
    relative_norm           encoder.LayerNorm
    conv                    encoder.conv.conv
    conv.norm               encoder.conv.LayerNorm
    layers.*.attn.o         encoder.layer.*.attention.output.dense
    layers.*.norm_attn      encoder.layer.*.attention.output.LayerNorm
    layers.*.ff.up          encoder.layer.*.intermediate.dense
    layers.*.ff.down        encoder.layer.*.output.dense
    layers.*.norm_ff        encoder.layer.*.output.LayerNorm
"""
_SELF = "encoder.layer.*.attention.self"
_V2 = f"""
    layers.*.attn.q                 {_SELF}.query_proj
    layers.*.attn.k                 {_SELF}.key_proj
    layers.*.attn.v                 {_SELF}.value_proj
    layers.*.attn.relative.k        {_SELF}.pos_key_proj
    layers.*.attn.relative.q        {_SELF}.pos_query_proj
"""
_V1 = f"""
    layers.*.attn.q.weight+k.weight+v.weight!   {_SELF}.in_proj.weight!     woven:D
    layers.*.attn.q.bias!           {_SELF}.q_bias!
    layers.*.attn.v.bias!           {_SELF}.v_bias!
    layers.*.attn.relative.k        {_SELF}.pos_proj
    layers.*.attn.relative.q        {_SELF}.pos_q_proj
"""
_LM_OLD = bert.LM_NAMES
_LM_NEW = """
    head.dense              lm_predictions.lm_head.dense
    head.norm               lm_predictions.lm_head.LayerNorm
    head.out.bias!          lm_predictions.lm_head.bias!
    head.out.weight!        lm_predictions.lm_head.weight!
"""
_POOLED = """
    head.dense              pooler.dense
    head.out                classifier
"""


def _relative(config: Config, *, legacy: bool) -> Disentangled | None:
    if not config.get("relative_attention"):
        return None
    kinds = config.get("pos_att_type") or ()
    kinds = kinds.split("|") if isinstance(kinds, str) else kinds
    longest = config.get("max_relative_positions", -1)
    longest = config.max_position_embeddings if longest < 1 else longest
    buckets = max(config.get("position_buckets", -1), 0)
    normed = "layer_norm" in str(config.get("norm_rel_ebd", "none"))
    return Disentangled(
        span=buckets or longest, buckets=buckets, distance=longest, c2p="c2p" in kinds,
        p2c="p2c" in kinds, shared=bool(config.get("share_att_key")) and not legacy,
        norm=Norm(eps=config.layer_norm_eps) if normed else None, legacy=legacy,
    )  # fmt: skip


def _deberta(config: Config, *, legacy: bool = False) -> ModelSpec:
    if config.get("embedding_size", config.hidden_size) != config.hidden_size:
        raise NotSupported("DeBERTa with an embedding narrower than the model is not supported.")
    relative = _relative(config, legacy=legacy)
    scores = 1 + (relative.c2p + relative.p2c if relative else 0)
    stack = bert.stack(
        config, convolution=config.get("conv_kernel_size") or 0,
        convolution_groups=config.get("conv_groups", 1),
        convolution_act=config.get("conv_act", "tanh"),
    )  # fmt: skip
    attention = replace(
        stack.attention, scale=(stack.attention.width * scores) ** -0.5, score_bias=relative,
        bias="qvo" if legacy else "qkvo",
    )  # fmt: skip
    rows = Positions(rows=config.max_position_embeddings) if config.position_biased_input else None
    embedding = bert.embedding(config, positions=rows, mask_pads=True)
    tower = Tower(input=embedding, stack=replace(stack, attention=attention))
    return ModelSpec(encoder=tower, dropout=bert.dropout(config))


def _lm(config: Config) -> heads.Head:
    names = _LM_OLD if config.get("legacy", True) else _LM_NEW
    return bert.lm_head(config, "masked_lm", names)


def _pooled(config: Config) -> heads.Head:
    return heads.sequence(_POOLED, "first", dense=True, act=config.pooler_hidden_act,
                          dense_width=config.get("pooler_hidden_size") or 0)  # fmt: skip


def _choice(config: Config) -> heads.Head:
    return replace(_pooled(config), kind="multiple_choice", out="one")


_DEFAULTS = bert.BERT.defaults | {
    "layer_norm_eps": 1e-7, "type_vocab_size": 0, "position_biased_input": True,
    "pooler_hidden_act": "gelu", "hidden_size": 1536, "num_hidden_layers": 24,
    "num_attention_heads": 24, "intermediate_size": 6144, "vocab_size": 128100,
}  # fmt: skip
_HEADS: dict[str, HeadOf] = {
    "ForMaskedLM": _lm,
    "ForSequenceClassification": _pooled,
    "ForTokenClassification": heads.token(bert.CLASSIFIER),
    "ForQuestionAnswering": heads.question_answering(bert.QA_OUTPUTS),
}


def _v1_names(config: Config) -> str:
    width = config.hidden_size // config.num_attention_heads
    return _NAMES + _V1.replace("woven:D", f"woven:{width}")


DEBERTA = Family(
    model_type="deberta", prefix="Deberta", names=_v1_names, body="deberta.", heads=_HEADS,
    spec=lambda config: _deberta(config, legacy=True),
    defaults=_DEFAULTS | {
        "vocab_size": 50265, "hidden_size": 768, "num_hidden_layers": 12,
        "num_attention_heads": 12, "intermediate_size": 3072,
    },
    ignored=(*bert.BERT.ignored, r"lm_predictions\.lm_head\.decoder"),
)  # fmt: skip
DEBERTA_V2 = Family(
    model_type="deberta-v2", prefix="DebertaV2", spec=_deberta, names=_NAMES + _V2,
    body="deberta.", heads=_HEADS | {"ForMultipleChoice": _choice}, defaults=_DEFAULTS,
    ignored=bert.BERT.ignored,
)  # fmt: skip

FAMILIES = {"deberta": DEBERTA, "deberta-v2": DEBERTA_V2}
