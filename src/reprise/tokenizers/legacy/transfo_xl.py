"""Transformer-XL's vocabulary: a pickle, vocab.txt, or the vocab.json that is written here."""

from collections.abc import Mapping
from typing import Any

from reprise.base.errors import EntryNotFound, InvalidFormat
from reprise.tokenizers.checking import MAX_VOCAB
from reprise.tokenizers.legacy.bpe_files import read_vocab as read_json
from reprise.tokenizers.legacy.plain_pickle import MAX_PICKLE, read_pickle
from reprise.tokenizers.legacy.recipe import Converted, Source, assemble
from reprise.tokenizers.legacy.wordpiece import read_vocab

_PICKLES = ("vocab.pkl", "vocab.bin")
_UNKNOWN = ("<unk>", "<UNK>")


def convert(source: Source) -> Converted:
    """Convert what a folder holds, see `reprise.tokenizers.legacy.convert`."""
    name = source.folder.first(*_PICKLES)
    content: Mapping[str, Any] = {}
    if name is not None:
        content = read_pickle(source.folder.read(name, limit=MAX_PICKLE), name)
        vocab = _vocab(content, name)
    elif source.folder.has("vocab.json"):
        vocab = read_json(source, "vocab.json")
    elif source.folder.has("vocab.txt"):
        vocab = read_vocab(source.folder.text("vocab.txt"), f"{source.folder.name}: vocab.txt")
    else:
        raise EntryNotFound(f"{source.folder.name} has neither {' nor '.join(_PICKLES)}.")
    unknown = next((token for token in _UNKNOWN if token in vocab), source.special("unk_token"))
    lowercase = bool(source.flag("lower_case", default=content.get("lower_case") is True))
    model = {"type": "WordLevel", "vocab": vocab, "unk_token": unknown}
    frontend = {"type": "transfo_xl", "lowercase": lowercase}
    known = {"unk_token": unknown, "lower_case": lowercase}
    return Converted(assemble(model, {"frontend": frontend}, source), known)


def _vocab(content: Mapping[str, Any], name: str) -> dict[str, int]:
    words = content.get("idx2sym")
    if not isinstance(words, list) or not words or len(words) > MAX_VOCAB:
        raise InvalidFormat(f"{name} has no list of words (idx2sym).")
    if not all(isinstance(word, str) for word in words):
        raise InvalidFormat(f"{name}: idx2sym holds something else than words.")
    vocab = {word: number for number, word in enumerate(words)}
    if len(vocab) != len(words):
        raise InvalidFormat(f"{name}: idx2sym holds a word twice.")
    return vocab
