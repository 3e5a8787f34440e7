"""T5: relative buckets, no biases anywhere, scores that are not scaled."""

from dataclasses import replace

from reprise.models import heads
from reprise.models.config import Config
from reprise.models.family import Family
from reprise.models.spec import (
    Attention,
    Buckets,
    Dropout,
    Embedding,
    FeedForward,
    ModelSpec,
    Norm,
    Stack,
    Tower,
)  # fmt: skip

_SELF = """
    {t}.layers.*.norm_attn         {t}.block.*.layer.0.layer_norm
    {t}.layers.*.attn.[q,k,v,o]    {t}.block.*.layer.0.SelfAttention.[q,k,v,o]
    {t}.buckets                    {t}.block.0.layer.0.SelfAttention.relative_attention_bias
    {t}.layers.*.norm_ff           {t}.block.*.layer.{last}.layer_norm
    {t}.layers.*.ff.gate           {t}.block.*.layer.{last}.DenseReluDense.wi_0
    {t}.layers.*.ff.up             {t}.block.*.layer.{last}.DenseReluDense.{up}
    {t}.layers.*.ff.down           {t}.block.*.layer.{last}.DenseReluDense.wo
    {t}.norm                       {t}.final_layer_norm
"""
_CROSS = """
    decoder.layers.*.norm_cross          decoder.block.*.layer.1.layer_norm
    decoder.layers.*.cross.{q,k,v,o}     decoder.block.*.layer.1.EncDecAttention.{q,k,v,o}
"""


def _gated(config: Config) -> bool:
    return str(config.feed_forward_proj).startswith("gated")


def _names(config: Config) -> str:
    up = "wi_1" if _gated(config) else "wi"

    def tower(name: str, last: int) -> str:
        filled = _SELF.replace("{t}", name).replace("{last}", str(last)).replace("{up}", up)
        return filled.replace("[", "{").replace("]", "}")

    # Where the encoder stands alone, its names carry no tower.
    alone = tower("encoder", 1)
    alone = "\n".join(line.strip().removeprefix("encoder.") for line in alone.splitlines())
    both = tower("encoder", 1) + tower("decoder", 2) + _CROSS
    return f"shared shared\nembed.tokens shared\n{alone}\n{both}"


def _tower(config: Config, layers: int, *, decoder: bool) -> Tower:
    norm = Norm(kind="rms", eps=config.layer_norm_epsilon)
    act = str(config.feed_forward_proj).removeprefix("gated-")
    buckets = Buckets(count=config.relative_attention_num_buckets, both_ways=not decoder,
                      distance=config.relative_attention_max_distance)  # fmt: skip
    cross = Attention(heads=config.num_heads, width=config.d_kv, bias="", scale=1.0)
    own = Attention(heads=config.num_heads, width=config.d_kv, bias="", scale=1.0, causal=decoder,
                    score_bias=buckets)  # fmt: skip
    ff = FeedForward(inner=config.d_ff, gated=_gated(config), bias=False,
                     act="gelu_new" if act == "gelu" and _gated(config) else act)  # fmt: skip
    stack = Stack(layers=layers, width=config.d_model, attention=own, ff=ff, norm=norm,
                  placement="pre", final_norm=norm, cross=cross if decoder else None)  # fmt: skip
    return Tower(input=Embedding(vocab=config.vocab_size, width=config.d_model), stack=stack)


def _t5(config: Config) -> ModelSpec:
    layers = config.num_layers
    rate = config.dropout_rate
    return ModelSpec(
        encoder=_tower(config, layers, decoder=False),
        decoder=_tower(config, config.num_decoder_layers or layers, decoder=True),
        start=config.get("decoder_start_token_id") or 0,
        dropout=Dropout(hidden=rate, attention=rate, inner=rate, head=config.classifier_dropout),
    )


def _lm(config: Config) -> heads.Head:
    tied = bool(config.get("tie_word_embeddings", True))
    scaled = config.get("scale_decoder_outputs")
    scaled = tied if scaled is None else scaled
    return heads.lm("seq2seq_lm", "head.out lm_head", tied=tied, tied_if_absent=True,
                    scale=config.d_model**-0.5 if scaled else 1.0)  # fmt: skip


T5 = Family(
    model_type="t5",
    prefix="T5",
    spec=_t5,
    names=_names,
    body="",
    heads={
        "ForConditionalGeneration": _lm,
        "ForSequenceClassification": heads.sequence(
            "head.dense classification_head.dense\nhead.out classification_head.out_proj",
            "eos", dense=True, act="tanh", body="transformer."),
        "EncoderModel": heads.Head(kind="body", out="none", only="encoder"),
        "ForTokenClassification": heads.token(
            "head.out classifier", only="encoder", body="transformer."),
        "ForQuestionAnswering": heads.question_answering("head.out qa_outputs"),
    },
    defaults={
        "vocab_size": 32128, "d_model": 512, "d_kv": 64, "d_ff": 2048, "num_layers": 6,
        "num_decoder_layers": None, "num_heads": 8, "relative_attention_num_buckets": 32,
        "relative_attention_max_distance": 128, "dropout_rate": 0.1, "classifier_dropout": 0.0,
        "layer_norm_epsilon": 1e-6, "feed_forward_proj": "relu", "pad_token_id": 0,
        "eos_token_id": 1, "decoder_start_token_id": 0,
    },
    ignored=(r"^(en|de)coder\.embed_tokens\.weight$",
             r"decoder\.block\.0\.layer\.1\.EncDecAttention\.relative_attention_bias"),
)  # fmt: skip

# Its output layer is its own, whatever the configuration says, and nothing is scaled.
_OWN_LM = heads.lm("seq2seq_lm", "head.out lm_head", tied=False, tied_if_absent=True)
MT5 = replace(
    T5, model_type="mt5", prefix="MT5", heads={**T5.heads, "ForConditionalGeneration": _OWN_LM},
    defaults=T5.defaults | {
        "vocab_size": 250112, "d_ff": 1024, "num_layers": 8, "num_heads": 6,
        "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False,
    },
)  # fmt: skip

FAMILIES = {"t5": T5, "mt5": MT5}
