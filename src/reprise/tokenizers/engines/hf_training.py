"""Learning vocabularies with the `tokenizers` library."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.tokenizers.added import AddedToken, added_tokens
from reprise.tokenizers.engine import TrainConfig
from reprise.tokenizers.engines.hf import library, refusals
from reprise.tokenizers.spec import TokenizerSpec

_TRAINERS = {
    "BPE": "BpeTrainer",
    "WordPiece": "WordPieceTrainer",
    "Unigram": "UnigramTrainer",
    "WordLevel": "WordLevelTrainer",
}
_FROM_MODEL = ("continuing_subword_prefix", "end_of_word_suffix")


class HfTrainer:
    """Learns vocabularies; see `reprise.tokenizers.engine.TrainerEngine`."""

    def train(
        self, template: TokenizerSpec, texts: Iterable[str | bytes], config: TrainConfig
    ) -> TokenizerSpec:
        """Return the template with a vocabulary learned from texts.

        The special tokens of the template come first, then those of `config`. The template's
        post-processor is left out: its ids would be wrong.

        Raises:
            InvalidInput: A text is no UTF-8, or the options do not fit the model.
        """
        bare = template.with_data(post_processor=None, added_tokens=[])
        with refusals("The vocabulary cannot be learned", InvalidInput):
            tokenizer = library().Tokenizer.from_buffer(bare.to_json())
            trainer = _trainer(template, config)
            tokenizer.train_from_iterator(_decoded(texts), trainer=trainer)
            data = json.loads(tokenizer.to_str())
        return TokenizerSpec(data, template.profile)


def _trainer(template: TokenizerSpec, config: TrainConfig) -> Any:
    kind, model = template.model_type, template.data["model"]
    given: dict[str, Any] = {
        "vocab_size": config.vocab_size,
        "show_progress": False,
        "special_tokens": [_library_token(token) for token in _specials(template, config)],
        **config.options,
    }
    if kind != "Unigram":
        given["min_frequency"] = config.min_frequency
    if kind in {"BPE", "WordPiece"}:
        given["limit_alphabet"] = config.limit_alphabet
        given |= {key: model[key] for key in _FROM_MODEL if model.get(key) and key not in given}
    if kind != "WordLevel":
        given["initial_alphabet"] = _alphabet(config)
    if kind == "Unigram" and "unk_token" not in given:
        given["unk_token"] = model["vocab"][model.get("unk_id") or 0][0]
    kept = {key: value for key, value in given.items() if value is not None}
    return getattr(library().trainers, _TRAINERS[kind])(**kept)


def _specials(template: TokenizerSpec, config: TrainConfig) -> list[AddedToken]:
    known = [token for token in added_tokens(template).values() if token.special]
    contents = {token.content for token in known}
    new = [AddedToken(each, special=True) for each in config.special_tokens if each not in contents]
    return [*known, *new]


def _library_token(token: AddedToken) -> Any:
    entry = token.entry(0)
    return library().AddedToken(**{key: entry[key] for key in entry if key != "id"})


def _alphabet(config: TrainConfig) -> list[str]:
    if config.alphabet == "bytes":
        return sorted(library().pre_tokenizers.ByteLevel.alphabet())
    return list(config.alphabet)


def _decoded(texts: Iterable[str | bytes]) -> Iterator[str]:
    for number, text in enumerate(texts):
        try:
            found = text.decode() if isinstance(text, bytes) else text
            found.encode()
        except UnicodeError:
            raise InvalidInput(f"Text {number} is not UTF-8.") from None
        except AttributeError:
            raise InvalidInput(f"Text {number} is {type(text).__name__}, not text.") from None
        yield found
