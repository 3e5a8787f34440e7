"""GPT-NeoX and BLOOM: projections woven by head."""

from reprise.base.errors import NotSupported
from reprise.models import heads
from reprise.models.config import Config
from reprise.models.families.reading import partial, rope
from reprise.models.family import Family
from reprise.models.spec import (
    Alibi,
    Attention,
    Dropout,
    Embedding,
    FeedForward,
    ModelSpec,
    Norm,
    Stack,
    Tower,
)  # fmt: skip

NEOX_NAMES = """
    embed.tokens            embed_in
    layers.*.norm_attn      layers.*.input_layernorm
    layers.*.attn.q+k+v     layers.*.attention.query_key_value      woven:{width}
    layers.*.attn.o         layers.*.attention.dense
    layers.*.norm_ff        layers.*.post_attention_layernorm
    layers.*.ff.up          layers.*.mlp.dense_h_to_4h
    layers.*.ff.down        layers.*.mlp.dense_4h_to_h
    norm                    final_layer_norm
"""
BLOOM_NAMES = """
    embed.tokens            word_embeddings
    embed.norm              word_embeddings_layernorm
    layers.*.norm_attn      h.*.input_layernorm
    layers.*.attn.q+k+v     h.*.self_attention.query_key_value      woven:{width}
    layers.*.attn.o         h.*.self_attention.dense
    layers.*.norm_ff        h.*.post_attention_layernorm
    layers.*.ff.up          h.*.mlp.dense_h_to_4h
    layers.*.ff.down        h.*.mlp.dense_4h_to_h
    norm                    ln_f
"""


def _neox(config: Config) -> ModelSpec:
    width, count = config.hidden_size, config.num_attention_heads
    size, norm = width // count, Norm(eps=config.layer_norm_eps)
    attention = Attention(
        heads=count, width=size, causal=True, bias="qkvo" if config.attention_bias else "",
        rope=rope(config, partial(config, size, 0.25), theta=config.get("rotary_emb_base")),
    )  # fmt: skip
    stack = Stack(
        layers=config.num_hidden_layers, width=width, norm=norm, final_norm=norm,
        placement="parallel" if config.use_parallel_residual else "pre", attention=attention,
        ff=FeedForward(inner=config.intermediate_size, act=config.hidden_act),
    )  # fmt: skip
    rates = Dropout(hidden=config.hidden_dropout, attention=config.attention_dropout,
                    head=config.classifier_dropout)  # fmt: skip
    embedding = Embedding(vocab=config.vocab_size, width=width)
    return ModelSpec(decoder=Tower(input=embedding, stack=stack), dropout=rates)


NEOX = Family(
    model_type="gpt_neox",
    prefix="GPTNeoX",
    spec=_neox,
    names=lambda c: NEOX_NAMES.format(width=c.hidden_size // c.num_attention_heads),
    body="gpt_neox.",
    heads={
        "ForCausalLM": lambda config: heads.lm(
            names="head.out embed_out", tied=bool(config.tie_word_embeddings)),
        "ForSequenceClassification": heads.sequence("head.out score", "last_unpadded", bias=False),
        "ForTokenClassification": heads.token("head.out classifier"),
        "ForQuestionAnswering": heads.question_answering("head.out qa_outputs"),
    },
    defaults={
        "vocab_size": 50432, "hidden_size": 6144, "num_hidden_layers": 44,
        "num_attention_heads": 64, "intermediate_size": 24576, "hidden_act": "gelu",
        "attention_dropout": 0.0, "hidden_dropout": 0.0, "classifier_dropout": 0.1,
        "max_position_embeddings": 2048, "layer_norm_eps": 1e-5, "use_parallel_residual": True,
        "attention_bias": True, "tie_word_embeddings": False,
    },
    ignored=(r"attention\.(bias|masked_bias|rotary_emb\.inv_freq)$",),
    renamed=((r"^lm_head\.", "embed_out."),),
)  # fmt: skip


def _bloom(config: Config) -> ModelSpec:
    if config.apply_residual_connection_post_layernorm:
        raise NotSupported("BLOOM whose residual is taken after the norm is not supported.")
    width, count = _bloom_width(config), _bloom_heads(config)
    norm = Norm(eps=config.layer_norm_epsilon)
    stack = Stack(
        layers=config.get("n_layer") or config.num_hidden_layers, width=width, placement="pre",
        norm=norm, final_norm=norm, ff=FeedForward(inner=4 * width, act="gelu_new"),
        attention=Attention(heads=count, width=width // count, causal=True, score_bias=Alibi()),
    )  # fmt: skip
    rates = Dropout(hidden=config.hidden_dropout, attention=config.attention_dropout)
    embedding = Embedding(vocab=config.vocab_size, width=width, norm=norm)
    return ModelSpec(decoder=Tower(input=embedding, stack=stack), dropout=rates)


def _bloom_width(config: Config) -> int:
    return int(config.get("n_embed") or config.hidden_size)


def _bloom_heads(config: Config) -> int:
    return int(config.get("num_attention_heads") or config.n_head)


BLOOM = Family(
    model_type="bloom",
    prefix="Bloom",
    spec=_bloom,
    names=lambda c: BLOOM_NAMES.format(width=_bloom_width(c) // _bloom_heads(c)),
    body="transformer.",
    heads={
        "ForCausalLM": heads.lm(names="head.out lm_head"),
        "ForSequenceClassification": heads.sequence("head.out score", "last_unpadded", bias=False),
        "ForTokenClassification": heads.token("head.out classifier"),
        "ForQuestionAnswering": heads.question_answering("head.out qa_outputs"),
    },
    defaults={
        "vocab_size": 250880, "hidden_size": 64, "n_layer": 2, "n_head": 8,
        "layer_norm_epsilon": 1e-5, "apply_residual_connection_post_layernorm": False,
        "hidden_dropout": 0.0, "attention_dropout": 0.0,
    },
)  # fmt: skip

FAMILIES = {"gpt_neox": NEOX, "bloom": BLOOM}
