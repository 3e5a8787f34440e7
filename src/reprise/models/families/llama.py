"""Llama and the decoders that differ from it in little: rotary positions, gated layers."""

from dataclasses import replace

from reprise.models import heads
from reprise.models.config import Config
from reprise.models.families.reading import rope, windows
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


def _mistral(config: Config) -> ModelSpec:
    return decoder(config, attention={"windows": windows(config, config.num_hidden_layers)})


_QA = {"ForQuestionAnswering": heads.question_answering("head.out qa_outputs")}
MISTRAL = replace(
    LLAMA, model_type="mistral", prefix="Mistral", spec=_mistral, heads=HEADS | _QA,
    defaults=DEFAULTS | {
        "intermediate_size": 14336, "num_key_value_heads": 8, "sliding_window": 4096,
        "max_position_embeddings": 131072,
    },
)  # fmt: skip


def _qwen_windows(config: Config) -> tuple[int, ...]:
    if not config.use_sliding_window:
        return ()
    if config.get("layer_types"):
        return windows(config, config.num_hidden_layers)
    first, size = config.max_window_layers, int(config.sliding_window or 0)
    return tuple(size if layer >= first else 0 for layer in range(config.num_hidden_layers))


def _qwen2(config: Config) -> ModelSpec:
    return decoder(config, attention={"bias": "qkv", "windows": _qwen_windows(config)})


def _qwen3(config: Config) -> ModelSpec:
    normed = Norm(kind="rms", eps=config.rms_norm_eps)
    return decoder(config, attention={"head_norm": normed, "windows": _qwen_windows(config)})


_QWEN = DEFAULTS | {
    "vocab_size": 151936, "intermediate_size": 22016, "max_position_embeddings": 32768,
    "use_sliding_window": False, "sliding_window": 4096, "max_window_layers": 28,
}  # fmt: skip
QWEN2 = replace(LLAMA, model_type="qwen2", prefix="Qwen2", spec=_qwen2, defaults=_QWEN)
QWEN3 = replace(
    LLAMA, model_type="qwen3", prefix="Qwen3", spec=_qwen3,
    defaults=_QWEN | {"head_dim": 128},
)  # fmt: skip


def _gemma(config: Config, **attention: object) -> ModelSpec:
    width = config.hidden_size
    norm = Norm(kind="rms1p", eps=config.rms_norm_eps)
    # Its activation is the tanh form whatever `hidden_act` says.
    ff = FeedForward(inner=config.intermediate_size, gated=True, bias=False,
                     act=config.get("hidden_activation") or "gelu_pytorch_tanh")  # fmt: skip
    return decoder(config, attention=attention, norm=norm, final_norm=norm, ff=ff,
                   embedding={"scale": width**0.5, "scale_rounds": True})  # fmt: skip


_GEMMA = DEFAULTS | {
    "vocab_size": 256000, "hidden_size": 3072, "intermediate_size": 24576,
    "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 16,
    "head_dim": 256, "max_position_embeddings": 8192, "tie_word_embeddings": True,
    "pad_token_id": 0,
}  # fmt: skip
_WITHOUT_QA = {name: head for name, head in HEADS.items() if name != "ForQuestionAnswering"}
GEMMA = replace(
    LLAMA, model_type="gemma", prefix="Gemma", spec=_gemma, heads=_WITHOUT_QA, defaults=_GEMMA
)

_GEMMA2_NAMES = NAMES.replace(
    "norm_ff                layers.*.post_attention_layernorm",
    "norm_attn_out          layers.*.post_attention_layernorm",
) + """
    layers.*.norm_ff                layers.*.pre_feedforward_layernorm
    layers.*.norm_ff_out            layers.*.post_feedforward_layernorm
"""  # fmt: skip


def _gemma2(config: Config) -> ModelSpec:
    layers, size = config.num_hidden_layers, config.sliding_window or 0
    alternate = tuple(0 if layer % 2 else size for layer in range(layers))
    spec = _gemma(
        config, scale=config.query_pre_attn_scalar**-0.5,
        softcap=config.attn_logit_softcapping or 0.0,
        windows=windows(config, layers) if config.get("layer_types") else alternate,
    )  # fmt: skip
    assert spec.decoder
    stack = replace(spec.decoder.stack, placement="sandwich")
    return replace(spec, decoder=replace(spec.decoder, stack=stack))


def _gemma2_lm(config: Config) -> heads.Head:
    return heads.lm(names="head.out lm_head", tied=bool(config.tie_word_embeddings),
                    softcap=config.final_logit_softcapping or 0.0)  # fmt: skip


GEMMA2 = replace(
    GEMMA, model_type="gemma2", prefix="Gemma2", spec=_gemma2, names=_GEMMA2_NAMES,
    heads=_WITHOUT_QA | {"ForCausalLM": _gemma2_lm},
    defaults=_GEMMA | {
        "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26,
        "num_attention_heads": 8, "num_key_value_heads": 4, "query_pre_attn_scalar": 256,
        "sliding_window": 4096, "final_logit_softcapping": 30.0, "attn_logit_softcapping": 50.0,
    },
)  # fmt: skip

FAMILIES = {family.model_type: family for family in (
    LLAMA, MISTRAL, QWEN2, QWEN3, GEMMA, GEMMA2)}  # fmt: skip
