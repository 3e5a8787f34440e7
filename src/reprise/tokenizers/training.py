"""Tokenizers with vocabularies learned from texts: new ones, and ones like another."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.tokenizers.added import AddedToken, added_tokens, with_added
from reprise.tokenizers.config import TokenizerConfig
from reprise.tokenizers.engine import TrainConfig, TrainerEngine
from reprise.tokenizers.spec import TokenizerSpec
from reprise.tokenizers.templates import Ids, token_ids

_TRAINER = "reprise.tokenizers.engines.hf_training:HfTrainer"
_SPACE = {
    "type": "Metaspace",
    "replacement": "\N{LOWER ONE EIGHTH BLOCK}",
    "prepend_scheme": "always",
    "split": True,
}
_BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
_BERT = {
    "type": "BertNormalizer",
    "clean_text": True,
    "handle_chinese_chars": True,
    "strip_accents": None,
    "lowercase": True,
}
# What a new tokenizer of each kind does around its model.
_FRESH: dict[str, dict[str, Any]] = {
    "BPE": {
        "model": {"type": "BPE", "vocab": {}, "merges": []},
        "pre_tokenizer": _BYTES,
        "decoder": _BYTES,
    },
    "WordPiece": {
        "model": {
            "type": "WordPiece",
            "vocab": {},
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
        },
        "normalizer": _BERT,
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
    },
    "Unigram": {
        "model": {"type": "Unigram", "vocab": [["<unk>", 0.0]], "unk_id": 0},
        "normalizer": {"type": "NFKC"},
        "pre_tokenizer": _SPACE,
        "decoder": _SPACE,
    },
    "WordLevel": {
        "model": {"type": "WordLevel", "vocab": {}, "unk_token": "[UNK]"},
        "pre_tokenizer": {"type": "Whitespace"},
    },
}
_UNKNOWN = {"WordPiece": "[UNK]", "Unigram": "<unk>", "WordLevel": "[UNK]"}


def train_new(
    kind: str, texts: Iterable[Any], config: TrainConfig, *, specials: Mapping[str, str] = {}
) -> tuple[TokenizerSpec, TokenizerConfig]:
    """Learn a tokenizer from nothing.

    Args:
        kind: "BPE" (over bytes), "WordPiece" (as BERT), "Unigram" or "WordLevel".
        texts: Texts, or batches of texts.
        config: Sizes and special tokens; the model's unknown token is added by itself.
        specials: Names of special tokens: `{"pad_token": "[PAD]"}`.

    Raises:
        InvalidInput: Nobody knows the kind, or a text is no text.
    """
    if kind not in _FRESH:
        raise InvalidInput(f"Unknown kind {kind!r:.40}; use one of {', '.join(_FRESH)}.")
    named = dict(specials)
    if kind in _UNKNOWN:
        named.setdefault("unk_token", _UNKNOWN[kind])
    unknown = (named["unk_token"],) if "unk_token" in named else ()
    listed = dict.fromkeys([*unknown, *named.values(), *config.special_tokens])
    config = replace(config, special_tokens=tuple(listed))
    if kind == "BPE" and not config.alphabet:
        config = replace(config, alphabet="bytes")
    template = TokenizerSpec(_with_unknown(_FRESH[kind], named.get("unk_token")))
    spec = _trainer().train(template, _texts(texts), config)
    tokens = {name: AddedToken(token, special=True) for name, token in named.items()}
    return spec, TokenizerConfig(specials=tokens)


def train_like(
    spec: TokenizerSpec, around: TokenizerConfig, texts: Iterable[Any], config: TrainConfig
) -> tuple[TokenizerSpec, TokenizerConfig]:
    """Learn a vocabulary for a tokenizer that does everything else as another one does.

    Raises:
        InvalidInput: The other one has a front end, whose rules are not learned here.
    """
    if spec.frontend is not None:
        raise InvalidInput(f"A tokenizer of type {spec.frontend} cannot be learned here.")
    if not config.alphabet and _is_byte_level(spec.data["pre_tokenizer"]):
        config = replace(config, alphabet="bytes")
    trained = _trainer().train(spec, _texts(texts), config)
    kept = [token for token in added_tokens(spec).values() if not token.special]
    trained, _ = with_added(trained, kept)
    part = _renumbered(spec.data["post_processor"], token_ids(trained))
    trained = trained.with_data(post_processor=part)
    new = tuple(AddedToken(token, special=True) for token in config.special_tokens)
    return trained, replace(around, extra_specials=(*around.extra_specials, *new))


def _trainer() -> TrainerEngine:
    module, _, name = _TRAINER.partition(":")
    made: TrainerEngine = getattr(import_module(module), name)()
    return made


def _with_unknown(data: Mapping[str, Any], unknown: str | None) -> dict[str, Any]:
    model = dict(data["model"])
    if unknown is not None:
        if model["type"] == "Unigram":
            model["vocab"] = [[unknown, 0.0]]
        else:
            model["unk_token"] = unknown
    return {**data, "model": model}


def _texts(given: Iterable[Any]) -> Iterator[str | bytes]:
    for each in given:
        if isinstance(each, str | bytes):
            yield each
        else:
            yield from each


def _is_byte_level(part: Mapping[str, Any] | None) -> bool:
    if part is None:
        return False
    return part["type"] == "ByteLevel" or any(map(_is_byte_level, part.get("pretokenizers", [])))


def _renumbered(part: Any, ids: Ids) -> Any:
    """Return a post-processor with the ids that its tokens have now."""
    if part is None:
        return None
    found = dict(part)
    if "processors" in found:
        found["processors"] = [_renumbered(step, ids) for step in found["processors"]]
    for key in ("sep", "cls"):
        if key in found:
            found[key] = [found[key][0], ids(found[key][0])]
    if found["type"] == "TemplateProcessing":
        found["special_tokens"] = {
            name: {**entry, "ids": [ids(token) for token in entry["tokens"]]}
            for name, entry in dict(found["special_tokens"]).items()
        }
    return found
