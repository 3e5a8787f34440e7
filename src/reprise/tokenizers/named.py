"""Attributes for the special tokens that have names: `pad_token`, `pad_token_id`."""

from typing import TYPE_CHECKING, Any, Protocol

from reprise.tokenizers.added import AddedToken


class HasSpecials(Protocol):
    """Something with named special tokens."""

    def special(self, name: str) -> AddedToken | None:
        """Return one by name."""
        ...

    def set_special(self, name: str, token: str | AddedToken | None) -> None:
        """Set one by name."""
        ...

    def convert_tokens_to_ids(self, tokens: Any) -> Any:
        """Return the id of a token."""
        ...

    def convert_ids_to_tokens(self, ids: Any) -> Any:
        """Return the token of an id."""
        ...


class SpecialToken:
    """The text of a named special token, or None."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    if TYPE_CHECKING:

        def __get__(self, instance: Any, owner: type | None = None) -> str | None: ...
    else:

        def __get__(self, instance: HasSpecials | None, owner: type | None = None) -> Any:
            if instance is None:
                return self
            token = instance.special(self._name)
            return None if token is None else token.content

    def __set__(self, instance: HasSpecials, value: str | AddedToken | None) -> None:
        instance.set_special(self._name, value)


class SpecialTokenId:
    """The id of a named special token, or None."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name.removesuffix("_id")

    if TYPE_CHECKING:

        def __get__(self, instance: Any, owner: type | None = None) -> int | None: ...
    else:

        def __get__(self, instance: HasSpecials | None, owner: type | None = None) -> Any:
            if instance is None:
                return self
            token = instance.special(self._name)
            return None if token is None else instance.convert_tokens_to_ids(token.content)

    def __set__(self, instance: HasSpecials, value: int | None) -> None:
        token = None if value is None else instance.convert_ids_to_tokens(value)
        instance.set_special(self._name, token)
