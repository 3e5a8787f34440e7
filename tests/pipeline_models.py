"""Tiny models with a tokenizer of their own, in a folder, for pipelines to run."""

import csv
import re
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reprise import models
from reprise.models import Config
from reprise.tokenizers import BertTokenizer, Tokenizer

_TEXTS = Path(__file__).parents[1] / "examples" / "banking77" / "train.csv"
VOCABULARY = 400
# Weights far from zero, so that answers differ from each other.
TINY = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 48, "max_position_embeddings": 64, "initializer_range": 0.4,
}  # fmt: skip
T5 = {"vocab_size": VOCABULARY, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2,
      "num_heads": 4, "pad_token_id": 0, "eos_token_id": 3,
      "decoder_start_token_id": 0}  # fmt: skip
WHISPER = {
    "vocab_size": VOCABULARY, "d_model": 32, "encoder_layers": 2, "decoder_layers": 2,
    "encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48, "num_mel_bins": 80, "max_source_positions": 50, "init_std": 0.3,
    "max_target_positions": 32, "pad_token_id": 0, "decoder_start_token_id": 2,
    "bos_token_id": 2, "eos_token_id": 3, "suppress_tokens": None, "begin_suppress_tokens": None,
}  # fmt: skip
_SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def texts(count: int) -> list[str]:
    """Sentences of different lengths."""
    with _TEXTS.open(newline="") as file:
        return [row["text"] for row, _ in zip(csv.DictReader(file), range(count), strict=False)]


def word_pieces(limit: int = 64, **options: Any) -> Tokenizer:
    """A tokenizer as BERT's: special tokens around texts, segments for pairs.

    Its pieces are counted, not trained: training breaks ties another way in every process.
    """
    with TemporaryDirectory() as folder:
        (Path(folder) / "vocab.txt").write_text("".join(f"{piece}\n" for piece in _pieces()))
        return BertTokenizer.from_pretrained(folder, model_max_length=limit, **options)


def _pieces() -> list[str]:
    """Special tokens, letters within and at the start of words, and the most frequent words."""
    words = Counter(re.findall(r"[a-z]+|[^\sa-z]", " ".join(texts(1000)).lower()))
    letters = sorted({letter for word in words for letter in word})
    pieces = [*_SPECIALS, *letters, *(f"##{letter}" for letter in letters)]
    pieces += [word for word, _ in sorted(words.items(), key=lambda it: (-it[1], it[0]))
               if len(word) > 1]  # fmt: skip
    return pieces[:VOCABULARY]


def save(
    folder: Path,
    name: str,
    *,
    tokenizer: Tokenizer | None = None,
    model_type: str = "bert",
    **changes: Any,
) -> Path:
    """Write a model by its class name, and a tokenizer, into a folder."""
    config = Config({"model_type": model_type, "architectures": [name], **TINY, **changes})
    getattr(models, name)(config, seed=3).save_pretrained(folder)
    (tokenizer or word_pieces()).save_pretrained(folder)
    return folder
