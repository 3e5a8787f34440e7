"""The post-processors that insert special tokens, as tokenizer.json writes them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from reprise.base.errors import InvalidFormat
from reprise.tokenizers.spec import TokenizerSpec

Ids = Callable[[str], int]


def token_ids(spec: TokenizerSpec) -> Ids:
    """Return a function from a token to its id, which raises `InvalidFormat` for unknown ones."""
    added = {entry["content"]: entry["id"] for entry in spec.data["added_tokens"]}
    vocab = spec.data["model"]["vocab"]
    model = vocab if isinstance(vocab, dict) else {e[0]: at for at, e in enumerate(vocab)}

    def find(token: str) -> int:
        found = added.get(token, model.get(token))
        if found is None:
            raise InvalidFormat(f"The template inserts {token!r}, which is not in the vocabulary.")
        return int(found)

    return find


def template(single: str, pair: str, ids: Ids) -> dict[str, Any]:
    """Return a template from the short form: `"[CLS]:0 $A:0 [SEP]:0"`."""
    pieces = [_pieces(single.split()), _pieces(pair.split())]
    tokens = dict.fromkeys(
        piece["SpecialToken"]["id"] for each in pieces for piece in each if "SpecialToken" in piece
    )
    return {
        "type": "TemplateProcessing",
        "single": pieces[0],
        "pair": pieces[1],
        "special_tokens": {
            token: {"id": token, "ids": [ids(token)], "tokens": [token]} for token in tokens
        },
    }


def around(prefix: Sequence[str], suffix: Sequence[str], ids: Ids) -> dict[str, Any]:
    """Return a template with tokens before and after the text, or the two texts together."""
    single = " ".join([*prefix, "$A", *suffix])
    pair = " ".join([*prefix, "$A", "$B", *suffix])
    return template(single, pair, ids)


def bos_eos(bos: str | None, eos: str | None, ids: Ids) -> dict[str, Any]:
    """Return a template with a token before, after, or around each text."""
    start, end = ([bos] if bos else []), ([eos] if eos else [])
    single = [*start, "$A", *end]
    second = [*(f"{token}:1" for token in start), "$B:1", *(f"{token}:1" for token in end)]
    return template(" ".join(single), " ".join([*single, *second]), ids)


def bert(cls: str, sep: str, ids: Ids, *, cls_type_id: int = 0) -> dict[str, Any]:
    """Return BERT's template: `[CLS] A [SEP] B [SEP]`."""
    single = f"{cls}:{cls_type_id} $A:0 {sep}:0"
    return template(single, f"{single} $B:1 {sep}:1", ids)


def roberta(
    cls: str, sep: str, ids: Ids, *, trim_offsets: bool, add_prefix_space: bool
) -> dict[str, Any]:
    """Return RoBERTa's template: `<s> A </s></s> B </s>`, all of one segment."""
    return {
        "type": "RobertaProcessing",
        "sep": [sep, ids(sep)],
        "cls": [cls, ids(cls)],
        "trim_offsets": trim_offsets,
        "add_prefix_space": add_prefix_space,
    }


def _pieces(words: Iterable[str]) -> list[dict[str, Any]]:
    return [_piece(word) for word in words]


def _piece(word: str) -> dict[str, Any]:
    name, colon, digit = word.rpartition(":")
    if not (colon and digit.isdigit()):
        name, digit = word, "0"
    if name in {"$A", "$B"}:
        return {"Sequence": {"id": name[1], "type_id": int(digit)}}
    return {"SpecialToken": {"id": name, "type_id": int(digit)}}
