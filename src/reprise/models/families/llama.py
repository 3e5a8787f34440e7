"""Llama and the decoders that differ from it in little: rotary positions, gated layers."""

from reprise.models import heads
from reprise.models.config import Config
from reprise.models.families.reading import rope
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
    layers.*.attn.{q,k,v,o}         layers.*.self_attn.{q_proj,k_proj,v_proj,o_proj}
    layers.*.attn.{q_norm,k_norm}   layers.*.self_attn.{q_norm,k_norm}
    layers.*.norm_attn              layers.*.input_layernorm
    layers.*.norm_ff                layers.*.post_attention_layernorm
    layers.*.ff.{gate,up,down}      layers.*.mlp.{gate_proj,up_proj,down_proj}
    norm                            norm
"""
HEADS: dict[str, HeadOf] = {
    "ForCausalLM": lambda config: heads.lm(
        names="head.out lm_head", tied=bool(config.get("tie_word_embeddings"))),
    "ForSequenceClassification": heads.sequence("head.out score", "last_unpadded", bias=False),
    "ForTokenClassification": heads.token("head.out score"),
    "ForQuestionAnswering": heads.question_answering(
        "head.out qa_outputs", body="transformer."),
}  # fmt: skip
DEFAULTS = {
    "vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 11008,
    "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": None,
    "hidden_act": "silu", "max_position_embeddings": 2048, "rms_norm_eps": 1e-6,
    "tie_word_embeddings": False, "attention_bias": False, "attention_dropout": 0.0,
    "mlp_bias": False, "head_dim": None, "pad_token_id": None,
}  # fmt: skip


def decoder(config: Config, *, attention: dict[str, object] | None = None,
            embedding: dict[str, object] | None = None, **more: object) -> ModelSpec:  # fmt: skip
    """Make a Llama-like body; keyword arguments change the stack, the two mappings its parts."""
    width, count = config.hidden_size, config.num_attention_heads
    size = config.get("head_dim") or width // count
    norm = Norm(kind="rms", eps=config.rms_norm_eps)
    attended = {
        "heads": count, "kv_heads": config.get("num_key_value_heads") or count, "width": size,
        "bias": "qkvo" if config.get("attention_bias") else "", "causal": True,
        "rope": rope(config, size),
    } | (attention or {})  # fmt: skip
    embedded = {"vocab": config.vocab_size, "width": width} | (embedding or {})
    ff = FeedForward(inner=config.intermediate_size, act=config.hidden_act, gated=True,
                     bias=bool(config.get("mlp_bias")))  # fmt: skip
    stacked = {
        "layers": config.num_hidden_layers, "width": width, "placement": "pre", "norm": norm,
        "final_norm": norm, "attention": Attention(**attended), "ff": ff,
    } | more  # fmt: skip
    tower = Tower(input=Embedding(**embedded), stack=Stack(**stacked))
    return ModelSpec(decoder=tower, dropout=Dropout(attention=config.get("attention_dropout") or 0))


LLAMA = Family(
    model_type="llama", prefix="Llama", spec=decoder, names=NAMES, body="model.", heads=HEADS,
    defaults=DEFAULTS, ignored=(r"rotary_emb\.inv_freq$",),
)  # fmt: skip

FAMILIES = {"llama": LLAMA}
