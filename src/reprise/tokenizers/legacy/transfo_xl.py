"""Transformer-XL's vocabulary: a pickle, read without letting it run anything, or vocab.txt."""

import io
import pickle
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Any

from reprise.base.errors import EntryNotFound, InvalidFormat
from reprise.tokenizers.checking import MAX_VOCAB
from reprise.tokenizers.legacy.recipe import Converted, Source, assemble
from reprise.tokenizers.legacy.wordpiece import read_vocab

_PICKLES = ("vocab.pkl", "vocab.bin")
_MAX_PICKLE = 128 << 20
_TORCH_MAGIC = 0x1950A86A20F9469CFC6C  # first of the pickles in torch's old format
_BEFORE_CONTENT = 2  # pickles between that one and the content
_ALLOWED = {("collections", "OrderedDict"): OrderedDict, ("collections", "Counter"): Counter}
_UNKNOWN = ("<unk>", "<UNK>")


def convert(source: Source) -> Converted:
    """Convert vocab.pkl, vocab.bin or vocab.txt, see `reprise.tokenizers.legacy.convert`."""
    name = source.folder.first(*_PICKLES)
    content: Mapping[str, Any] = {}
    if name is not None:
        content = read_pickle(source.folder.read(name, limit=_MAX_PICKLE), name)
        vocab = _vocab(content, name)
    elif source.folder.has("vocab.txt"):
        vocab = read_vocab(source.folder.text("vocab.txt"), f"{source.folder.name}: vocab.txt")
    else:
        raise EntryNotFound(f"{source.folder.name} has neither {' nor '.join(_PICKLES)}.")
    unknown = next((token for token in _UNKNOWN if token in vocab), source.special("unk_token"))
    lowercase = bool(source.flag("lower_case", default=content.get("lower_case") is True))
    model = {"type": "WordLevel", "vocab": vocab, "unk_token": unknown}
    frontend = {"type": "transfo_xl", "lowercase": lowercase}
    return Converted(assemble(model, {"frontend": frontend}, source), {"unk_token": unknown})


def read_pickle(data: bytes, name: str) -> Mapping[str, Any]:
    """Read a pickled vocabulary: plain values, ordered dictionaries and counters, nothing else.

    Raises:
        InvalidFormat: It is no pickle, or asks for anything else.
    """
    try:
        found = _loaded(data)
    except InvalidFormat as error:
        raise InvalidFormat(f"{name}: {error.message}") from None
    except Exception as error:  # noqa: BLE001 - a broken pickle raises whatever it stumbles over
        raise InvalidFormat(f"{name} is no pickle: {str(error)[:200]}") from None
    if not isinstance(found, Mapping):
        raise InvalidFormat(f"{name} holds {type(found).__name__}, not a vocabulary.")
    return found


def _loaded(data: bytes) -> Any:
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inside = next(each for each in archive.infolist() if each.filename.endswith(".pkl"))
            if inside.file_size > _MAX_PICKLE:
                raise InvalidFormat(f"{inside.filename} unpacks to {inside.file_size} bytes.")
            return _Plain(io.BytesIO(archive.read(inside))).load()
    stream = io.BytesIO(data)
    found = _Plain(stream).load()
    if found == _TORCH_MAGIC:
        for _ in range(_BEFORE_CONTENT + 1):
            found = _Plain(stream).load()
    return found


class _Plain(pickle.Unpickler):
    """Makes plain values only."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise InvalidFormat(f"the pickle asks for {module}.{name}, which is never imported")
        return _ALLOWED[module, name]


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
