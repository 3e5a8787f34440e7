"""Phi, whose attention and feed-forward read one norm, and Phi-3, a Llama with fused matrices."""

from reprise.models import heads
from reprise.models.config import Config
from reprise.models.families import llama
from reprise.models.families.reading import partial, rope, windows
from reprise.models.family import Family, HeadOf
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
    embed.tokens                    embed_tokens
    layers.*.norm_attn              layers.*.input_layernorm
    layers.*.attn.{q,k,v,o}         layers.*.self_attn.{q_proj,k_proj,v_proj,dense}
    layers.*.attn.{q_norm,k_norm}   layers.*.self_attn.{q_layernorm,k_layernorm}
    layers.*.ff.{up,down}           layers.*.mlp.{fc1,fc2}
    norm                            final_layernorm
"""
_HEADS: dict[str, HeadOf] = {
    name: head for name, head in llama.HEADS.items() if name != "ForQuestionAnswering"
}


def _phi(config: Config) -> ModelSpec:
    width, count = config.hidden_size, config.num_attention_heads
    size, norm = width // count, Norm(eps=config.layer_norm_eps)
    attention = Attention(
        heads=count, kv_heads=config.num_key_value_heads or count, width=size, causal=True,
        rope=rope(config, partial(config, size, 0.5)),
        head_norm=norm if config.qk_layernorm else None,
    )  # fmt: skip
    stack = Stack(
        layers=config.num_hidden_layers, width=width, placement="parallel_shared", norm=norm,
        final_norm=norm, attention=attention,
        ff=FeedForward(inner=config.intermediate_size, act=config.hidden_act),
    )  # fmt: skip
    rates = Dropout(hidden=config.resid_pdrop, attention=config.attention_dropout,
                    embedding=config.embd_pdrop)  # fmt: skip
    embedding = Embedding(vocab=config.vocab_size, width=width)
    return ModelSpec(decoder=Tower(input=embedding, stack=stack), dropout=rates)


PHI = Family(
    model_type="phi", prefix="Phi", spec=_phi, names=NAMES, body="model.",
    heads=_HEADS | {"ForCausalLM": lambda config: heads.lm(
        names="head.out lm_head", bias=True, tied=bool(config.get("tie_word_embeddings")))},
    defaults={
        "vocab_size": 51200, "hidden_size": 2048, "intermediate_size": 8192,
        "num_hidden_layers": 24, "num_attention_heads": 32, "num_key_value_heads": None,
        "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attention_dropout": 0.0, "hidden_act": "gelu_new",
        "max_position_embeddings": 2048, "layer_norm_eps": 1e-5, "qk_layernorm": False,
        "tie_word_embeddings": False,
    },
)  # fmt: skip

PHI3_NAMES = """
    embed.tokens            embed_tokens
    layers.*.norm_attn      layers.*.input_layernorm
    layers.*.attn.q+k+v     layers.*.self_attn.qkv_proj     rows
    layers.*.attn.o         layers.*.self_attn.o_proj
    layers.*.norm_ff        layers.*.post_attention_layernorm
    layers.*.ff.gate+up     layers.*.mlp.gate_up_proj       rows
    layers.*.ff.down        layers.*.mlp.down_proj
    norm                    norm
"""


def _phi3(config: Config) -> ModelSpec:
    size = config.hidden_size // config.num_attention_heads
    rotated = rope(config, partial(config, size))
    return llama.decoder(config, attention={
        "rope": rotated, "windows": windows(config, config.num_hidden_layers)})  # fmt: skip


PHI3 = Family(
    model_type="phi3", prefix="Phi3", spec=_phi3, names=PHI3_NAMES, body="model.", heads=_HEADS,
    defaults=llama.DEFAULTS | {
        "vocab_size": 32064, "hidden_size": 3072, "intermediate_size": 8192,
        "max_position_embeddings": 4096, "original_max_position_embeddings": 4096,
        "rms_norm_eps": 1e-5, "pad_token_id": 32000, "sliding_window": None,
    },
)  # fmt: skip

FAMILIES = {"phi": PHI, "phi3": PHI3}
