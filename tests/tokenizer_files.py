"""Small tokenizers for tests: learned from the examples' texts, and folders of old files."""

import csv
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from reprise.tokenizers import BertTokenizer, Tokenizer

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden" / "tokenizers"
BERT = {
    "unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}  # fmt: skip
WORDS = "my card is not here it now what can do about the un ##believ ##able hello".split()
KINDS = ("BPE", "WordPiece", "Unigram", "WordLevel")
TEXTS = [
    "My card hasn't arrived yet, what can I do?",
    "  spaces   around and\tin between\n",
    "Größe, Æsir, naïve café: ½ of 1.000,50 €",
    "我的卡还没有到。カード",
    "emoji 😀 and 👩‍👩‍👧, e\u0301 combined",
    "",
    "x" * 120,
    "<pad> [SEP] </s> are special",
]


@cache
def sentences() -> tuple[str, ...]:
    with (ROOT / "examples" / "banking77" / "train.csv").open(newline="") as file:
        return tuple(row["text"].strip() for row in csv.DictReader(file))[::5]


@cache
def trained(kind: str) -> Tokenizer:
    """A tokenizer that nobody may change; see `fresh`."""
    specials = BERT if kind == "WordPiece" else {"pad_token": "<pad>", "eos_token": "</s>"}
    return Tokenizer.train_new(kind, sentences(), vocab_size=600, specials=specials)


def fresh(kind: str) -> Tokenizer:
    """A tokenizer of the test's own."""
    made = trained(kind)
    return Tokenizer(made.spec, made.config)


@cache
def bert() -> Tokenizer:
    """BERT with a vocabulary of its own, the same each time; nobody may change it."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    pieces = [*BERT.values(), *WORDS, *letters, *(f"##{each}" for each in letters), "!", "?", "'"]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "vocab.txt").write_text("\n".join(pieces) + "\n")
        return BertTokenizer.from_pretrained(folder, model_max_length=64)


def own_bert() -> Tokenizer:
    """The same, the test's own."""
    return Tokenizer(bert().spec, bert().config)


def write_json(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))


def spm_folder(folder: Path, model: str, cls: str, **config: Any) -> Path:
    """A folder with a SentencePiece model of a class of tokenizers."""
    folder.mkdir(exist_ok=True)
    shutil.copy(GOLDEN / f"{model}.model", folder / "spiece.model")
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": cls, **config})
    return folder


def bpe_folder(folder: Path, tokenizer: Tokenizer, cls: str, *more: str, **config: Any) -> Path:
    """A folder with vocab.json and merges.txt, as tokenizers were saved before tokenizer.json."""
    model = tokenizer.spec.data["model"]
    vocab = dict(model["vocab"])
    for token in more:
        vocab.setdefault(token, len(vocab))
    write_json(folder / "vocab.json", vocab)
    merges = "\n".join(" ".join(merge) for merge in model["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n")
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": cls, **config})
    return folder


def vocab_folder(folder: Path, tokenizer: Tokenizer, cls: str, *more: str, **config: Any) -> Path:
    """A folder with vocab.txt."""
    vocab = tokenizer.spec.data["model"]["vocab"]
    folder.mkdir(exist_ok=True)
    lines = [*sorted(vocab, key=vocab.__getitem__), *more]
    (folder / "vocab.txt").write_text("\n".join(lines) + "\n")
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": cls, **config})
    return folder
