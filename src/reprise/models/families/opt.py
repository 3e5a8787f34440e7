"""OPT: positions counted by the attention mask, two rows further on."""

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
    embed.tokens            decoder.embed_tokens
    embed.positions         decoder.embed_positions
    embed.project           decoder.project_in
    layers.*.attn.{q,k,v,o} decoder.layers.*.self_attn.{q_proj,k_proj,v_proj,out_proj}
    layers.*.norm_attn      decoder.layers.*.self_attn_layer_norm
    layers.*.ff.{up,down}   decoder.layers.*.{fc1,fc2}
    layers.*.norm_ff        decoder.layers.*.final_layer_norm
    norm                    decoder.final_layer_norm
    project                 decoder.project_out
"""


def _opt(config: Config) -> ModelSpec:
    width, count = config.hidden_size, config.num_attention_heads
    table, bias = config.word_embed_proj_dim, config.enable_bias
    norm = Norm(affine=config.layer_norm_elementwise_affine)
    before = config.do_layer_norm_before
    embedding = Embedding(
        vocab=config.vocab_size, width=table, project=width if table != width else 0,
        project_bias=False, project_first=True,
        positions=Positions(rows=config.max_position_embeddings + 2, offset=2, count="mask"),
    )  # fmt: skip
    stack = Stack(
        layers=config.num_hidden_layers, width=width, placement="pre" if before else "post",
        norm=norm, final_norm=norm if before and not config["_remove_final_layer_norm"] else None,
        attention=Attention(
            heads=count, width=width // count, causal=True, bias="qkvo" if bias else ""),
        ff=FeedForward(inner=config.ffn_dim, act=config.activation_function, bias=bias),
    )  # fmt: skip
    tower = Tower(input=embedding, stack=stack, project=table if table != width else 0)
    return ModelSpec(decoder=tower, dropout=Dropout(
        hidden=config.dropout, attention=config.attention_dropout, embedding=0.0))  # fmt: skip


FAMILIES = {"opt": Family(
    model_type="opt",
    prefix="OPT",
    spec=_opt,
    names=NAMES,
    body="model.",
    heads={
        "ForCausalLM": lambda config: heads.lm(
            names="head.out lm_head", tied=bool(config.get("tie_word_embeddings", True))),
        "ForSequenceClassification": heads.sequence("head.out score", "last_unpadded", bias=False),
        "ForQuestionAnswering": heads.question_answering("head.out qa_outputs"),
    },
    defaults={
        "vocab_size": 50272, "hidden_size": 768, "num_hidden_layers": 12, "ffn_dim": 3072,
        "max_position_embeddings": 2048, "do_layer_norm_before": True,
        "_remove_final_layer_norm": False, "word_embed_proj_dim": 768, "dropout": 0.1,
        "attention_dropout": 0.0, "num_attention_heads": 12, "activation_function": "relu",
        "pad_token_id": 1, "enable_bias": True, "layer_norm_elementwise_affine": True,
    },
)}  # fmt: skip
