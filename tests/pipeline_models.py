"""Tiny models with a tokenizer of their own, in a folder, for pipelines to run."""

import csv
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
_SPECIALS = {
    "pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}  # fmt: skip


def texts(count: int) -> list[str]:
    """Sentences of different lengths."""
    with _TEXTS.open(newline="") as file:
        return [row["text"] for row, _ in zip(csv.DictReader(file), range(count), strict=False)]


def word_pieces(limit: int = 64, **options: Any) -> Tokenizer:
    """A tokenizer as BERT's: special tokens around texts, segments for pairs."""
    learned = Tokenizer.train_new(
        "WordPiece", texts(300), vocab_size=VOCABULARY, specials=_SPECIALS
    )
    words = sorted(learned.get_vocab().items(), key=lambda item: item[1])
    with TemporaryDirectory() as folder:
        (Path(folder) / "vocab.txt").write_text("".join(f"{word}\n" for word, _ in words))
        return BertTokenizer.from_pretrained(folder, model_max_length=limit, **options)


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
