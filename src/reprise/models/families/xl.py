"""XLM; and XLNet and Transformer-XL, whose layers also see states of earlier segments."""

from dataclasses import replace
from typing import Any

from reprise.base.errors import NotSupported
from reprise.models import heads
from reprise.models.config import Config
from reprise.models.family import Family, HeadOf
from reprise.models.spec import (
    Attention,
    Clusters,
    Dropout,
    Embedding,
    FeedForward,
    ModelSpec,
    Norm,
    Positions,
    Segmented,
    Stack,
    Tower,
)  # fmt: skip

# Where a summary is taken; without an index of their own, heads read the last token.
_POOLS: dict[str, heads.Pool] = {
    "first": "first", "last": "last", "cls_index": "last", "mean": "mean_all",
}  # fmt: skip
BEAM_NAMES = """
    head.start              {at}start_logits.dense
    head.end.dense          {at}end_logits.dense_0
    head.end.norm           {at}end_logits.LayerNorm
    head.end.out            {at}end_logits.dense_1
    head.answer.dense       {at}answer_class.dense_0
    head.answer.out         {at}answer_class.dense_1
"""


def _beam(at: str) -> HeadOf:
    def made(config: Config) -> heads.Head:
        return heads.Head(
            kind="beam_question_answering", out="none", names=BEAM_NAMES.format(at=at),
            norm=Norm(eps=config.layer_norm_eps),
        )  # fmt: skip

    return made


def _pool(config: Config) -> heads.Pool:
    kind = config.summary_type
    if kind not in _POOLS:
        raise NotSupported(
            f"A summary of the kind {kind!r} is not known; known: {', '.join(_POOLS)}.",
            hint="Change summary_type in config.json to what the model was trained with.",
        )
    return _POOLS[kind]


XLM_NAMES = """
    embed.tokens            embeddings
    embed.positions         position_embeddings
    embed.languages         lang_embeddings
    embed.norm              layer_norm_emb
    layers.*.attn.{q,k,v,o} attentions.*.{q_lin,k_lin,v_lin,out_lin}
    layers.*.norm_attn      layer_norm1.*
    layers.*.ff.{up,down}   ffns.*.{lin1,lin2}
    layers.*.norm_ff        layer_norm2.*
"""
_SUMMARY = "sequence_summary.summary"


def _either(config: Config, name: str, old: str) -> Any:
    """Read a key by its name, or by the one that old files have."""
    stated = config.to_dict()
    return stated[old] if old in stated and name not in stated else config[name]


