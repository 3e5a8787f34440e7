"""BART and its relatives, in fairseq's names: encoder and decoder with positions added."""

from dataclasses import replace
from typing import Any

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
    Placement,
    Positions,
    Stack,
    Tower,
)  # fmt: skip

TOWER = """
    T.embed.tokens               T.embed_tokens
    T.embed.positions            T.embed_positions
    T.embed.norm                 T.layernorm_embedding
    T.layers.*.attn.{q,k,v,o}    T.layers.*.self_attn.{q_proj,k_proj,v_proj,out_proj}
    T.layers.*.norm_attn         T.layers.*.self_attn_layer_norm
    T.layers.*.cross.{q,k,v,o}   T.layers.*.encoder_attn.{q_proj,k_proj,v_proj,out_proj}
    T.layers.*.norm_cross        T.layers.*.encoder_attn_layer_norm
    T.layers.*.ff.{up,down}      T.layers.*.{fc1,fc2}
    T.layers.*.norm_ff           T.layers.*.final_layer_norm
    T.norm                       T.layer_norm
"""
# A tower that stands alone has no name of its own; `body` of its head says where it is stored.
ALONE = TOWER.replace("T.", "")
NAMES = "shared shared" + TOWER.replace("T.", "encoder.") + TOWER.replace("T.", "decoder.") + ALONE
DEFAULTS = {
    "vocab_size": 50265, "max_position_embeddings": 1024, "encoder_layers": 12,
    "encoder_ffn_dim": 4096, "encoder_attention_heads": 16, "decoder_layers": 12,
    "decoder_ffn_dim": 4096, "decoder_attention_heads": 16, "activation_function": "gelu",
    "d_model": 1024, "dropout": 0.1, "attention_dropout": 0.0, "activation_dropout": 0.0,
    "classifier_dropout": 0.0, "scale_embedding": False, "pad_token_id": 1, "eos_token_id": 2,
    "decoder_start_token_id": 2, "layer_norm_eps": 1e-5, "_num_labels": 3,
}  # fmt: skip


def _lm(config: Config) -> heads.Head:
    names = "head.out lm_head\nhead.logits_bias! final_logits_bias!"
    return heads.lm("seq2seq_lm", names, logits_bias=True,
                    tied=bool(config.get("tie_word_embeddings", True)))  # fmt: skip


def _decoder_lm(config: Config) -> heads.Head:
    return heads.lm("causal_lm", "head.out lm_head", only="decoder", body="model.decoder.",
                    tied=bool(config.get("tie_word_embeddings", True)))  # fmt: skip


HEADS: dict[str, HeadOf] = {
    "ForCausalLM": _decoder_lm,
    "ForConditionalGeneration": _lm,
    "ForSequenceClassification": heads.sequence(
        "head.dense classification_head.dense\nhead.out classification_head.out_proj",
        "eos", dense=True, act="tanh"),
    "ForQuestionAnswering": heads.question_answering("head.out qa_outputs"),
}  # fmt: skip


def tower(config: Config, side: str, *, positions: Positions, embed_norm: Norm | None,
          **more: Any) -> Tower:  # fmt: skip
    """Make one tower; `side` is `encoder` or `decoder`, keyword arguments change the stack."""
    width, count = config.d_model, config[f"{side}_attention_heads"]
    decoder, bias = side == "decoder", more.pop("bias", "qkvo")
    own = Attention(heads=count, width=width // count, causal=decoder, bias=bias)
    cross = Attention(heads=count, width=width // count, bias=bias) if decoder else None
    embedding = Embedding(
        vocab=config.vocab_size, width=width, positions=positions, norm=embed_norm,
        scale=width**0.5 if config.scale_embedding else 1.0, pad=config.pad_token_id,
    )  # fmt: skip
    stacked = {
        "layers": config[f"{side}_layers"], "width": width, "attention": own, "cross": cross,
        "ff": FeedForward(inner=config[f"{side}_ffn_dim"], act=config.activation_function),
        "norm": Norm(eps=config.layer_norm_eps),
    } | more  # fmt: skip
    return Tower(input=embedding, stack=Stack(**stacked))


def dropout(config: Config) -> Dropout:
    """Read the rates of a BART-like configuration."""
    return Dropout(hidden=config.dropout, attention=config.attention_dropout,
                   inner=config.activation_dropout, head=config.classifier_dropout)  # fmt: skip


def _bart(config: Config) -> ModelSpec:
    places = Positions(rows=config.max_position_embeddings + 2, offset=2)
    return _seq2seq(config, positions=places, embed_norm=True, placement="post", final=False)


BART = Family(
    model_type="bart", prefix="Bart", spec=_bart, names=NAMES, body="model.", heads=HEADS,
    defaults=DEFAULTS,
)  # fmt: skip


def _seq2seq(config: Config, *, positions: Positions, embed_norm: bool, placement: Placement,
             final: bool, shared: bool = True) -> ModelSpec:  # fmt: skip
    norm = Norm(eps=config.layer_norm_eps)
    given: dict[str, Any] = {"positions": positions, "embed_norm": norm if embed_norm else None,
             "placement": placement, "final_norm": norm if final else None}  # fmt: skip
    sides: dict[str, Any] = {side: tower(config, side, **given) for side in ("encoder", "decoder")}
    start = config.get("decoder_start_token_id")
    return ModelSpec(**sides, start=-1 if start is None else start, dropout=dropout(config),
                     shared_embedding=shared)  # fmt: skip


def _mbart(config: Config) -> ModelSpec:
    places = Positions(rows=config.max_position_embeddings + 2, offset=2)
    return _seq2seq(config, positions=places, embed_norm=True, placement="pre", final=True)


def _pegasus(config: Config) -> ModelSpec:
    places = Positions(kind="sinus", rows=config.max_position_embeddings)
    return _seq2seq(config, positions=places, embed_norm=False, placement="pre", final=True)


def _marian(config: Config) -> ModelSpec:
    places = Positions(kind="sinus", rows=config.max_position_embeddings)
    return _seq2seq(config, positions=places, embed_norm=False, placement="post", final=False,
                    shared=config.share_encoder_decoder_embeddings)  # fmt: skip


_SINUSOIDS = r"embed_positions\.weight$"
MBART = replace(
    BART, model_type="mbart", prefix="MBart", spec=_mbart,
    defaults=DEFAULTS | {"decoder_start_token_id": None, "_num_labels": 2},
)  # fmt: skip
PEGASUS = replace(
    BART, model_type="pegasus", prefix="Pegasus", spec=_pegasus, ignored=(_SINUSOIDS,),
    heads={"ForConditionalGeneration": _lm, "ForCausalLM": _decoder_lm},
    defaults=DEFAULTS | {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0},
)  # fmt: skip
MARIAN = replace(
    BART, model_type="marian", prefix="Marian", spec=_marian,
    heads={"MTModel": _lm, "ForCausalLM": _decoder_lm}, ignored=(_SINUSOIDS,),
    defaults=DEFAULTS | {
        "vocab_size": 58101, "pad_token_id": 58100, "eos_token_id": 0,
        "decoder_start_token_id": 58100, "share_encoder_decoder_embeddings": True,
    },
)  # fmt: skip

FAMILIES = {family.model_type: family for family in (BART, MBART, PEGASUS, MARIAN)}
