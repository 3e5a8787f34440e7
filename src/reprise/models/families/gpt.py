"""GPT, GPT-2 and CTRL: decoders with positions added to the embedding."""

from dataclasses import replace

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

NAMES = """
    embed.tokens            wte
    embed.positions         wpe
    layers.*.norm_attn      h.*.ln_1
    layers.*.attn.q+k+v     h.*.attn.c_attn     columns
    layers.*.attn.o         h.*.attn.c_proj     turned
    layers.*.cross.q        h.*.crossattention.q_attn   turned
    layers.*.cross.k+v      h.*.crossattention.c_attn   columns
    layers.*.cross.o        h.*.crossattention.c_proj   turned
    layers.*.norm_cross     h.*.ln_cross_attn
    layers.*.norm_ff        h.*.ln_2
    layers.*.ff.up          h.*.mlp.c_fc        turned
    layers.*.ff.down        h.*.mlp.c_proj      turned
    norm                    ln_f
"""
LM_HEAD = "head.out  lm_head"


def _scales(config: Config, width: int) -> float | tuple[float, ...]:
    base = width**-0.5 if config.scale_attn_weights else 1.0
    if config.scale_attn_by_inverse_layer_idx:
        return tuple(base / (layer + 1) for layer in range(config.n_layer))
    return base


def _gpt2(config: Config) -> ModelSpec:
    width = config.n_embd
    norm = Norm(eps=config.layer_norm_epsilon)
    size = width // config.n_head
    embedding = Embedding(
        vocab=config.vocab_size, width=width, positions=Positions(rows=config.n_positions),
        types_from_tokens=True,
    )  # fmt: skip
    stack = Stack(
        layers=config.n_layer, width=width, placement="pre", norm=norm, final_norm=norm,
        attention=Attention(
            heads=config.n_head, width=size, causal=True, scale=_scales(config, size)),
        ff=FeedForward(inner=config.n_inner or 4 * width, act=config.activation_function),
        cross=Attention(heads=config.n_head, width=size, scale=_scales(config, size))
        if config.get("add_cross_attention") else None,
    )  # fmt: skip
    rates = Dropout(hidden=config.resid_pdrop, attention=config.attn_pdrop,
                    embedding=config.embd_pdrop, head=config.summary_first_dropout)  # fmt: skip
    return ModelSpec(decoder=Tower(input=embedding, stack=stack), dropout=rates)


def lm_head(config: Config) -> heads.Head:
    """Make a language head that is the token table unless the configuration unties them."""
    return heads.lm(names=LM_HEAD, tied=bool(config.get("tie_word_embeddings", True)))


def _double(_: Config) -> heads.Head:
    second = heads.sequence("head.out  multiple_choice_head.summary", "chosen")
    return heads.lm("double_heads", LM_HEAD, second=replace(second, out="one"))


GPT2 = Family(
    model_type="gpt2",
    prefix="GPT2",
    spec=_gpt2,
    names=NAMES,
    body="transformer.",
    heads={
        "LMHeadModel": lm_head,
        "DoubleHeadsModel": _double,
        "ForSequenceClassification": heads.sequence("head.out score", "last_unpadded", bias=False),
        "ForTokenClassification": heads.token("head.out classifier"),
        "ForQuestionAnswering": heads.question_answering("head.out qa_outputs"),
    },
    defaults={
        "vocab_size": 50257, "n_positions": 1024, "n_embd": 768, "n_layer": 12, "n_head": 12,
        "n_inner": None, "activation_function": "gelu_new", "resid_pdrop": 0.1,
        "embd_pdrop": 0.1, "attn_pdrop": 0.1, "layer_norm_epsilon": 1e-5,
        "scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False,
        "reorder_and_upcast_attn": False, "summary_first_dropout": 0.1,
    },
    ignored=(r"\.(cross)?att(n|ention)\.(masked_)?bias$",),
)  # fmt: skip

GPT_NAMES = """
    embed.tokens            tokens_embed
    embed.positions         positions_embed
    layers.*.attn.q+k+v     h.*.attn.c_attn     columns
    layers.*.attn.o         h.*.attn.c_proj     turned
    layers.*.norm_attn      h.*.ln_1
    layers.*.ff.up          h.*.mlp.c_fc        turned
    layers.*.ff.down        h.*.mlp.c_proj      turned
    layers.*.norm_ff        h.*.ln_2
"""
# What this configuration calls gelu is the tanh form.
_GPT_ACTS = {"gelu": "gelu_new", "swish": "silu"}


def _gpt(config: Config) -> ModelSpec:
    spec = _gpt2(config.replace(activation_function=_GPT_ACTS.get(config.afn, config.afn)))
    assert spec.decoder
    stack = replace(spec.decoder.stack, placement="post", final_norm=None)
    return replace(spec, decoder=replace(spec.decoder, stack=stack))


GPT = Family(
    model_type="openai-gpt",
    prefix="OpenAIGPT",
    spec=_gpt,
    names=GPT_NAMES,
    body="transformer.",
    heads={
        "LMHeadModel": lm_head,
        "DoubleHeadsModel": _double,
        "ForSequenceClassification": heads.sequence("head.out score", "last_unpadded", bias=False),
    },
    defaults=GPT2.defaults | {"vocab_size": 40478, "n_positions": 512, "afn": "gelu"},
    ignored=(r"\.attn\.bias$", r"position_ids$"),
)  # fmt: skip

CTRL_NAMES = """
    embed.tokens            w
    layers.*.norm_attn      h.*.layernorm1
    layers.*.attn.{q,k,v,o} h.*.multi_head_attention.{Wq,Wk,Wv,dense}
    layers.*.norm_ff        h.*.layernorm2
    layers.*.ff.{up,down}   h.*.ffn.{0,2}
    norm                    layernorm
"""


def _ctrl(config: Config) -> ModelSpec:
    width, norm = config.n_embd, Norm(eps=config.layer_norm_epsilon)
    embedding = Embedding(
        vocab=config.vocab_size, width=width, scale=width**0.5, types_from_tokens=True,
        positions=Positions(kind="sinus", rows=config.n_positions),
    )  # fmt: skip
    stack = Stack(
        layers=config.n_layer, width=width, placement="pre", norm=norm, final_norm=norm,
        attention=Attention(heads=config.n_head, width=width // config.n_head, causal=True),
        ff=FeedForward(inner=config.dff, act="relu"),
    )  # fmt: skip
    rates = Dropout(hidden=config.resid_pdrop, embedding=config.embd_pdrop)
    return ModelSpec(decoder=Tower(input=embedding, stack=stack), dropout=rates)


CTRL = Family(
    model_type="ctrl",
    prefix="CTRL",
    spec=_ctrl,
    names=CTRL_NAMES,
    body="transformer.",
    heads={
        "LMHeadModel": heads.lm(names=LM_HEAD, bias=True),
        "ForSequenceClassification": heads.sequence(
            "head.out classifier", "last_unpadded", bias=False),
    },
    defaults={
        "vocab_size": 246534, "n_positions": 256, "n_embd": 1280, "dff": 8192, "n_layer": 48,
        "n_head": 16, "resid_pdrop": 0.1, "embd_pdrop": 0.1, "layer_norm_epsilon": 1e-6,
    },
    ignored=(r"pos_encoding$",),
)  # fmt: skip

FAMILIES = {"gpt2": GPT2, "openai-gpt": GPT, "ctrl": CTRL}
