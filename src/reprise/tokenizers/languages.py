"""Models that are told a language by tokens beside the text: translation, and speech to text."""

from typing import Any

from reprise.base.errors import InvalidInput
from reprise.tokenizers.config import TokenizerConfig
from reprise.tokenizers.families import by_class
from reprise.tokenizers.family import Family
from reprise.tokenizers.spec import TokenizerSpec
from reprise.tokenizers.templates import Ids, around, token_ids

_TASKS = ("transcribe", "translate")


def language_template(family: Family, code: str, end: str, ids: Ids) -> dict[str, Any]:
    """Return the template for a language.

    Args:
        family: Whose place for the code holds: before the text, or after its end.
        code: `en_XX`.
        end: The token that ends a text.
        ids: Finds ids of tokens.

    Raises:
        InvalidInput: The family does not know the language.
    """
    if code not in family.languages:
        known = ", ".join(family.languages) or "none"
        raise InvalidInput(f"Unknown language {code!r:.40}; known are {known}.")
    if family.rules.get("code") == "first":
        return around((code,), (end,), ids)
    return around((), (end, code), ids)


def known_languages(config: TokenizerConfig) -> tuple[str, ...]:
    """List the languages that a tokenizer can mark texts as being in: none for most."""
    family = by_class(config.tokenizer_class)
    return tuple(family.languages) if family is not None else ()


def with_language(spec: TokenizerSpec, config: TokenizerConfig, code: str) -> TokenizerSpec:
    """Return a spec whose template marks texts as being in a language.

    Raises:
        InvalidInput: The tokenizer marks no languages, or not this one.
    """
    family = by_class(config.tokenizer_class)
    end = config.specials.get("eos_token")
    if family is None or not family.languages or end is None:
        raise InvalidInput(f"{config.tokenizer_class or 'This tokenizer'} marks no languages.")
    part = language_template(family, code, end.content, token_ids(spec))
    return spec.with_data(post_processor=part)


def target_spec(spec: TokenizerSpec, config: TokenizerConfig) -> TokenizerSpec:
    """Return the spec for what a model shall produce: another language, or other pieces."""
    rules = spec.data.get("frontend")
    if rules is not None and "target" in rules:
        return spec.with_data(frontend={**rules, "side": "target"})
    code = config.rest.get("tgt_lang")
    if isinstance(code, str) and code:
        family = by_class(config.tokenizer_class)
        if family is not None and family.languages:
            return with_language(spec, config, code)
    return spec


def with_speech_prefix(
    spec: TokenizerSpec, *, language: str | None, task: str | None, timestamps: bool
) -> TokenizerSpec:
    """Return Whisper's spec with the tokens that tell it what to write.

    Args:
        spec: The tokenizer.
        language: `en`; None leaves it to the model.
        task: "transcribe" or "translate".
        timestamps: Whether the model writes times.

    Raises:
        InvalidInput: The tokenizer has no such language or task.
    """
    if task is not None and task not in _TASKS:
        raise InvalidInput(f"Unknown task {task!r:.40}; use {' or '.join(_TASKS)}.")
    named = [f"<|{name}|>" for name in (language, task) if name]
    prefix = ["<|startoftranscript|>", *named, *([] if timestamps else ["<|notimestamps|>"])]
    known = {entry["content"] for entry in spec.data["added_tokens"]}
    for token in prefix:
        if token not in known:
            raise InvalidInput(f"The tokenizer has no token {token}.")
    return spec.with_data(post_processor=around(prefix, ["<|endoftext|>"], token_ids(spec)))
