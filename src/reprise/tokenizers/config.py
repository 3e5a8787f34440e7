"""What surrounds a tokenizer's data: named special tokens, sides, limits, chat templates."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reprise.base.errors import InvalidFormat, InvalidInput
from reprise.tokenizers.added import AddedToken, read_added

# The named special tokens, in the order in which the field lists them.
NAMED = (
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
)
NO_LIMIT = int(1e30)  # what configurations write for "any length"
# What may be read and assigned as an attribute of a tokenizer.
SETTINGS = frozenset(
    "model_max_length padding_side truncation_side model_input_names chat_template "
    "clean_up_tokenization_spaces split_special_tokens pad_token_type_id name_or_path "
    "tokenizer_class".split()
)
_SIDES = ("left", "right")
_EXTRA = ("extra_special_tokens", "additional_special_tokens")
_MAX_EXTRA = 1 << 20


@dataclass(frozen=True)
class TokenizerConfig:
    """The content of tokenizer_config.json, read.

    Attributes:
        specials: Named special tokens: `{"pad_token": AddedToken("[PAD]")}`.
        extra_specials: Special tokens without a name.
        model_max_length: Tokens the model takes; `NO_LIMIT` when nobody says.
        model_input_names: What the model's call takes.
        chat_template: One Jinja template, or several by name.
        rest: Everything else, kept for saving.
    """

    specials: Mapping[str, AddedToken] = field(default_factory=dict)
    extra_specials: tuple[AddedToken, ...] = ()
    model_max_length: int = NO_LIMIT
    padding_side: str = "right"
    truncation_side: str = "right"
    model_input_names: tuple[str, ...] = ("input_ids", "attention_mask")
    clean_up_tokenization_spaces: bool = False
    split_special_tokens: bool = False
    pad_token_type_id: int = 0
    chat_template: str | Mapping[str, str] | None = None
    tokenizer_class: str = ""
    name_or_path: str = ""
    rest: Mapping[str, Any] = field(default_factory=dict)

    def with_special(self, name: str, token: AddedToken | None) -> "TokenizerConfig":
        """Return a copy with one named special token set, or unset by None."""
        kept = {key: value for key, value in self.specials.items() if key != name}
        return replace(self, specials=kept if token is None else {**kept, name: token})


def place_of(name: str) -> tuple[int, str]:
    """Return a key that sorts names of special tokens as the field does, others last."""
    return (NAMED.index(name) if name in NAMED else len(NAMED)), name


def read_config(data: Mapping[str, Any], defaults: TokenizerConfig) -> TokenizerConfig:
    """Read the content of a tokenizer_config.json over a family's defaults.

    Raises:
        InvalidFormat: A value has the wrong type; the message names its key.
    """
    specials = dict(defaults.specials)
    extra: list[AddedToken] = list(defaults.extra_specials)
    values: dict[str, Any] = {}
    rest = dict(defaults.rest)
    for key, value in data.items():
        if key in _EXTRA:
            extra += _read_extra(value, specials, extra)
        elif key in NAMED or (key.endswith("_token") and _looks_like_token(value)):
            _set_special(specials, key, value)
        elif key in _READERS:
            values[key] = _READERS[key](key, value)
        else:
            rest[key] = value
    kept = {key: value for key, value in values.items() if value is not None}
    return replace(defaults, specials=specials, extra_specials=tuple(extra), rest=rest, **kept)


def _set_special(specials: dict[str, AddedToken], key: str, value: Any) -> None:
    if value is None:
        specials.pop(key, None)
        return
    try:
        specials[key] = read_added(value, special=True)
    except InvalidFormat as error:
        raise InvalidFormat(f"{key}: {error.message}") from None


def _read_extra(
    value: Any, specials: dict[str, AddedToken], known: list[AddedToken]
) -> list[AddedToken]:
    if value is None:
        return []
    if isinstance(value, Mapping):  # tokens with names of the model's own
        for key, token in value.items():
            _set_special(specials, key, token)
        return []
    if not isinstance(value, list | tuple) or len(value) > _MAX_EXTRA:
        raise InvalidFormat("extra_special_tokens must be a list of tokens.")
    found = {token.content: token for token in (read_added(t, special=True) for t in value)}
    seen = {token.content for token in known}
    return [token for content, token in found.items() if content not in seen]


def _looks_like_token(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, Mapping) and "content" in value)


def _flag(key: str, value: Any) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise InvalidFormat(f"{key} must be true or false, not {value!r:.80}.")
    return value


def _length(key: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise InvalidFormat(f"{key} must be a positive number, not {value!r:.80}.")
    return NO_LIMIT if value >= NO_LIMIT else int(value)


def _count(key: str, value: Any) -> int:
    if type(value) is not int or value < 0:
        raise InvalidFormat(f"{key} must be a number from 0, not {value!r:.80}.")
    return value


def _side(key: str, value: Any) -> str:
    if value not in _SIDES:
        raise InvalidFormat(f"{key} must be left or right, not {value!r:.80}.")
    return str(value)


def _names(key: str, value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise InvalidFormat(f"{key} must be a list of names.")
    if not value:
        raise InvalidFormat(f"{key} is empty.")
    return tuple(value)


def _text(key: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise InvalidFormat(f"{key} must be text, not {value!r:.80}.")
    return value


def read_templates(key: str, value: Any) -> str | dict[str, str] | None:
    """Read one chat template, or a list of named ones."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        if not all(isinstance(each, Mapping) for each in value):
            raise InvalidFormat(f"{key} must be text or a list of named templates.")
        value = {each.get("name"): each.get("template") for each in value}
    if isinstance(value, Mapping) and all(
        isinstance(each, str) for pair in value.items() for each in pair
    ):
        return dict(value)
    raise InvalidFormat(f"{key} must be text or a list of named templates.")


_READERS = {
    "model_max_length": _length,
    "padding_side": _side,
    "truncation_side": _side,
    "model_input_names": _names,
    "clean_up_tokenization_spaces": _flag,
    "split_special_tokens": _flag,
    "pad_token_type_id": _count,
    "chat_template": read_templates,
    "tokenizer_class": _text,
    "name_or_path": _text,
}


def settable(name: str, value: Any) -> Any:
    """Check a value that somebody assigns to an attribute of a tokenizer.

    Raises:
        InvalidInput: It does not fit.
    """
    try:
        return _READERS[name](name, value)
    except InvalidFormat as error:
        raise InvalidInput(error.message) from None
