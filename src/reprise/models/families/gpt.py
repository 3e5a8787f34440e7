"""GPT, GPT-2 and CTRL: decoders with positions added, whose matrices are stored [in, out]."""

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
    ignored=(r"\.attn\.bias$", r"\.attn\.masked_bias$"),
)  # fmt: skip

FAMILIES = {"gpt2": GPT2}