def _xlm(config: Config) -> ModelSpec:
    if config.asm or not config.is_encoder:
        what = "its adaptive softmax (asm)" if config.asm else "a decoder (is_encoder: false)"
        raise NotSupported(
            f"XLM with {what} is not known here.", hint="No published XLM model needs it."
        )
    width, norm = config.emb_dim, Norm(eps=config.layer_norm_eps)
    many = config.use_lang_emb and config.n_langs > 1
    embedding = Embedding(
        vocab=_either(config, "vocab_size", "n_words"), width=width, types_from_tokens=True,
        positions=Positions(rows=config.max_position_embeddings), norm=norm, mask_pads=True,
        languages=config.n_langs if many else 0, pad=_either(config, "pad_token_id", "pad_index"),
    )  # fmt: skip
    stack = Stack(
        layers=config.n_layers, width=width, norm=norm, mask_pads=True,
        attention=Attention(
            heads=config.n_heads, width=width // config.n_heads, causal=config.causal),
        ff=FeedForward(inner=4 * width, act="gelu" if config.gelu_activation else "relu"),
    )  # fmt: skip
    rates = Dropout(hidden=config.dropout, attention=config.attention_dropout,
                    head=config.summary_first_dropout)  # fmt: skip
    return ModelSpec(encoder=Tower(input=embedding, stack=stack), dropout=rates)


def _summary(config: Config, kind: heads.Kind, out: heads.Out) -> heads.Head:
    """Make a head on the summary, which is projected to the labels or to the model's width."""
    made = heads.Head(kind=kind, out=out, pool=_pool(config), names="head.out logits_proj")
    if not config.summary_use_proj:
        return made
    labels = config.num_labels if config.get("summary_proj_to_labels") else 0
    return replace(
        made, dense=True, dense_width=labels, act=config.summary_activation or "",
        names=f"head.dense {_SUMMARY}\nhead.out logits_proj",
    )  # fmt: skip


_COMMON_HEADS: dict[str, HeadOf] = {
    "ForTokenClassification": heads.token("head.out classifier"),
    "ForMultipleChoice": lambda config: _summary(config, "multiple_choice", "one"),
    "ForQuestionAnsweringSimple": heads.question_answering("head.out qa_outputs"),
}


def _lm(stored: str) -> HeadOf:
    return lambda config: heads.lm("masked_lm", f"head.out {stored}", bias=True,
                                   tied=bool(config.get("tie_word_embeddings", True)))  # fmt: skip


XLM = Family(
    model_type="xlm",
    prefix="XLM",
    spec=_xlm,
    names=XLM_NAMES,
    body="transformer.",
    heads={
        "WithLMHeadModel": _lm("pred_layer.proj"),
        "ForSequenceClassification": lambda config: _summary(config, "sequence", "none"),
        "ForQuestionAnswering": _beam("qa_outputs."),
        **_COMMON_HEADS,
    },
    defaults={
        "vocab_size": 30145, "emb_dim": 2048, "n_layers": 12, "n_heads": 16, "dropout": 0.1,
        "attention_dropout": 0.1, "gelu_activation": True, "sinusoidal_embeddings": False,
        "causal": False, "asm": False, "n_langs": 1, "use_lang_emb": True,
        "max_position_embeddings": 512, "layer_norm_eps": 1e-12, "is_encoder": True,
        "summary_type": "first", "summary_use_proj": True, "summary_activation": None,
        "summary_proj_to_labels": True, "summary_first_dropout": 0.1, "start_n_top": 5,
        "end_n_top": 5, "pad_token_id": 2, "bos_token_id": 0, "eos_token_id": 1,
    },
    ignored=(r"position_ids$",),
)  # fmt: skip

_MEMORY = "its layers read and write memories of earlier segments"


def _xlnet_names(config: Config) -> str:
    size = config.d_model // config.n_head
    own, bias = "layers.*.attn", "layer.*.rel_attn"
    return f"""
        embed.tokens                        word_embedding
        masked!                             mask_emb!           leading
        {own}.{{q,k,v,relative.r}}.weight!  {bias}.{{q,k,v,r}}! kernel:{size}
        {own}.o.weight!                     {bias}.o!           kernel_out:{size}
        {own}.relative.content!             {bias}.r_w_bias!
        {own}.relative.position!            {bias}.r_r_bias!
        {own}.relative.segment!             {bias}.r_s_bias!
        {own}.relative.segments!            {bias}.seg_embed!
        layers.*.norm_attn                  {bias}.layer_norm
        layers.*.ff.{{up,down}}             layer.*.ff.{{layer_1,layer_2}}
        layers.*.norm_ff                    layer.*.ff.layer_norm
    """


def _xlnet(config: Config) -> ModelSpec:
    width, both = config.d_model, config.attn_type == "bi"
    if not both and config.attn_type != "uni":
        raise NotSupported(f"XLNet knows the attn_type bi and uni, not {config.attn_type!r}.")
    relative = Segmented(
        segments=True, clamp=config.clamp_len, both_ways=both, mirrored=config.bi_data,
        same_length=config.same_length, memory=config.mem_len or 0, reuse=config.reuse_len or 0,
        queries=True,
    )  # fmt: skip
    attention = Attention(heads=config.n_head, width=width // config.n_head, bias="",
                          causal=not both, score_bias=relative)  # fmt: skip
    stack = Stack(
        layers=config.n_layer, width=width, norm=Norm(eps=config.layer_norm_eps),
        attention=attention, ff=FeedForward(inner=config.d_inner, act=config.ff_activation),
    )  # fmt: skip
    rate = config.dropout
    return ModelSpec(
        encoder=Tower(input=Embedding(vocab=_either(config, "vocab_size", "n_token"), width=width),
                      stack=stack),
        dropout=Dropout(hidden=rate, attention=rate, inner=rate, head=config.summary_last_dropout),
        torch_only=_MEMORY,
    )  # fmt: skip


XLNET = Family(
    model_type="xlnet",
    prefix="XLNet",
    spec=_xlnet,
    names=_xlnet_names,
    body="transformer.",
    heads={
        "LMHeadModel": _lm("lm_loss"),
        "ForSequenceClassification": lambda config: _summary(config, "sequence", "labels"),
        "ForQuestionAnswering": _beam(""),
        **_COMMON_HEADS,
    },
    defaults={
        "vocab_size": 32000, "d_model": 1024, "n_layer": 24, "n_head": 16, "d_inner": 4096,
        "ff_activation": "gelu", "attn_type": "bi", "layer_norm_eps": 1e-12, "dropout": 0.1,
        "mem_len": 512, "reuse_len": None, "use_mems_eval": True, "use_mems_train": False,
        "bi_data": False, "clamp_len": -1, "same_length": False, "summary_type": "last",
        "summary_use_proj": True, "summary_activation": "tanh", "summary_last_dropout": 0.1,
        "start_n_top": 5, "end_n_top": 5, "pad_token_id": 5, "bos_token_id": 1, "eos_token_id": 2,
    },
)  # fmt: skip

TRANSFO_XL_NAMES = """
    embed.tables.*                              word_emb.emb_layers.*
    embed.projects.*!                           word_emb.emb_projs.*!
    relative.{content,position}!                {r_w_bias,r_r_bias}!
    layers.*.attn.q+k+v                         layers.*.dec_attn.qkv_net   rows
    layers.*.attn.o                             layers.*.dec_attn.o_net
    layers.*.attn.relative.r                    layers.*.dec_attn.r_net
    layers.*.attn.relative.{content,position}!  layers.*.dec_attn.{r_w_bias,r_r_bias}!
    layers.*.norm_attn                          layers.*.dec_attn.layer_norm
    layers.*.ff.{up,down}                       layers.*.pos_ff.CoreNet.{0,3}
    layers.*.norm_ff                            layers.*.pos_ff.layer_norm
"""
_CRIT = """
    head.tables.*               crit.out_layers.*
    head.projects.*!            crit.out_projs.*!
    head.clusters.weight!       crit.cluster_weight!
    head.clusters.bias!         crit.cluster_bias!
"""


def _transfo_xl(config: Config) -> ModelSpec:
    width = config.d_model
    if config.attn_type != 0:
        raise NotSupported(f"Transformer-XL knows the attn_type 0, not {config.attn_type!r}.")
    clusters = Clusters(
        vocab=_either(config, "vocab_size", "n_token"), width=config.d_embed, project=width,
        cutoffs=tuple(config.cutoffs), divide=config.div_val, scale=width**0.5,
    )  # fmt: skip
    relative = Segmented(
        shared=not config.untie_r, clamp=config.clamp_len, same_length=config.same_length,
        memory=config.mem_len or -1, blank=True,
    )  # fmt: skip
    stack = Stack(
        layers=config.n_layer, width=width, norm=Norm(eps=config.layer_norm_epsilon),
        placement="pre" if config.pre_lnorm else "post",
        attention=Attention(heads=config.n_head, width=config.d_head, bias="", causal=True,
                            score_bias=relative),
        ff=FeedForward(inner=config.d_inner, act="relu"),
    )  # fmt: skip
    rates = Dropout(hidden=config.dropout, attention=config.dropatt, inner=config.dropout)
    return ModelSpec(decoder=Tower(input=clusters, stack=stack), dropout=rates, torch_only=_MEMORY)


def _adaptive(config: Config) -> heads.Head:
    count = len(config.cutoffs) + 1
    ties = config.get("tie_projs") or [False] + [config.proj_share_all_but_first] * (count - 1)
    projected = config.div_val > 1 or config.d_model != config.d_embed
    own = tuple(n for n in range(count) if projected and not ties[n])
    return heads.Head(kind="adaptive_lm", out="none", names=_CRIT, projections=own,
                      tied=bool(config.get("tie_word_embeddings", True)))  # fmt: skip


TRANSFO_XL = Family(
    model_type="transfo-xl",
    prefix="TransfoXL",
    spec=_transfo_xl,
    names=TRANSFO_XL_NAMES,
    body="transformer.",
    heads={
        "LMHeadModel": _adaptive,
        "ForSequenceClassification": heads.sequence("head.out score", "last_unpadded", bias=False),
    },
    defaults={
        "vocab_size": 267735, "cutoffs": [20000, 40000, 200000], "d_model": 1024, "d_embed": 1024,
        "n_head": 16, "d_head": 64, "d_inner": 4096, "div_val": 4, "pre_lnorm": False,
        "n_layer": 18, "mem_len": 1600, "clamp_len": 1000, "same_length": True,
        "proj_share_all_but_first": True, "attn_type": 0, "dropout": 0.1, "dropatt": 0.0,
        "untie_r": True, "layer_norm_epsilon": 1e-5, "eos_token_id": 0,
    },
    ignored=(r"pos_emb\.inv_freq$",),
    # Files also hold tied tensors under their second names.
    elsewhere=(r"^crit\.", r"\.dec_attn\.r_[rw]_bias$"),
)  # fmt: skip

FAMILIES = {"xlm": XLM, "xlnet": XLNET, "transfo-xl": TRANSFO_XL}
