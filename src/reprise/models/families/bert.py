"""BERT and the encoders that differ from it in little."""

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
    Pooler,
    Positions,
    Stack,
    Tower,
)  # fmt: skip

LAYERS = """
    layers.*.attn.{q,k,v}   encoder.layer.*.attention.self.{query,key,value}
    layers.*.attn.o         encoder.layer.*.attention.output.dense
    layers.*.norm_attn      encoder.layer.*.attention.output.LayerNorm
    layers.*.cross.{q,k,v}  encoder.layer.*.crossattention.self.{query,key,value}
    layers.*.cross.o        encoder.layer.*.crossattention.output.dense
    layers.*.norm_cross     encoder.layer.*.crossattention.output.LayerNorm
    layers.*.ff.up          encoder.layer.*.intermediate.dense
    layers.*.ff.down        encoder.layer.*.output.dense
    layers.*.norm_ff        encoder.layer.*.output.LayerNorm
"""
NAMES = f"""
    embed.tokens            embeddings.word_embeddings
    embed.positions         embeddings.position_embeddings
    embed.types             embeddings.token_type_embeddings
    embed.norm              embeddings.LayerNorm
    {LAYERS}
    pooler                  pooler.dense
"""
LM_NAMES = """
    head.dense              cls.predictions.transform.dense
    head.norm               cls.predictions.transform.LayerNorm
    head.out.bias!          cls.predictions.bias!
    head.out.weight!        cls.predictions.decoder.weight!
"""
CLASSIFIER = "head.out  classifier"
QA_OUTPUTS = "head.out  qa_outputs"
NEXT_SENTENCE = "head.out  cls.seq_relationship"


def dropout(config: Config) -> Dropout:
    """Read the rates of a BERT-like configuration."""
    own = config.get("classifier_dropout")
    hidden = config.hidden_dropout_prob
    attention = config.attention_probs_dropout_prob
    return Dropout(hidden=hidden, attention=attention, head=hidden if own is None else own)


def stack(config: Config, **more: object) -> Stack:
    """Make the layers of a BERT-like configuration."""
    width, count = config.hidden_size, config.num_attention_heads
    attention = Attention(heads=count, width=width // count, causal=bool(config.get("is_decoder")))
    ff = FeedForward(inner=config.intermediate_size, act=config.hidden_act)
    norm = Norm(eps=config.layer_norm_eps)
    crosses = attention.causal and bool(config.get("add_cross_attention"))
    cross = Attention(heads=count, width=width // count) if crosses else None
    given = {"layers": config.num_hidden_layers, "width": width, "attention": attention, "ff": ff,
             "norm": norm, "cross": cross} | more  # fmt: skip
    return Stack(**given)


def embedding(config: Config, *, width: int = 0, **more: object) -> Embedding:
    """Make the embedding of a BERT-like configuration; `width` when the table's differs."""
    given = {
        "vocab": config.vocab_size, "width": width or config.hidden_size,
        "positions": Positions(rows=config.max_position_embeddings),
        "types": config.type_vocab_size, "norm": Norm(eps=config.layer_norm_eps),
        "pad": config.get("pad_token_id") or 0,
        "project": config.hidden_size if width not in {0, config.hidden_size} else 0,
    } | more  # fmt: skip
    return Embedding(**given)


def _bert(config: Config) -> ModelSpec:
    tower = Tower(input=embedding(config), stack=stack(config), pooler=Pooler())
    return ModelSpec(encoder=tower, dropout=dropout(config))


def lm_head(config: Config, kind: heads.Kind = "masked_lm", names: str = LM_NAMES) -> heads.Head:
    """Make BERT's language head: dense, activation, norm, token table with a bias."""
    norm = Norm(eps=config.layer_norm_eps)
    return heads.lm(kind, names, dense=True, act=config.hidden_act, norm=norm, bias=True,
                    tied=config.get("tie_word_embeddings", True))  # fmt: skip


def _pretraining(config: Config) -> heads.Head:
    second = heads.next_sentence(NEXT_SENTENCE)
    names, norm = LM_NAMES, Norm(eps=config.layer_norm_eps)
    return heads.lm("pretraining", names, dense=True, act=config.hidden_act, norm=norm, bias=True,
                    second=second)  # fmt: skip


BERT = Family(
    model_type="bert",
    prefix="Bert",
    spec=_bert,
    names=NAMES,
    body="bert.",
    heads={
        "ForPreTraining": _pretraining,
        "LMHeadModel": lambda config: lm_head(config, "causal_lm"),
        "ForMaskedLM": lm_head,
        "ForNextSentencePrediction": heads.next_sentence(NEXT_SENTENCE),
        "ForSequenceClassification": heads.sequence(CLASSIFIER),
        "ForMultipleChoice": heads.multiple_choice(CLASSIFIER),
        "ForTokenClassification": heads.token(CLASSIFIER),
        "ForQuestionAnswering": heads.question_answering(QA_OUTPUTS),
    },
    defaults={
        "vocab_size": 30522, "hidden_size": 768, "num_hidden_layers": 12,
        "num_attention_heads": 12, "intermediate_size": 3072, "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
        "max_position_embeddings": 512, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
    },
    ignored=(r"embeddings\.position_ids", r"cls\.predictions\.decoder\.bias"),
    renamed=((r"\.gamma$", ".weight"), (r"\.beta$", ".bias")),
)  # fmt: skip

FAMILIES = {"bert": BERT}
