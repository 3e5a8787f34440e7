"""Added tokens that files beside the vocabulary list, with the ids they claim."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from reprise.base.errors import InvalidFormat
from reprise.tokenizers.added import AddedToken, read_added
from reprise.tokenizers.folder import Folder

_MAX_DIGITS = 9  # of an id


def listed_tokens(
    stored: Mapping[str, Any], specials: Iterable[AddedToken]
) -> dict[int, AddedToken]:
    """Read `added_tokens_decoder` of a configuration: tokens by id.

    Raises:
        InvalidFormat: It is something else.
    """
    decoder = stored.get("added_tokens_decoder")
    if decoder is None:
        return {}
    if not isinstance(decoder, Mapping) or not all(_is_number(key) for key in decoder):
        raise InvalidFormat("added_tokens_decoder must be an object of ids and tokens.")
    named = {token.content for token in specials}
    found = {int(key): read_added(value) for key, value in decoder.items()}
    return {
        key: replace(token, special=token.special or token.content in named)
        for key, token in found.items()
    }


def old_tokens(folder: Folder, specials: Iterable[AddedToken]) -> dict[int, AddedToken]:
    """Read added_tokens.json, as folders had it before tokenizer.json: tokens by id.

    Raises:
        InvalidFormat: It holds something else than tokens and ids, or an id twice.
    """
    data = folder.json("added_tokens.json")
    if not all(type(value) is int and value >= 0 for value in data.values()):
        raise InvalidFormat(f"{folder.name}: added_tokens.json must hold tokens with ids.")
    if len(set(data.values())) != len(data):
        raise InvalidFormat(f"{folder.name}: added_tokens.json gives an id twice.")
    named = {token.content: token for token in specials}
    return {value: named.get(key, AddedToken(key)) for key, value in data.items()}


def _is_number(text: Any) -> bool:
    return isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
