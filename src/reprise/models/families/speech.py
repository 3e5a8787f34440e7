"""Whisper: a spectrogram through convolutions, and a decoder in fairseq's names."""

from reprise.models import heads
from reprise.models.config import Config
from reprise.models.families import fairseq
from reprise.models.family import Family
from reprise.models.spec import (
    Attention,
    FeedForward,
    Frames,
    ModelSpec,
    Norm,
    Positions,
    Stack,
    Tower,
)  # fmt: skip

_STEM = """
    T.embed.conv1               T.conv1
    T.embed.conv2               T.conv2
"""
_TOWER = _STEM + fairseq.TOWER
NAMES = "".join((
    _TOWER.replace("T.", "encoder."), fairseq.TOWER.replace("T.", "decoder."),
    _STEM.replace("T.", ""), fairseq.ALONE))  # fmt: skip


def _whisper(config: Config) -> ModelSpec:
    norm, width, count = Norm(), config.d_model, config.encoder_attention_heads
    encoder = Tower(
        input=Frames(mels=config.num_mel_bins, width=width, rows=config.max_source_positions),
        stack=Stack(
            layers=config.encoder_layers, width=width, placement="pre", norm=norm,
            final_norm=norm, attention=Attention(heads=count, width=width // count, bias="qvo"),
            ff=FeedForward(inner=config.encoder_ffn_dim, act=config.activation_function)),
    )  # fmt: skip
    decoder = fairseq.tower(
        config, "decoder", positions=Positions(rows=config.max_target_positions),
        embed_norm=None, placement="pre", final_norm=norm, bias="qvo",
    )  # fmt: skip
    start, rates = config.decoder_start_token_id, fairseq.dropout(config)
    return ModelSpec(
        encoder=encoder, decoder=decoder, shared_embedding=False, start=start, dropout=rates
    )


def _audio(config: Config) -> heads.Head:
    return heads.Head(
        kind="image", out="labels", pool="mean", dense=True, only="encoder",
        dense_width=config.classifier_proj_size, body="encoder.",
        names="head.dense projector\nhead.out classifier")  # fmt: skip


FAMILIES = {"whisper": Family(
    model_type="whisper",
    prefix="Whisper",
    spec=_whisper,
    names=NAMES,
    body="model.",
    heads={
        "ForConditionalGeneration": heads.lm("speech", "head.out proj_out"),
        "ForCausalLM": heads.lm(
            "causal_lm", "head.out proj_out", only="decoder", body="model.decoder."),
        "ForAudioClassification": _audio,
    },
    defaults=fairseq.DEFAULTS | {
        "vocab_size": 51865, "num_mel_bins": 80, "encoder_layers": 4, "decoder_layers": 4,
        "encoder_attention_heads": 6, "decoder_attention_heads": 6, "decoder_ffn_dim": 1536,
        "encoder_ffn_dim": 1536, "decoder_start_token_id": 50257, "d_model": 384, "dropout": 0.0,
        "max_source_positions": 1500, "max_target_positions": 448, "pad_token_id": 50256,
        "eos_token_id": 50256, "classifier_proj_size": 256, "_num_labels": 2,
    },
)}  # fmt: skip
