"""ALBERT, whose layers share weights, and ELECTRA: tables narrower than the model."""

from dataclasses import replace

from reprise.models import heads
from reprise.models.config import Config
from reprise.models.families import bert
from reprise.models.family import Family
from reprise.models.spec import ModelSpec, Norm, Pooler, Tower

_EMBEDDINGS = """
    embed.tokens            embeddings.word_embeddings
    embed.positions         embeddings.position_embeddings
    embed.types             embeddings.token_type_embeddings
    embed.norm              embeddings.LayerNorm
"""
_SET = """
    layers.N.attn.[q,k,v,o] G.attention.[query,key,value,dense]
    layers.N.norm_attn      G.attention.LayerNorm
    layers.N.ff.up          G.ffn
    layers.N.ff.down        G.ffn_output
    layers.N.norm_ff        G.full_layer_layer_norm
"""
_ALBERT_LM = """
    head.dense              predictions.dense
    head.norm               predictions.LayerNorm
    head.out.bias!          predictions.bias!
    head.out.weight!        predictions.decoder.weight!
"""


def _albert_names(config: Config) -> str:
    text = _EMBEDDINGS + "embed.project encoder.embedding_hidden_mapping_in\npooler pooler\n"
    for group in range(config.num_hidden_groups):
        for inner in range(config.inner_group_num):
            number = group * config.inner_group_num + inner
            stored = f"encoder.albert_layer_groups.{group}.albert_layers.{inner}"
            lines = _SET.replace("[", "{").replace("]", "}")
            text += lines.replace(".N.", f".{number}.").replace(" G.", f" {stored}.")
    return text


def _albert(config: Config) -> ModelSpec:
    inner = config.inner_group_num
    stack = bert.stack(config, layers=config.num_hidden_layers * inner,
                       groups=config.num_hidden_groups, inner_groups=inner)  # fmt: skip
    # The projection is there even where both widths are equal.
    embedding = replace(
        bert.embedding(config, width=config.embedding_size), project=config.hidden_size
    )
    rates = replace(bert.dropout(config), head=config.classifier_dropout_prob)
    tower = Tower(input=embedding, stack=stack, pooler=Pooler())
    return ModelSpec(encoder=tower, dropout=rates)


def _albert_lm(config: Config) -> heads.Head:
    norm, width = Norm(eps=config.layer_norm_eps), config.embedding_size
    return heads.lm("masked_lm", _ALBERT_LM, dense=True, dense_width=width, act=config.hidden_act,
                    norm=norm, bias=True)  # fmt: skip


ALBERT = Family(
    model_type="albert",
    prefix="Albert",
    spec=_albert,
    names=_albert_names,
    body="albert.",
    heads={
        "ForPreTraining": lambda config: replace(
            _albert_lm(config), kind="pretraining",
            second=heads.sequence("head.out sop_classifier.classifier")),
        "ForMaskedLM": _albert_lm,
        "ForSequenceClassification": heads.sequence(bert.CLASSIFIER),
        "ForMultipleChoice": heads.multiple_choice(bert.CLASSIFIER),
        "ForTokenClassification": heads.token(bert.CLASSIFIER),
        "ForQuestionAnswering": heads.question_answering(bert.QA_OUTPUTS),
    },
    defaults={
        "vocab_size": 30000, "embedding_size": 128, "hidden_size": 4096, "num_hidden_layers": 12,
        "num_hidden_groups": 1, "num_attention_heads": 64, "intermediate_size": 16384,
        "inner_group_num": 1, "hidden_act": "gelu_new", "hidden_dropout_prob": 0,
        "attention_probs_dropout_prob": 0, "max_position_embeddings": 512, "type_vocab_size": 2,
        "layer_norm_eps": 1e-12, "classifier_dropout_prob": 0.1, "pad_token_id": 0,
    },
    ignored=(r"embeddings\.position_ids", r"predictions\.decoder\.bias"),
)  # fmt: skip

_ELECTRA_LM = """
    head.dense              generator_predictions.dense
    head.norm               generator_predictions.LayerNorm
    head.out                generator_lm_head
"""
_DISCRIMINATOR = """
    head.dense              discriminator_predictions.dense
    head.out                discriminator_predictions.dense_prediction
"""
_CLASSIFIER = """
    head.dense              classifier.dense
    head.out                classifier.out_proj
"""
_SUMMARY = """
    head.dense              sequence_summary.summary
    head.out                classifier
"""


def _electra(config: Config) -> ModelSpec:
    embedding = bert.embedding(config, width=config.embedding_size)
    tower = Tower(input=embedding, stack=bert.stack(config))
    return ModelSpec(encoder=tower, dropout=bert.dropout(config))


def _electra_lm(kind: heads.Kind, config: Config) -> heads.Head:
    return heads.lm(kind, _ELECTRA_LM, dense=True, dense_width=config.embedding_size, act="gelu",
                    norm=Norm(eps=config.layer_norm_eps), bias=True)  # fmt: skip


def _electra_choice(config: Config) -> heads.Head:
    return heads.multiple_choice(_SUMMARY, "first", dense=True, act=config.summary_activation)


ELECTRA = Family(
    model_type="electra",
    prefix="Electra",
    spec=_electra,
    names=_EMBEDDINGS + bert.LAYERS + "embed.project embeddings_project",
    body="electra.",
    heads={
        "ForPreTraining": lambda config: heads.Head(
            kind="discriminator", out="one", dense=True, act=config.hidden_act,
            names=_DISCRIMINATOR),
        "ForCausalLM": lambda config: _electra_lm("causal_lm", config),
        "ForMaskedLM": lambda config: _electra_lm("masked_lm", config),
        "ForSequenceClassification": heads.sequence(_CLASSIFIER, "first", dense=True, act="gelu"),
        "ForMultipleChoice": _electra_choice,
        "ForTokenClassification": heads.token(bert.CLASSIFIER),
        "ForQuestionAnswering": heads.question_answering(bert.QA_OUTPUTS),
    },
    defaults=bert.BERT.defaults | {
        "embedding_size": 128, "hidden_size": 256, "num_attention_heads": 4,
        "intermediate_size": 1024, "summary_activation": "gelu",
    },
    ignored=(r"embeddings\.position_ids",),
    renamed=bert.BERT.renamed,
)  # fmt: skip

FAMILIES = {"albert": ALBERT, "electra": ELECTRA}
