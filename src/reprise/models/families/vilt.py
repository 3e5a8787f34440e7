"""ViLT: the tokens of a text and the patches of an image in one row (Kim et al., 2021)."""

from reprise.models import heads
from reprise.models.config import Config
from reprise.models.families import bert
from reprise.models.families.vision import patches
from reprise.models.family import Family
from reprise.models.spec import (
    Attention,
    FeedForward,
    Mixed,
    ModelSpec,
    Norm,
    Pooler,
    Stack,
    Tower,
)  # fmt: skip

NAMES = """
    embed.text.tokens               embeddings.text_embeddings.word_embeddings
    embed.text.positions            embeddings.text_embeddings.position_embeddings
    embed.text.types                embeddings.text_embeddings.token_type_embeddings
    embed.text.norm                 embeddings.text_embeddings.LayerNorm
    embed.image.first!              embeddings.cls_token!               leading
    embed.image.positions.weight!   embeddings.position_embeddings!     batched
    embed.image.patches             embeddings.patch_embeddings.projection
    embed.kinds                     embeddings.token_type_embeddings
    layers.*.attn.{q,k,v}           encoder.layer.*.attention.attention.{query,key,value}
    layers.*.attn.o                 encoder.layer.*.attention.output.dense
    layers.*.norm_attn              encoder.layer.*.layernorm_before
    layers.*.norm_ff                encoder.layer.*.layernorm_after
    layers.*.ff.up                  encoder.layer.*.intermediate.dense
    layers.*.ff.down                encoder.layer.*.output.dense
    norm                            layernorm
    pooler                          pooler.dense
"""


def _vilt(config: Config) -> ModelSpec:
    width, count = config.hidden_size, config.num_attention_heads
    norm = Norm(eps=config.layer_norm_eps)
    given = Mixed(text=bert.embedding(config), image=patches(config),
                  kinds=config.modality_type_vocab_size)  # fmt: skip
    stack = Stack(
        layers=config.num_hidden_layers, width=width, placement="pre", norm=norm, final_norm=norm,
        attention=Attention(
            heads=count, width=width // count, bias="qkvo" if config.qkv_bias else "o"),
        ff=FeedForward(inner=config.intermediate_size, act=config.hidden_act),
    )  # fmt: skip
    tower = Tower(input=given, stack=stack, pooler=Pooler(), raw_states=True)
    return ModelSpec(encoder=tower, dropout=bert.dropout(config))


def _answers(config: Config) -> heads.Head:
    names = "head.dense classifier.0\nhead.norm classifier.1\nhead.out classifier.3"
    return heads.sequence(names, dense=True, dense_width=2 * config.hidden_size, norm=Norm(),
                          norm_first=True, act="gelu")  # fmt: skip


FAMILIES = {"vilt": Family(
    model_type="vilt",
    prefix="Vilt",
    spec=_vilt,
    names=NAMES,
    body="vilt.",
    heads={"ForQuestionAnswering": _answers},
    defaults=bert.BERT.defaults | {
        "max_position_embeddings": 40, "hidden_dropout_prob": 0.0, "image_size": 384,
        "attention_probs_dropout_prob": 0.0, "patch_size": 32, "num_channels": 3, "qkv_bias": True,
        "modality_type_vocab_size": 2, "max_image_length": -1,
    },
    ignored=(r"text_embeddings\.position_ids",),
    elsewhere=(r"^mlm_score\.", r"^rank_output\.", r"^itm_score\."),
)}  # fmt: skip
