"""ModernBERT: pre-norm, rotary, gated, no biases, and windows on two layers of three."""

from reprise.models import heads
from reprise.models.config import Config
from reprise.models.families.reading import rope
from reprise.models.family import Family
from reprise.models.spec import (
    Attention,
    Dropout,
    Embedding,
    FeedForward,
    ModelSpec,
    Norm,
    Stack,
    Tower,
)  # fmt: skip

NAMES = """
    embed.tokens            embeddings.tok_embeddings
    embed.norm              embeddings.norm
    layers.*.norm_attn      layers.*.attn_norm
    layers.*.attn.q+k+v     layers.*.attn.Wqkv      rows
    layers.*.attn.o         layers.*.attn.Wo
    layers.*.norm_ff        layers.*.mlp_norm
    layers.*.ff.gate+up     layers.*.mlp.Wi         rows
    layers.*.ff.down        layers.*.mlp.Wo
    norm                    final_norm
"""
_HEAD = """
    head.dense              head.dense
    head.norm               head.norm
    head.out                {out}
"""


def _kinds(config: Config) -> list[str]:
    every = config.get("global_attn_every_n_layers") or 3
    named = config.get("layer_types")
    return named or ["sliding_attention" if i % every else "full_attention"
                     for i in range(config.num_hidden_layers)]  # fmt: skip


def _modernbert(config: Config) -> ModelSpec:
    width, count = config.hidden_size, config.num_attention_heads
    norm = Norm(eps=config.norm_eps, bias=config.norm_bias)
    kinds, size = _kinds(config), width // count
    thetas = {"full_attention": config.get("global_rope_theta"),
              "sliding_attention": config.get("local_rope_theta")}  # fmt: skip
    attention = Attention(
        heads=count, width=size, bias="qkvo" if config.attention_bias else "",
        rope=tuple(rope(config, size, key=kind, theta=thetas[kind]) for kind in kinds),
        windows=tuple(0 if kind == "full_attention" else config.local_attention // 2
                      for kind in kinds),
    )  # fmt: skip
    ff = FeedForward(inner=config.intermediate_size, act=config.hidden_activation, gated=True,
                     bias=config.mlp_bias)  # fmt: skip
    stack = Stack(layers=config.num_hidden_layers, width=width, placement="pre", norm=norm,
                  final_norm=norm, attention=attention, ff=ff, first_norm=False)  # fmt: skip
    embedding = Embedding(vocab=config.vocab_size, width=width, norm=norm)
    rates = Dropout(hidden=config.mlp_dropout, attention=config.attention_dropout,
                    embedding=config.embedding_dropout, head=config.classifier_dropout)  # fmt: skip
    return ModelSpec(encoder=Tower(input=embedding, stack=stack), dropout=rates)


def _made(config: Config, kind: heads.Kind, out: heads.Out, pool: heads.Pool) -> heads.Head:
    return heads.Head(
        kind=kind, out=out, pool=pool, dense=True, dense_bias=config.classifier_bias,
        act=config.classifier_activation, names=_HEAD.format(out="classifier"),
        norm=Norm(eps=config.norm_eps, bias=config.norm_bias),
    )  # fmt: skip


def _pool(config: Config) -> heads.Pool:
    return "first" if config.classifier_pooling == "cls" else "mean"


def _lm(config: Config) -> heads.Head:
    return heads.lm(
        "masked_lm", _HEAD.format(out="decoder"), dense=True, dense_bias=config.classifier_bias,
        act=config.classifier_activation, norm=Norm(eps=config.norm_eps, bias=config.norm_bias),
        bias=config.decoder_bias, tied=config.get("tie_word_embeddings", True),
    )  # fmt: skip


FAMILIES = {"modernbert": Family(
    model_type="modernbert",
    prefix="ModernBert",
    spec=_modernbert,
    names=NAMES,
    body="model.",
    heads={
        "ForMaskedLM": _lm,
        "ForSequenceClassification": lambda c: _made(c, "sequence", "labels", _pool(c)),
        "ForMultipleChoice": lambda c: _made(c, "multiple_choice", "one", _pool(c)),
        "ForTokenClassification": lambda c: _made(c, "token", "labels", "all"),
        "ForQuestionAnswering": lambda c: _made(c, "question_answering", "two", "all"),
    },
    defaults={
        "vocab_size": 50368, "hidden_size": 768, "intermediate_size": 1152,
        "num_hidden_layers": 22, "num_attention_heads": 12, "hidden_activation": "gelu",
        "max_position_embeddings": 8192, "norm_eps": 1e-5, "norm_bias": False,
        "pad_token_id": 50283, "global_rope_theta": 160000.0, "local_rope_theta": 10000.0,
        "attention_bias": False, "attention_dropout": 0.0, "local_attention": 128,
        "embedding_dropout": 0.0, "mlp_bias": False, "mlp_dropout": 0.0, "decoder_bias": True,
        "classifier_pooling": "cls", "classifier_dropout": 0.0, "classifier_bias": False,
        "classifier_activation": "gelu",
    },
)}  # fmt: skip
