"""DistilBERT: BERT without token types and pooler."""

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
    embed.tokens            embeddings.word_embeddings
    embed.positions         embeddings.position_embeddings
    embed.norm              embeddings.LayerNorm
    layers.*.attn.{q,k,v,o} transformer.layer.*.attention.{q_lin,k_lin,v_lin,out_lin}
    layers.*.norm_attn      transformer.layer.*.sa_layer_norm
    layers.*.ff.{up,down}   transformer.layer.*.ffn.{lin1,lin2}
    layers.*.norm_ff        transformer.layer.*.output_layer_norm
"""
LM_NAMES = """
    head.dense          vocab_transform
    head.norm           vocab_layer_norm
    head.out            vocab_projector
"""
CLASSIFIER = """
    head.dense          pre_classifier
    head.out            classifier
"""
NORM = Norm(eps=1e-12)


def _distilbert(config: Config) -> ModelSpec:
    width, count = config.dim, config.n_heads
    embedding = Embedding(vocab=config.vocab_size, width=width, norm=NORM,
                          positions=Positions(rows=config.max_position_embeddings))  # fmt: skip
    stack = Stack(
        layers=config.n_layers, width=width, norm=NORM,
        attention=Attention(heads=count, width=width // count),
        ff=FeedForward(inner=config.hidden_dim, act=config.activation),
    )  # fmt: skip
    rates = Dropout(hidden=config.dropout, attention=config.attention_dropout,
                    head=config.seq_classif_dropout)  # fmt: skip
    return ModelSpec(encoder=Tower(input=embedding, stack=stack), dropout=rates)


FAMILIES = {"distilbert": Family(
    model_type="distilbert",
    prefix="DistilBert",
    spec=_distilbert,
    names=NAMES,
    body="distilbert.",
    heads={
        "ForMaskedLM": lambda config: heads.lm(
            "masked_lm", LM_NAMES, dense=True, act=config.activation, norm=NORM, bias=True),
        "ForSequenceClassification": heads.sequence(CLASSIFIER, "first", dense=True, act="relu"),
        "ForMultipleChoice": heads.multiple_choice(CLASSIFIER, "first", dense=True, act="relu"),
        "ForTokenClassification": heads.token("head.out classifier"),
        "ForQuestionAnswering": heads.question_answering("head.out qa_outputs"),
    },
    defaults={
        "vocab_size": 30522, "max_position_embeddings": 512, "n_layers": 6, "n_heads": 12,
        "dim": 768, "hidden_dim": 3072, "dropout": 0.1, "attention_dropout": 0.1,
        "activation": "gelu", "seq_classif_dropout": 0.2, "pad_token_id": 0,
    },
    ignored=(r"embeddings\.position_ids",),
)}  # fmt: skip
