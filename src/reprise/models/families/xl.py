"""XLM: BERT with norms of its own, languages, and states that are zero at padding."""

from dataclasses import replace
from typing import Any

from reprise.base.errors import NotSupported
from reprise.models import heads
from reprise.models.config import Config
from reprise.models.family import Family, HeadOf
from reprise.models.spec import (
    Attention,
    Dropout,
    Embedding,
    FeedForward,
    ModelSpec,
    Norm,
    Positions,
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
        return heads.Head(kind="beam_question_answering", out="none", names=BEAM_NAMES.format(at=at),
                          norm=Norm(eps=config.layer_norm_eps))  # fmt: skip

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


def _xlm_summary(config: Config, kind: heads.Kind, out: heads.Out) -> heads.Head:
    """Make a head on the summary, which is projected to the labels or to the model's width."""
    made = heads.Head(kind=kind, out=out, pool=_pool(config), names="head.out logits_proj")
    if not config.summary_use_proj:
        return made
    labels = config.num_labels if config.summary_proj_to_labels else 0
    return replace(
        made, dense=True, dense_width=labels, act=config.summary_activation or "",
        names=f"head.dense {_SUMMARY}\nhead.out logits_proj",
    )  # fmt: skip


XLM = Family(
    model_type="xlm",
    prefix="XLM",
    spec=_xlm,
    names=XLM_NAMES,
    body="transformer.",
    heads={
        "WithLMHeadModel": lambda config: heads.lm(
            "masked_lm", "head.out pred_layer.proj", bias=True,
            tied=bool(config.get("tie_word_embeddings", True))),
        "ForSequenceClassification": lambda config: _xlm_summary(config, "sequence", "none"),
        "ForTokenClassification": heads.token("head.out classifier"),
        "ForMultipleChoice": lambda config: _xlm_summary(config, "multiple_choice", "one"),
        "ForQuestionAnsweringSimple": heads.question_answering("head.out qa_outputs"),
        "ForQuestionAnswering": _beam("qa_outputs."),
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

FAMILIES = {"xlm": XLM}
