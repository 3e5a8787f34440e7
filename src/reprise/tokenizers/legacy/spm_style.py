"""How SentencePiece models prepare their text, as components of a spec; families differ."""

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from reprise.base.errors import InvalidFormat
from reprise.tokenizers.legacy.sentencepiece import BPE, Piece, SentencePiece
from reprise.tokenizers.legacy.spm_merges import merges_of

SPACE = "\N{LOWER ONE EIGHTH BLOCK}"  # what SentencePiece writes for a space
Flags = Mapping[str, bool]


def model_of(model: SentencePiece, pieces: Sequence[Piece], unknown: str) -> dict[str, Any]:
    """Return the model of a spec.

    Args:
        model: What the file says.
        pieces: The pieces in the order of their ids.
        unknown: The piece for what no other covers.

    Raises:
        InvalidFormat: There is no such piece, or a piece of BPE is there twice.
    """
    texts = [piece.text for piece in pieces]
    if unknown not in texts:
        raise InvalidFormat(f"The SentencePiece model has no piece {unknown!r} for the unknown.")
    if model.algorithm != BPE:
        return {
            "type": "Unigram",
            "unk_id": texts.index(unknown),
            "vocab": [[piece.text, piece.score] for piece in pieces],
            "byte_fallback": model.byte_fallback,
        }
    vocab = {text: number for number, text in enumerate(texts)}
    if len(vocab) != len(texts):
        raise InvalidFormat("The SentencePiece model has a piece twice.")
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": unknown,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": True,
        "byte_fallback": model.byte_fallback,
        "ignore_merges": False,
        "vocab": vocab,
        "merges": merges_of(pieces),
    }


def own_style(model: SentencePiece) -> dict[str, Any]:
    """Return a whole spec's data of a model that no family adds anything to."""
    unknown = model.pieces[model.unk_id].text
    return {"model": model_of(model, model.pieces, unknown), **_own(model, {})}


def _charsmap(model: SentencePiece) -> list[dict[str, Any]]:
    if not model.charsmap:
        return []
    text = b64encode(model.charsmap).decode()
    return [{"type": "Precompiled", "precompiled_charsmap": text}]


def _replace(pattern: Mapping[str, str], content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": dict(pattern), "content": content}


def _metaspace(scheme: str, *, split: bool = True) -> dict[str, Any]:
    return {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": scheme, "split": split}


def _sequence(kind: str, steps: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    listed = [dict(step) for step in steps]
    return {"type": "Sequence", kind: listed} if listed else None


def _trimmed() -> list[dict[str, Any]]:
    """Return what removes spaces at the end and makes runs of them one."""
    strip = {"type": "Strip", "strip_left": False, "strip_right": True}
    return [strip, _replace({"Regex": " {2,}"}, SPACE)]


def _own(model: SentencePiece, flags: Flags) -> dict[str, Any]:
    """Do as the model's file says."""
    scheme = "always" if model.dummy_prefix else "never"
    crosses = any(SPACE in piece.text[1:].lstrip(SPACE) for piece in model.pieces)
    space = _metaspace(scheme, split=not crosses and model.trims)
    trimmed = [{"type": "Strip", "strip_left": True, "strip_right": True}] if model.trims else []
    runs = [_replace({"Regex": " {2,}"}, " ")] if model.trims else []
    prefix = flags.get("add_prefix_space", model.dummy_prefix)
    return {
        "normalizer": _sequence("normalizers", [*_charsmap(model), *trimmed, *runs]),
        "pre_tokenizer": space,
        "decoder": _pieces_decoder(strip=bool(prefix)) if model.byte_fallback else space,
    }


def _words(model: SentencePiece, _flags: Flags) -> dict[str, Any]:
    """T5, XLM-R and most others: spaces trimmed, one space in front."""
    space = _metaspace("always")
    return {
        "normalizer": _sequence("normalizers", [*_charsmap(model), *_trimmed()]),
        "pre_tokenizer": space,
        "decoder": space,
    }


def _pegasus(model: SentencePiece, flags: Flags) -> dict[str, Any]:
    split = [{"type": "WhitespaceSplit"}, _metaspace("always")]
    pre_tokenizer = _sequence("pretokenizers", split)
    return {**_words(model, flags), "pre_tokenizer": pre_tokenizer}


def _albert(model: SentencePiece, flags: Flags) -> dict[str, Any]:
    """ALBERT, XLNet, RemBERT: quotes as the original writes them, accents and case by setting."""
    steps = [_replace({"String": "``"}, '"'), _replace({"String": "''"}, '"')]
    if not flags.get("keep_accents", False):
        steps += [{"type": "NFKD"}, {"type": "StripAccents"}]
    if flags.get("do_lower_case", False):
        steps.append({"type": "Lowercase"})
    steps += [*_charsmap(model), _replace({"Regex": " {2,}"}, " ")]
    space = _metaspace("always")
    split = [{"type": "WhitespaceSplit"}, space]
    return {
        "normalizer": _sequence("normalizers", steps),
        "pre_tokenizer": _sequence("pretokenizers", split),
        "decoder": space,
    }


def _deberta(model: SentencePiece, flags: Flags) -> dict[str, Any]:
    steps: list[dict[str, Any]] = []
    if flags.get("do_lower_case", False):
        steps.append({"type": "Lowercase"})
    steps.append({"type": "Strip", "strip_left": True, "strip_right": True})
    steps += [*_charsmap(model), _replace({"Regex": " {2,}"}, " ")]
    space = _metaspace("always")
    split = [{"type": "Punctuation", "behavior": "Isolated"}]
    before = split if flags.get("split_by_punct", False) else []
    return {
        "normalizer": _sequence("normalizers", steps),
        "pre_tokenizer": _sequence("pretokenizers", [*before, space]),
        "decoder": space,
    }


def _llama(_model: SentencePiece, flags: Flags) -> dict[str, Any]:
    """Llama: the ids of the original, unless a configuration says `legacy: false`."""
    prefix = bool(flags.get("add_prefix_space", True))
    parts: dict[str, Any] = {"decoder": _pieces_decoder(strip=prefix)}
    if flags.get("legacy", True):
        start = [{"type": "Prepend", "prepend": SPACE}] if prefix else []
        steps = [*start, _replace({"String": " "}, SPACE)]
        return {**parts, "normalizer": _sequence("normalizers", steps)}
    scheme = "first" if prefix else "never"
    return {**parts, "pre_tokenizer": _metaspace(scheme, split=False)}


def _gemma(_model: SentencePiece, _flags: Flags) -> dict[str, Any]:
    return {
        "normalizer": _replace({"String": " "}, SPACE),
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"String": " "},
            "behavior": "MergedWithPrevious",
            "invert": False,
        },
        "decoder": _pieces_decoder(strip=False),
    }


def _pieces_decoder(*, strip: bool) -> dict[str, Any] | None:
    steps = [_replace({"String": SPACE}, " "), {"type": "ByteFallback"}, {"type": "Fuse"}]
    if strip:
        steps.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    return _sequence("decoders", steps)


STYLES: dict[str, Callable[[SentencePiece, Flags], dict[str, Any]]] = {
    "own": _own,
    "words": _words,
    "pegasus": _pegasus,
    "albert": _albert,
    "deberta": _deberta,
    "llama": _llama,
    "gemma": _gemma,
}
