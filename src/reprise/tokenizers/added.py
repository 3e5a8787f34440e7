"""Tokens beside the model's own: cut out of the text before anything else happens to it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from reprise.base.errors import InvalidFormat, InvalidInput
from reprise.tokenizers.spec import TokenizerSpec

_FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")


@dataclass(frozen=True)
class AddedToken:
    """A token that is found in the text as it stands.

    Attributes:
        content: Its text.
        single_word: Only between word boundaries.
        lstrip, rstrip: Take the white space on that side with it.
        normalized: Look for it in the normalized text; None means: unless it is special.
        special: Left out by `decode(skip_special_tokens=True)`.
    """

    content: str
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool | None = None
    special: bool = False

    def __str__(self) -> str:
        return self.content

    def entry(self, token_id: int) -> dict[str, Any]:
        """Return the token as tokenizer.json lists it."""
        fields = asdict(self)
        fields["normalized"] = not self.special if self.normalized is None else self.normalized
        return {"id": token_id, **fields}


def read_added(value: Any, *, special: bool = False) -> AddedToken:
    """Read a token from a configuration file: a text, or an object with flags.

    Raises:
        InvalidFormat: It is neither.
    """
    if isinstance(value, AddedToken):
        return replace(value, special=True) if special else value
    if isinstance(value, str) and value:
        return AddedToken(value, special=special)
    if isinstance(value, Mapping) and isinstance(value.get("content"), str) and value["content"]:
        flags = {name: value[name] for name in _FLAGS if value.get(name) is not None}
        if all(isinstance(flag, bool) for flag in flags.values()):
            return AddedToken(value["content"], **{"special": special, **flags})
    raise InvalidFormat(f"{value!r:.80} is no token: write a text or an object with `content`.")


def with_added(
    spec: TokenizerSpec, tokens: Iterable[str | AddedToken], *, special: bool = False
) -> tuple[TokenizerSpec, int]:
    """Return a spec with more added tokens, and how many of them were new or changed.

    A token that the model has keeps its id; others get the next free one, in their order.

    Args:
        spec: The tokenizer.
        tokens: What to add.
        special: Make them special, whatever they say.
    """
    given = [_prepared(token, special=special) for token in tokens]
    model = _model_vocab(spec)
    entries = {entry["content"]: entry for entry in spec.data["added_tokens"]}
    next_id = max([len(model), *(entry["id"] + 1 for entry in entries.values())])
    count = 0
    for token in given:
        known = entries.get(token.content)
        token_id = known["id"] if known else model.get(token.content)
        if token_id is None:
            token_id, next_id = next_id, next_id + 1
        entry = token.entry(token_id)
        if token.content and entry != known:
            entries[token.content] = entry
            count += 1
    if not count:
        return spec, 0
    listed = sorted(entries.values(), key=lambda entry: entry["id"])
    return spec.with_data(added_tokens=listed), count


def added_tokens(spec: TokenizerSpec) -> dict[int, AddedToken]:
    """Return the added tokens by id."""
    return {
        entry["id"]: read_added({key: entry[key] for key in entry if key != "id"})
        for entry in sorted(spec.data["added_tokens"], key=lambda entry: entry["id"])
    }


def _prepared(token: str | AddedToken, *, special: bool) -> AddedToken:
    if isinstance(token, str):
        return AddedToken(token, special=special)
    if not isinstance(token, AddedToken):
        raise InvalidInput(f"A token is text or an AddedToken, not {type(token).__name__}.")
    return replace(token, special=True) if special else token


def _model_vocab(spec: TokenizerSpec) -> Mapping[str, int]:
    vocab: Mapping[str, int] | Sequence[Sequence[Any]] = spec.data["model"]["vocab"]
    if isinstance(vocab, Mapping):
        return vocab
    return {entry[0]: index for index, entry in enumerate(vocab)}
