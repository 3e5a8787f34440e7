"""BART and its relatives, in fairseq's names: encoder and decoder with positions added."""

from reprise.models import heads
from reprise.models.config import Config
from reprise.models.family import Family
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

_TOWER = """
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
NAMES = "shared shared" + _TOWER.replace("T.", "encoder.") + _TOWER.replace("T.", "decoder.")
DEFAULTS = {
    "vocab_size": 50265, "max_position_embeddings": 1024, "encoder_layers": 12,
    "encoder_ffn_dim": 4096, "encoder_attention_heads": 16, "decoder_layers": 12,
    "decoder_ffn_dim": 4096, "decoder_attention_heads": 16, "activation_function": "gelu",
    "d_model": 1024, "dropout": 0.1, "attention_dropout": 0.0, "activation_dropout": 0.0,
    "classifier_dropout": 0.0, "scale_embedding": False, "pad_token_id": 1, "eos_token_id": 2,
    "decoder_start_token_id": 2, "layer_norm_eps": 1e-5, "_num_labels": 3,
}  # fmt: skip
HEADS = {
    "ForConditionalGeneration": heads.lm(
        "seq2seq_lm", "head.out lm_head\nhead.logits_bias! final_logits_bias!", logits_bias=True),
    "ForSequenceClassification": heads.sequence(
        "head.dense classification_head.dense\nhead.out classification_head.out_proj",
        "eos", dense=True, act="tanh"),
    "ForQuestionAnswering": heads.question_answering("head.out qa_outputs"),
}  # fmt: skip


def tower(config: Config, side: str, *, positions: Positions, embed_norm: Norm | None,
          **more: object) -> Tower:  # fmt: skip
    """Make one tower; `side` is `encoder` or `decoder`, keyword arguments change the stack."""
    width, count = config.d_model, config[f"{side}_attention_heads"]
    decoder = side == "decoder"
    own = Attention(heads=count, width=width // count, causal=decoder)
    cross = Attention(heads=count, width=width // count) if decoder else None
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
    rows = config.max_position_embeddings + 2
    places, norm = Positions(rows=rows, offset=2), Norm(eps=config.layer_norm_eps)
    return ModelSpec(
        encoder=tower(config, "encoder", positions=places, embed_norm=norm),
        decoder=tower(config, "decoder", positions=places, embed_norm=norm),
        start=config.decoder_start_token_id,
        dropout=dropout(config),
    )


BART = Family(
    model_type="bart", prefix="Bart", spec=_bart, names=NAMES, body="model.", heads=HEADS,
    defaults=DEFAULTS, ignored=(r"(en|de)coder\.embed_tokens\.weight$",),
)  # fmt: skip

FAMILIES = {"bart": BART}
