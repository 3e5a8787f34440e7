"""RoBERTa, XLM-R, CamemBERT and MPNet: BERT whose positions count from the padding id."""

from dataclasses import replace

from reprise.models import heads
from reprise.models.config import Config
from reprise.models.families import bert
from reprise.models.family import Family, HeadOf
from reprise.models.spec import Buckets, ModelSpec, Norm, Pooler, Positions, Tower

LM_NAMES = """
    head.dense          lm_head.dense
    head.norm           lm_head.layer_norm
    head.out.bias!      lm_head.bias!
    head.out.weight!    lm_head.decoder.weight!
"""
CLASSIFIER = """
    head.dense          classifier.dense
    head.out            classifier.out_proj
"""
DEFAULTS = bert.BERT.defaults | {
    "vocab_size": 50265, "layer_norm_eps": 1e-12, "pad_token_id": 1, "bos_token_id": 0,
    "eos_token_id": 2,
}  # fmt: skip


def _lm(kind: heads.Kind) -> HeadOf:
    def made(config: Config) -> heads.Head:
        return heads.lm(kind, LM_NAMES, dense=True, act="gelu", bias=True,
                        norm=Norm(eps=config.layer_norm_eps),
                        tied=config.get("tie_word_embeddings", True))  # fmt: skip

    return made


HEADS: dict[str, HeadOf] = {
    "ForCausalLM": _lm("causal_lm"),
    "ForMaskedLM": _lm("masked_lm"),
    "ForSequenceClassification": heads.sequence(CLASSIFIER, "first", dense=True, act="tanh"),
    "ForMultipleChoice": heads.multiple_choice(bert.CLASSIFIER),
    "ForTokenClassification": heads.token(bert.CLASSIFIER),
    "ForQuestionAnswering": heads.question_answering(bert.QA_OUTPUTS),
}


def _roberta(config: Config) -> ModelSpec:
    pad = config.pad_token_id
    positions = Positions(rows=config.max_position_embeddings, offset=pad, count="unpadded")
    embedding = bert.embedding(config, positions=positions)
    tower = Tower(input=embedding, stack=bert.stack(config), pooler=Pooler())
    return ModelSpec(encoder=tower, dropout=bert.dropout(config))


def _family(model_type: str, prefix: str) -> Family:
    return Family(
        model_type=model_type, prefix=prefix, spec=_roberta, names=bert.NAMES, body="roberta.",
        heads=HEADS, defaults=DEFAULTS, ignored=(*bert.BERT.ignored, r"lm_head\.decoder\.bias"),
        renamed=bert.BERT.renamed,
    )  # fmt: skip


ROBERTA = _family("roberta", "Roberta")

MPNET_NAMES = """
    embed.tokens            embeddings.word_embeddings
    embed.positions         embeddings.position_embeddings
    embed.norm              embeddings.LayerNorm
    buckets                 encoder.relative_attention_bias
    layers.*.attn.{q,k,v,o} encoder.layer.*.attention.attn.{q,k,v,o}
    layers.*.norm_attn      encoder.layer.*.attention.LayerNorm
    layers.*.ff.up          encoder.layer.*.intermediate.dense
    layers.*.ff.down        encoder.layer.*.output.dense
    layers.*.norm_ff        encoder.layer.*.output.LayerNorm
    pooler                  pooler.dense
"""


def _mpnet(config: Config) -> ModelSpec:
    positions = Positions(rows=config.max_position_embeddings, offset=1, count="unpadded")
    embedding = bert.embedding(config, positions=positions, types=0, pad=1)
    stack = bert.stack(config)
    buckets = Buckets(count=config.relative_attention_num_buckets)
    stack = replace(stack, attention=replace(stack.attention, score_bias=buckets))
    tower = Tower(input=embedding, stack=stack, pooler=Pooler())
    return ModelSpec(encoder=tower, dropout=bert.dropout(config))


MPNET = Family(
    model_type="mpnet", prefix="MPNet", spec=_mpnet, names=MPNET_NAMES, body="mpnet.",
    heads={name: head for name, head in HEADS.items() if name != "ForCausalLM"},
    defaults=DEFAULTS | {
        "vocab_size": 30527, "relative_attention_num_buckets": 32, "type_vocab_size": 0,
    },
    ignored=(*bert.BERT.ignored, r"lm_head\.decoder\.bias"), renamed=bert.BERT.renamed,
)  # fmt: skip

FAMILIES = {
    "roberta": ROBERTA,
    "xlm-roberta": _family("xlm-roberta", "XLMRoberta"),
    "camembert": _family("camembert", "Camembert"),
    "mpnet": MPNET,
}
