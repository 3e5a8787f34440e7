"""A tiny seeded Whisper that writes times, with sound for it."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from reprise import models
from reprise.models import Config
from reprise.tokenizers import Tokenizer
from tests.pipeline_models import texts

RATE = 16_000
WORDS = 290
SPECIALS = ["<|startoftranscript|>", "<|en|>", "<|de|>", "<|transcribe|>", "<|translate|>",
            "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]  # fmt: skip
TIMES = 1501


def sound(seed: int, seconds: float) -> np.ndarray:
    """Draw noise whose loudness changes every second."""
    drawn = np.random.default_rng(seed)
    loud = np.repeat(drawn.uniform(0.01, 0.3, int(seconds) + 1), RATE)[: int(seconds * RATE)]
    return np.asarray(drawn.standard_normal(len(loud)) * loud, np.float32)


def _tokenizer(folder: Path) -> Any:
    from transformers import WhisperTokenizer

    learned = Tokenizer.train_new("BPE", texts(100), vocab_size=WORDS)
    model = json.loads(json.dumps(dict(learned.spec.data)))["model"]
    merges = [tuple(pair.split(" ") if isinstance(pair, str) else pair) for pair in model["merges"]]
    made = WhisperTokenizer(vocab=model["vocab"], merges=merges)
    made.add_special_tokens({"additional_special_tokens": SPECIALS})
    made.add_tokens([f"<|{number * 0.02:.2f}|>" for number in range(TIMES)])
    made.save_pretrained(folder)
    return made


def timed_whisper(made: Path, **more: Any) -> Path:
    """Write the model into a folder, with more in its settings of generation."""
    import torch
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

    known = _tokenizer(made)
    ids = {name: known.convert_tokens_to_ids(name) for name in [*SPECIALS, "<|endoftext|>"]}
    end = ids["<|endoftext|>"]
    config = WhisperConfig(
        vocab_size=len(known), d_model=16, encoder_layers=1, decoder_layers=1, num_mel_bins=80,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=24,
        decoder_ffn_dim=24, max_source_positions=1500, max_target_positions=64, pad_token_id=end,
        bos_token_id=end, eos_token_id=end, init_std=0.9, suppress_tokens=None,
        decoder_start_token_id=ids["<|startoftranscript|>"], begin_suppress_tokens=None,
    )  # fmt: skip
    torch.manual_seed(5)
    model = WhisperForConditionalGeneration(config)
    with torch.no_grad():  # whatever lies behind some text is a time, so that sentences end
        table = model.model.decoder.embed_tokens.weight
        table[-TIMES:] *= 0.55
    model.save_pretrained(made)
    told = {"no_timestamps_token_id": ids["<|notimestamps|>"], "max_initial_timestamp_index": 50,
            "decoder_start_token_id": ids["<|startoftranscript|>"], "is_multilingual": False,
            "return_timestamps": False, "bos_token_id": end, "eos_token_id": end,
            "pad_token_id": end, "max_length": 60, **more}  # fmt: skip
    (made / "generation_config.json").write_text(json.dumps(told))
    WhisperFeatureExtractor().save_pretrained(made)
    return made


def short_whisper(made: Path, *, window: int = 2, width: int = 16, **more: Any) -> Path:
    """Write a model that hears a few seconds at once, without the reference; as `timed_whisper`."""
    Tokenizer.train_new("BPE", texts(100), vocab_size=WORDS).save_pretrained(made)
    named = ["<|endoftext|>", "<|zh|>", *SPECIALS]
    times = [f"<|{number * 0.02:.2f}|>" for number in range(window * 50 + 1)]
    ids = {name: WORDS + at for at, name in enumerate([*named, *times])}
    file = made / "tokenizer.json"
    data = json.loads(file.read_text())
    data["added_tokens"] = [
        {"id": at, "content": name, "special": name in named, "single_word": False, "lstrip": False,
         "rstrip": False, "normalized": False} for name, at in ids.items()]  # fmt: skip
    file.write_text(json.dumps(data))
    end = ids["<|endoftext|>"]
    config = {
        "model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"],
        "vocab_size": WORDS + len(ids), "d_model": width, "encoder_layers": 1, "decoder_layers": 3,
        "num_mel_bins": 80, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
        "encoder_ffn_dim": 24, "decoder_ffn_dim": 24, "max_source_positions": window * 50,
        "max_target_positions": 64, "pad_token_id": end, "bos_token_id": end, "eos_token_id": end,
        "init_std": 0.7, "decoder_start_token_id": ids["<|startoftranscript|>"],
    }  # fmt: skip
    models.WhisperForConditionalGeneration(Config(config), seed=3).save_pretrained(made)
    languages = {name: ids[name] for name in ("<|en|>", "<|de|>", "<|zh|>")}
    told = {"no_timestamps_token_id": ids["<|notimestamps|>"], "max_initial_timestamp_index": 50,
            "decoder_start_token_id": ids["<|startoftranscript|>"], "eos_token_id": end,
            "pad_token_id": end, "max_new_tokens": 20, "lang_to_id": languages,
            "task_to_id": {name: ids[f"<|{name}|>"] for name in ("transcribe", "translate")},
            "alignment_heads": [[0, 1], [2, 0]], **more}  # fmt: skip
    (made / "generation_config.json").write_text(json.dumps(told))
    settings = {"feature_extractor_type": "WhisperFeatureExtractor", "chunk_length": window}
    (made / "preprocessor_config.json").write_text(json.dumps(settings))
    (made / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "WhisperTokenizer", "eos_token": "<|endoftext|>",
                    "additional_special_tokens": named[1:]}))  # fmt: skip
    return made
